//! Inference without Burn: loading, prefill and stepping, caches and states, sampling, constraints, generation, speculation,
//! batches, beam search, scoring and benchmarks.
//!
//! ```no_run
//! use bantam_formats::ModelArtifact;
//! use bantam_runtime::{LoadOptions, Model, Session};
//!
//! let artifact = ModelArtifact::open("runs/edge-json")?;
//! let model = Model::load(&artifact, LoadOptions::default())?;
//! let mut session = Session::new(&model);
//! let logits = session.prefill(&[1, 2, 3])?;
//! # let _ = logits;
//! # Ok::<(), bantam_core::Error>(())
//! ```

mod batch;
mod beam;
pub mod bench;
mod block;
mod constraint;
mod conversation;
mod decode;
mod forward;
mod generate;
mod generate_batch;
mod linear;
mod log_probability;
pub mod measure;
#[cfg(test)]
mod mixer_tests;
pub mod mixers;
mod model;
#[cfg(test)]
#[path = "../tests/random_model/mod.rs"]
mod random_model;
#[cfg(test)]
mod recurrent_tests;
mod sampling;
mod score;
mod session;
mod speculation;
mod text;

pub use bantam_kernels::inference::CacheFormat;
pub use batch::{Batch, SequenceId};
pub use beam::{BeamOptions, BeamText, beam_search};
pub use constraint::{Constraint, ConstraintCompiler, ConstraintState, verbatim};
pub use conversation::Conversation;
pub use decode::Listener;
pub use generate::{FinishReason, GenerateOptions, Generation, Generator, generate};
pub use generate_batch::{BatchRequest, generate_batch};
pub use linear::Linear;
pub use log_probability::{TokenLogProbability, continuation_log_probabilities};
pub use model::{LoadOptions, Model};
pub use sampling::{History, Sampler, SamplingOptions};
pub use score::{Score, ScoreOptions, score_text, score_tokens, token_log_probabilities};
pub use session::Session;
pub use speculation::{DraftModel, Speculation, SpeculationCounts};

// Unit tests share the random models of the tests beside the crate, which call it by its name.
#[cfg(test)]
extern crate self as bantam_runtime;
