//! Inference without Burn: loading, prefill and stepping, caches and states, sampling, schema constraints, generation,
//! scoring and benchmarks.
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

pub mod bench;
mod block;
mod constraint;
mod generate;
mod linear;
pub mod measure;
pub mod mixers;
mod model;
mod sampling;
mod score;
mod session;

pub use constraint::{Constraint, ConstraintCompiler, ConstraintState};
pub use generate::{FinishReason, GenerateOptions, Generation, generate};
pub use linear::Linear;
pub use model::{LoadOptions, Model};
pub use sampling::{Sampler, SamplingOptions};
pub use score::{Score, ScoreOptions, score_text, score_tokens};
pub use session::Session;
