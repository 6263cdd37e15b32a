//! What a model is on disk and by name: configs, tensor names and shapes, Hugging Face folders, safetensors, GGUF, tokenizers,
//! chat templates. The only crate that knows a file format or a tensor's name; it computes nothing with the weights.

pub mod answer_order;
mod artifact;
pub mod chat;
mod config;
pub mod event_file;
pub mod gguf;
pub mod hf;
mod mixer;
pub mod peft;
pub mod rope;
pub mod subschemas;
mod tensor;
mod tokenizer;
pub mod tokenizer_training;
mod vector_file;
mod vector_model;
mod weights;
mod zstandard;

pub use artifact::{ArtifactKind, ModelArtifact};
pub use config::{Architecture, ModelConfig};
pub use mixer::{MixerConfig, NAMES as MIXER_NAMES};
pub use rope::RopeScaling;
pub use tensor::{DType, EMBEDDING, EMBEDDING_NORM, FINAL_NORM, OUTPUT, POSITIONS, TensorData, TensorSpec};
pub use tokenizer::{Tokenizer, TokenizerBundle};
pub use vector_file::VectorFile;
pub use vector_model::{MODULATIONS, STEP_FEATURES, VectorConfig, VectorPorts};
