//! What a training run can be told. Every field has a default, and every default is written into the resolved recipe.

use bantam_core::{Error, Result, seed};
use bantam_data::item::Level;
use bantam_model::context::Precision;
use bantam_model::dropout::Dropout;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::device::DeviceChoice;
use crate::optimizer::{AdamWConfig, GroupRule, LionConfig, Method, MuonConfig, MuonScale};
use crate::schedule::Schedule;
use crate::step::{PassRule, StepRule};

/// A stretch of training with its own limits: a curriculum by length and level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Phase {
    /// Share of all steps, over the sum of all phases' shares.
    pub share: f64,
    /// Only items of at most this many tokens.
    pub max_item_tokens: usize,
    /// Tokens a step, at most: whole items are packed until the next does not fit.
    pub batch_tokens: usize,
    /// Only items of these levels; empty: all items.
    #[serde(default)]
    pub levels: Vec<Level>,
}

/// The optimizers a recipe can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// AdamW.
    AdamW,
    /// Muon for hidden matrices, AdamW for the rest.
    Muon,
    /// Lion.
    Lion,
}

/// How exactly weight products are computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ComputePrecision {
    /// Nothing is rounded.
    #[default]
    F32,
    /// Operands are rounded to bfloat16.
    Bf16,
    /// The one of the two that is faster where the training runs.
    Auto,
}

impl ComputePrecision {
    /// What [`Self::Auto`] stands for on this machine; the others as they are.
    pub fn resolved(self, device: DeviceChoice) -> Self {
        match self {
            // Rounding first and multiplying in f32 after is never faster.
            Self::Auto if device == DeviceChoice::Cpu && Precision::bf16_products() != "f32" => Self::Bf16,
            Self::Auto => Self::F32,
            chosen => chosen,
        }
    }

    /// Rounded operands are a property of the fused operations, which only the processor has.
    ///
    /// # Errors
    /// Anything but f32 on another device; `place` names what was asked for.
    pub fn check(self, device: DeviceChoice, place: &str) -> Result<()> {
        if self != Self::Bf16 || matches!(device, DeviceChoice::Cpu | DeviceChoice::Auto) {
            return Ok(());
        }
        Err(Error::input(place, format_args!("bf16 is for the CPU, {device} devices compute in f32"), "give \"f32\""))
    }
}

impl From<ComputePrecision> for Precision {
    fn from(precision: ComputePrecision) -> Self {
        match precision.resolved(DeviceChoice::Cpu) {
            ComputePrecision::Bf16 => Self::Bf16,
            _ => Self::F32,
        }
    }
}

/// The `[train]` table of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Optimizer steps.
    pub steps: u64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Steps of linear warm-up from zero.
    pub warmup_steps: u64,
    /// Share of the steps, at the end, over which schedule `wsd` falls linearly to `final_learning_rate`.
    pub decay_fraction: f64,
    /// Learning rate after the last step.
    pub final_learning_rate: f64,
    /// How the rate falls after the warm-up.
    pub schedule: Schedule,
    /// The rule that turns gradients into steps.
    pub optimizer: OptimizerKind,
    /// Decay of AdamW's first moment; share of Lion's momentum in its step.
    pub beta1: f64,
    /// Decay of AdamW's second moment, of Lion's momentum.
    pub beta2: f64,
    /// AdamW's epsilon.
    pub epsilon: f64,
    /// Decay of Muon's momentum.
    pub momentum: f64,
    /// Whether Muon mixes the gradient into its momentum once more.
    pub nesterov: bool,
    /// Muon's Newton-Schulz iterations.
    pub newton_schulz: usize,
    /// The size of Muon's update.
    pub muon_scale: MuonScale,
    /// Decoupled weight decay of matrices; norms and biases do not decay.
    pub weight_decay: f64,
    /// Batches of `batch_tokens` whose gradients make one step.
    pub accumulate: usize,
    /// Gradients are scaled down to this global L2 norm. 0 turns clipping off.
    pub clip_norm: f64,
    /// The run stops when the mean loss of 20 steps is this many times, and one nat above, the lowest such mean of its
    /// phase. 0 turns the guard off.
    pub explosion: f64,
    /// A validation loss under this fraction of what counting trigrams reaches has to be explained. 0 turns the guard off.
    pub plausibility: f64,
    /// Stop after so many validations without a better one, and end with the weights of the best. 0: never.
    pub patience: u64,
    /// A validation counts as better when its loss is lower by more than this.
    pub patience_gain: f64,
    /// End with the mean of the last so many checkpoints' weights. 0 and 1: the last step's.
    pub average: usize,
    /// Keep only each block's input in the forward pass, and run the block again in the backward pass.
    pub gradient_checkpointing: bool,
    /// What the operands of weight products are rounded to; weights, sums and everything else are f32.
    pub precision: ComputePrecision,
    /// Where training and validation compute. Decides the weights' last bits, and so is part of the run's identity.
    pub device: DeviceChoice,
    /// Share of the uniform distribution mixed into the training targets. Validation is never smoothed.
    pub label_smoothing: f64,
    /// Share of the embedding's and of each mixer's values that training drops. Validation drops nothing.
    pub dropout: f64,
    /// Validate every so many steps (and after the last). 0: only after the last.
    pub validate_every: u64,
    /// Validate on at most this many items, the first of the validation set.
    pub validate_items: usize,
    /// Write a checkpoint every so many steps (and after the last). 0: only after the last.
    pub checkpoint_every: u64,
    /// Learning rates and decays of single parameters.
    pub groups: Vec<GroupRule>,
    /// The curriculum, in order.
    pub phases: Vec<Phase>,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            steps: 2000,
            learning_rate: 1.5e-3,
            warmup_steps: 100,
            decay_fraction: 0.4,
            final_learning_rate: 0.0,
            schedule: Schedule::Wsd,
            optimizer: OptimizerKind::AdamW,
            beta1: 0.9,
            beta2: 0.98,
            epsilon: 1e-8,
            momentum: 0.95,
            nesterov: true,
            newton_schulz: 5,
            muon_scale: MuonScale::MatchRmsAdamw,
            weight_decay: 0.1,
            accumulate: 1,
            clip_norm: 1.0,
            explosion: 3.0,
            plausibility: 0.1,
            patience: 0,
            patience_gain: 0.0,
            average: 0,
            gradient_checkpointing: false,
            precision: ComputePrecision::F32,
            device: DeviceChoice::Cpu,
            label_smoothing: 0.0,
            dropout: 0.0,
            validate_every: 250,
            validate_items: 200,
            checkpoint_every: 250,
            groups: Vec::new(),
            phases: vec![Phase { share: 1.0, max_item_tokens: 1024, batch_tokens: 2048, levels: Vec::new() }],
        }
    }
}

impl TrainConfig {
    /// Checks that the values are possible. `place` names where they come from, for instance `recipe.toml: train`.
    pub fn validate(&self, place: &str) -> Result<()> {
        let wrong = |key: &str, what: &str, remedy: &str| Err(Error::input(format!("{place}.{key}"), what, remedy));
        let positive = [("learning_rate", self.learning_rate), ("epsilon", self.epsilon)];
        for (key, value) in positive {
            if !(value.is_finite() && value > 0.0) {
                return wrong(key, &format!("{value} is not above 0"), "give a positive number");
            }
        }
        let not_negative = [
            ("final_learning_rate", self.final_learning_rate),
            ("weight_decay", self.weight_decay),
            ("clip_norm", self.clip_norm),
            ("patience_gain", self.patience_gain),
        ];
        for (key, value) in not_negative {
            if !(value.is_finite() && value >= 0.0) {
                return wrong(key, &format!("{value} is below 0"), "give 0 or more");
            }
        }
        let below_one = [
            ("beta1", self.beta1),
            ("beta2", self.beta2),
            ("momentum", self.momentum),
            ("plausibility", self.plausibility),
            ("label_smoothing", self.label_smoothing),
            ("dropout", self.dropout),
        ];
        for (key, value) in below_one {
            if !(0.0..1.0).contains(&value) {
                return wrong(key, &format!("{value} is not in 0..1"), "give 0 or more and less than 1");
            }
        }
        if !(0.0..=1.0).contains(&self.decay_fraction) {
            return wrong("decay_fraction", &format!("{} is not in 0..=1", self.decay_fraction), "give a share");
        }
        if !(1..=20).contains(&self.newton_schulz) {
            return wrong("newton_schulz", &format!("{} iterations", self.newton_schulz), "give 1 to 20; usual is 5");
        }
        for (i, group) in self.groups.iter().enumerate() {
            let given = [group.weight_decay, group.learning_rate_scale];
            if given.iter().flatten().any(|v| !(v.is_finite() && *v >= 0.0)) {
                return wrong(&format!("groups[{i}]"), "a value is below 0 or no number", "give 0 or more");
            }
            if given == [None, None] {
                return wrong(
                    &format!("groups[{i}]"),
                    "it changes nothing",
                    "give weight_decay or learning_rate_scale",
                );
            }
        }
        self.precision.check(self.device, &format!("{place}.precision"))?;
        if self.explosion != 0.0 && !(self.explosion.is_finite() && self.explosion > 1.0) {
            return wrong("explosion", &format!("{} is not above 1", self.explosion), "give a factor, or 0 for none");
        }
        if self.patience > 0 && self.validate_every == 0 {
            return wrong("patience", "there is nothing to wait for without validations", "set validate_every");
        }
        if self.patience > 0 && self.average > 1 {
            return wrong("average", "with patience the best validation's weights end the run", "give one of the two");
        }
        if self.average > 1 && self.checkpoint_every == 0 {
            return wrong("average", "there is one checkpoint only", "set checkpoint_every");
        }
        if self.average > 1000 {
            return wrong("average", "so many checkpoints would be kept", "give at most 1000");
        }
        if !(1..=4096).contains(&self.accumulate) {
            return wrong("accumulate", &format!("{} batches a step", self.accumulate), "give 1 to 4096");
        }
        if self.steps == 0 {
            return wrong("steps", "0 steps train nothing", "give at least 1");
        }
        if self.warmup_steps > self.steps {
            return wrong("warmup_steps", "the warm-up is longer than the run", "give fewer than `steps`");
        }
        if self.phases.is_empty() {
            return wrong("phases", "there is no phase", "give at least one");
        }
        for (i, phase) in self.phases.iter().enumerate() {
            let key = format!("phases[{i}]");
            if !(phase.share.is_finite() && phase.share > 0.0) {
                return wrong(&key, &format!("share {} is not above 0", phase.share), "give a positive share");
            }
            if phase.levels.iter().enumerate().any(|(at, level)| phase.levels[..at].contains(level)) {
                return wrong(&key, "a level is named twice", "name each once");
            }
            if phase.max_item_tokens < 2 || phase.batch_tokens < 2 {
                return wrong(&key, "an item or batch of fewer than 2 tokens has no target", "give larger limits");
            }
        }
        Ok(())
    }

    /// The optimizer's rule with its constants.
    pub fn method(&self) -> Method {
        let adamw = AdamWConfig { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon };
        let muon = MuonConfig {
            momentum: self.momentum,
            nesterov: self.nesterov,
            iterations: self.newton_schulz,
            scale: self.muon_scale,
            precision: self.precision.into(),
        };
        match self.optimizer {
            OptimizerKind::AdamW => Method::AdamW(adamw),
            OptimizerKind::Muon => Method::Muon(muon, adamw),
            OptimizerKind::Lion => Method::Lion(LionConfig { beta1: self.beta1, beta2: self.beta2 }),
        }
    }

    /// How a step (from 0) of the run of this seed is taken at this rate.
    pub fn step_rule(&self, learning_rate: f64, seed: u64, step: u64) -> StepRule {
        let seed = |of: &str| seed::rng(seed, &format!("{of}/{step}")).next_u64();
        StepRule {
            learning_rate,
            clip_norm: self.clip_norm,
            pass: PassRule {
                recompute: self.gradient_checkpointing,
                precision: self.precision.into(),
                dropout: (self.dropout > 0.0).then(|| Dropout { rate: self.dropout as f32, seed: seed("dropout") }),
                seed: seed("objective"),
            },
        }
    }

    /// The phase that a step (from 0) belongs to.
    pub fn phase_at(&self, step: u64) -> (usize, &Phase) {
        let total: f64 = self.phases.iter().map(|p| p.share).sum();
        let mut end = 0.0;
        for (i, phase) in self.phases.iter().enumerate() {
            end += phase.share / total;
            if (step as f64) < (end * self.steps as f64).round() {
                return (i, phase);
            }
        }
        (self.phases.len() - 1, &self.phases[self.phases.len() - 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_split_the_steps_by_their_shares() {
        let phase = |share| Phase { share, max_item_tokens: 10, batch_tokens: 10, levels: Vec::new() };
        let config = TrainConfig { steps: 100, phases: vec![phase(3.0), phase(1.0)], ..Default::default() };
        assert_eq!(config.phase_at(0).0, 0);
        assert_eq!(config.phase_at(74).0, 0);
        assert_eq!(config.phase_at(75).0, 1);
        assert_eq!(config.phase_at(99).0, 1);
    }

    #[test]
    fn the_faster_precision_is_that_of_the_machine() {
        let here = match Precision::bf16_products() {
            "f32" => ComputePrecision::F32,
            _ => ComputePrecision::Bf16,
        };
        assert_eq!(ComputePrecision::Auto.resolved(DeviceChoice::Cpu), here);
        assert_eq!(Precision::from(ComputePrecision::Auto), here.into());
        assert_eq!(ComputePrecision::Auto.resolved(DeviceChoice::Vulkan), ComputePrecision::F32);
        assert_eq!(ComputePrecision::Bf16.resolved(DeviceChoice::Vulkan), ComputePrecision::Bf16);
    }

    #[test]
    fn impossible_values_name_their_key() {
        let bad = [
            TrainConfig { steps: 0, ..Default::default() },
            TrainConfig { learning_rate: f64::NAN, ..Default::default() },
            TrainConfig { beta2: 1.0, ..Default::default() },
            TrainConfig { warmup_steps: 1 << 40, ..Default::default() },
            TrainConfig { phases: vec![], ..Default::default() },
        ];
        for (config, key) in bad.iter().zip(["steps", "learning_rate", "beta2", "warmup_steps", "phases"]) {
            let e = config.validate("train").unwrap_err();
            assert!(e.to_string().starts_with(&format!("train.{key}")), "{e}");
            assert_eq!(e.exit_code(), 2);
        }
        TrainConfig::default().validate("train").unwrap();
    }
}
