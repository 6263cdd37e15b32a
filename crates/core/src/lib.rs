//! What every other crate may lean on: errors with their exit codes, files that appear whole or not at all,
//! content hashes, seeds derived by name, run folders, lineage and progress. Knows nothing of models, tensors or
//! formats.

mod error;
pub mod files;
pub mod hash;
pub mod host;
pub mod lineage;
pub mod progress;
pub mod run;
pub mod seed;

pub use error::{Error, ErrorKind, Result};
