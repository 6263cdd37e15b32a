//! `[distill]`: which model teaches, and how much the student listens.

use bantam_core::{Error, Result};
use bantam_train::distillation::{Direction, DistillationConfig};
use serde::{Deserialize, Serialize};

/// `[distill]`. With this section a model is trained on a teacher's distributions beside the data's tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DistillSection {
    /// The teacher, named as `finetune.base` is; it must have the student's vocabulary.
    pub teacher: String,
    /// `forward`: KL(teacher || student); `reverse`: KL(student || teacher).
    pub direction: Direction,
    /// Softens both distributions; the divergence is multiplied by its square.
    pub temperature: f64,
    /// Share of the divergence in the loss.
    pub weight: f64,
    /// 0: the teacher runs beside the student; above: its so many likeliest tokens are asked for once and kept in a file.
    pub cache_top_k: usize,
}

impl Default for DistillSection {
    fn default() -> Self {
        let DistillationConfig { direction, temperature, weight, cache_top_k } = DistillationConfig::default();
        Self { teacher: String::new(), direction, temperature, weight, cache_top_k }
    }
}

impl DistillSection {
    /// Values that are of the right type and impossible; errors name their key as `distill.weight`.
    pub(super) fn check(&self) -> Result<()> {
        if self.teacher.is_empty() {
            return Err(Error::input("distill.teacher", "there is none", "give the model to learn from"));
        }
        self.config().validate("distill")
    }

    /// The objective's settings.
    pub fn config(&self) -> DistillationConfig {
        let Self { direction, temperature, weight, cache_top_k, .. } = *self;
        DistillationConfig { direction, temperature, weight, cache_top_k }
    }
}
