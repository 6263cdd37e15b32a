//! Hugging Face folders: `config.json`, safetensors (one file or shards), `tokenizer.json` and its companions.

mod config;
mod folder;
mod gpt2_config;
mod hybrid;
mod names;
mod rwkv_config;
pub(crate) mod safetensors;

pub(crate) use folder::{HfTokenizerFiles, open_folder, read_tokenizer_files};
pub use folder::{weight_files, write_folder, write_tokenizer_files};
pub(crate) use hybrid::is_mamba2;
pub use names::folder_name;
