//! GGUF, llama.cpp's single-file format: read, mapped to a model, written.
//!
//! Format: `docs/gguf.md` of ggml, versions 2 and 3, little-endian. Reading trusts nothing: counts and lengths are compared with the bytes that are
//! there before anything is allocated.

mod keys;
mod mamba2;
mod mix;
mod model;
mod names;
pub mod package;
mod reader;
mod rwkv7;
mod sentence_piece;
mod vocabulary;
mod write_model;
mod write_tokenizer;
mod writer;

pub use keys::{List, Value};
pub use mix::GgufType;
pub(crate) use model::open_model;
pub use reader::{Contents, TensorInfo, parse};
pub(crate) use vocabulary::Vocabulary;
pub use write_model::{GgufSummary, repackage, write_model};
pub use writer::{Tensor, write};
