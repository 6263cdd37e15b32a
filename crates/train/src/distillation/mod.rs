//! Learning from a teacher: its distribution over the next token beside the data's (Hinton et al. 2015).

mod cache;
mod divergence;

use bantam_core::{Error, Result};
use bantam_model::TokenModel;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};

pub use cache::{Cache, CacheIdentity};
pub use divergence::{Direction, divergence};

use crate::objective::{Inputs, Objective};

/// How a student learns from a teacher.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistillationConfig {
    /// `forward`: KL(teacher || student), which covers all that the teacher does; `reverse`: KL(student || teacher), which
    /// keeps to what the teacher does most (Gu et al. 2024).
    pub direction: Direction,
    /// Both distributions are softened by it; the divergence is multiplied by its square, so that its gradients keep
    /// their size.
    pub temperature: f64,
    /// Share of the divergence in the loss; the data's cross-entropy has the rest.
    pub weight: f64,
    /// 0: the teacher runs beside the student. Above: so many of its likeliest tokens are kept in a file, with the
    /// probability of all others together.
    pub cache_top_k: usize,
}

impl Default for DistillationConfig {
    fn default() -> Self {
        Self { direction: Direction::Forward, temperature: 2.0, weight: 0.5, cache_top_k: 0 }
    }
}

impl DistillationConfig {
    /// Checks that the values are possible. `place` names where they come from.
    pub fn validate(&self, place: &str) -> Result<()> {
        let wrong = |key: &str, what: String, remedy: &str| Err(Error::input(format!("{place}.{key}"), what, remedy));
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return wrong("temperature", format!("{} is not above 0", self.temperature), "usual are 1 to 4");
        }
        if !(0.0..=1.0).contains(&self.weight) {
            return wrong("weight", format!("{} is not in 0..=1", self.weight), "give a share");
        }
        Ok(())
    }
}

/// Where the teacher's distributions come from.
#[derive(Debug)]
pub enum Teacher {
    /// The model itself, without gradients.
    Live(Box<TokenModel>),
    /// What it said before.
    Cached(Cache),
}

/// `(1 - weight) * cross-entropy + weight * T^2 * divergence`, a mean over the targets.
#[derive(Debug)]
pub struct Distillation {
    /// The settings.
    pub config: DistillationConfig,
    /// Share of the uniform distribution mixed into the data's targets.
    pub label_smoothing: f64,
    /// The teacher.
    pub teacher: Teacher,
    /// Hash of the teacher's weights.
    pub teacher_sha256: String,
}

impl Objective for Distillation {
    fn loss(&self, model: &TokenModel, hidden: Tensor<2>, inputs: &Inputs) -> Result<Tensor<1>> {
        let student = model.target_logits_of(hidden, &inputs.targets, inputs.context.precision());
        let (device, temperature) = (student.device(), self.config.temperature as f32);
        let softened = activation::log_softmax(student.clone() / temperature, 1);
        let apart = match &self.teacher {
            Teacher::Live(teacher) => {
                let log_p = live(teacher, inputs, temperature, &device);
                divergence(softened, log_p, self.config.direction)
            }
            Teacher::Cached(cache) => {
                let said = cache.look_up(inputs, &device)?;
                divergence(said.classes_of(softened), said.log_p, self.config.direction)
            }
        };
        let data = cross_entropy(student, &inputs.targets.tokens, self.label_smoothing as f32);
        let weight = self.config.weight as f32;
        Ok(data * (1.0 - weight) + apart * (weight * temperature * temperature))
    }

    fn identity(&self) -> String {
        format!("distillation {:?} smoothing {} teacher {}", self.config, self.label_smoothing, self.teacher_sha256)
    }
}

/// The teacher's softened log-probabilities at the targets' rows, on the student's device and without gradients.
fn live(teacher: &TokenModel, inputs: &Inputs, temperature: f32, device: &Device) -> Tensor<2> {
    let plain = device.clone().without_autodiff();
    let tokens = Tensor::<2, Int>::from_data(inputs.tokens.to_data(), &plain);
    let logits = teacher.target_logits(tokens, &inputs.context, &inputs.targets);
    Tensor::from_data(activation::log_softmax(logits / temperature, 1).into_data(), device)
}

fn cross_entropy(logits: Tensor<2>, targets: &[u32], label_smoothing: f32) -> Tensor<1> {
    let column: Vec<i32> = targets.iter().map(|&t| t as i32).collect();
    let column = Tensor::<2, Int>::from_data(TensorData::new(column, [targets.len(), 1]), &logits.device());
    let log_q = activation::log_softmax(logits, 1);
    let right = log_q.clone().gather(1, column).mean();
    (right * (1.0 - label_smoothing) + log_q.mean() * label_smoothing).neg()
}
