//! What stops a training that is not worth going on with, or whose numbers nobody could stand behind.

pub mod causality;
pub mod explosion;
pub mod plausibility;
pub mod targets;
pub mod trigram;
