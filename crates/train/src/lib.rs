//! Training loops: from a config and examples to weights, through checkpoints that a killed run continues from
//! exactly. Computes; does not print and does not read clocks: an [`Observer`] is told what happens.

mod accumulation;
pub mod bench;
mod checkpoint;
mod config;
pub mod device;
pub mod distillation;
mod early_stopping;
mod ending;
pub mod examples;
pub mod guards;
mod learning_rate_finder;
mod nearest;
mod objective;
mod observer;
mod optimizer;
mod predictions;
mod preflight;
mod recompute;
mod schedule;
mod start;
mod step;
mod trainable;
mod trainer;
mod training;
mod validation;
mod vector_loss;

pub use accumulation::{Accumulated, accumulate};
/// Where a training computes; see [`Training::device`].
pub use burn::tensor::Device;
pub use checkpoint::{Checkpoint, final_folder, final_weights, latest, steps as checkpoint_steps};
pub use config::{ComputePrecision, OptimizerKind, Phase, TrainConfig};
pub use device::{DeviceChoice, OpenDevice};
pub use early_stopping::{Best, EarlyStopping};
pub use ending::Weights;
pub use learning_rate_finder::{Sweep, SweepPoint, find_learning_rate};
pub use objective::{Inputs, NextToken, Objective};
pub use observer::{Control, Observer};
pub use optimizer::{AdamWConfig, GroupRule, LionConfig, Method, MuonConfig, MuonScale, Optimizer};
pub use predictions::predictions;
pub use preflight::{PhaseMeasure, Preflight, preflight};
pub use schedule::{Schedule, learning_rate};
pub use start::Start;
pub use step::{PassRule, StepReport, StepRule, train_step};
pub use trainable::{Measured, Trainable, VectorSetup};
pub use trainer::{Outcome, train};
pub use training::Training;
pub use validation::{Validation, validate};
pub use vector_loss::{LossKind, VectorLoss, cosine, info_nce, squared_error};
