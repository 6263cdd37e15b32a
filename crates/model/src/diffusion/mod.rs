//! The two-tower diffusion form of the concept model (Meta's Large Concept Model, arXiv 2412.08821): the blocks of a vector model encode the
//! context once (the contextualizer); a second stack, the denoiser, attends to it and turns noise into the next vector, step by step.

mod denoiser;
mod sampling;
mod schedule;

pub use denoiser::{Denoiser, Denoising};
pub use sampling::Sampling;
pub(crate) use sampling::noise;
pub use schedule::{NoiseLevel, STEPS, noise_level};
