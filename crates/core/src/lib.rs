//! What every other crate may lean on: errors with their exit codes, files that appear whole or not at all,
//! content hashes, and seeds derived by name. Knows nothing of models, tensors or formats.

mod error;
pub mod files;
pub mod hash;
pub mod seed;

pub use error::{Error, ErrorKind, Result};
