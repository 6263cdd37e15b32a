//! Training loops: from a config and examples to weights, through checkpoints that a killed run continues from
//! exactly. Computes; does not print and does not read clocks: an [`Observer`] is told what happens.

pub mod bench;
mod checkpoint;
mod config;
pub mod examples;
mod optimizer;
pub mod probe;
mod schedule;
mod step;
mod trainer;
mod validation;

pub use checkpoint::{Checkpoint, latest};
pub use config::{Phase, TrainConfig};
pub use optimizer::{AdamW, AdamWConfig};
pub use schedule::learning_rate;
pub use step::{StepReport, train_step};
pub use trainer::{Control, Observer, Outcome, train};
pub use validation::{Validation, validate};
