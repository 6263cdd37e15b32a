//! AdamW over named parameters. Its state is keyed by name, so that it can be saved and read back.

use std::collections::{BTreeMap, HashMap};

use bantam_kernels::training::adamw;
use bantam_model::TokenModel;
use bantam_model::mixers::ParameterGroup;
use bantam_model::weights::{self, NamedTensor};

/// AdamW's constants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamWConfig {
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay of the groups that decay.
    pub weight_decay: f64,
}

/// The moments of one parameter.
#[derive(Clone, Debug, PartialEq)]
struct Moments {
    shape: Vec<usize>,
    m: Vec<f32>,
    v: Vec<f32>,
}

/// AdamW (Loshchilov and Hutter 2019) with per-parameter rules.
#[derive(Clone, Debug)]
pub struct AdamW {
    config: AdamWConfig,
    groups: HashMap<String, ParameterGroup>,
    moments: BTreeMap<String, Moments>,
    steps: u64,
}

impl AdamW {
    /// An optimizer that has taken no step.
    pub fn new(config: AdamWConfig, groups: Vec<ParameterGroup>) -> Self {
        let groups = groups.into_iter().map(|g| (g.path.clone(), g)).collect();
        Self { config, groups, moments: BTreeMap::new(), steps: 0 }
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step: `gradients`, by name, are multiplied by `gradient_scale` first. Parameters without a gradient stay.
    pub fn step(
        &mut self,
        model: TokenModel,
        gradients: &HashMap<String, Vec<f32>>,
        learning_rate: f64,
        gradient_scale: f64,
    ) -> TokenModel {
        self.steps += 1;
        let c = self.config;
        let power = |beta: f64| beta.powf(self.steps as f64) as f32;
        weights::update(model, |name, shape, values| {
            let Some(gradient) = gradients.get(name) else { return };
            let (scale, decays) = self.groups.get(name).map_or((1.0, true), |g| (g.learning_rate_scale, g.decays));
            let moments = self.moments.entry(name.to_string()).or_insert_with(|| Moments {
                shape: shape.to_vec(),
                m: vec![0.0; values.len()],
                v: vec![0.0; values.len()],
            });
            let step = adamw::Step {
                learning_rate: (learning_rate * scale) as f32,
                beta1: c.beta1 as f32,
                beta2: c.beta2 as f32,
                beta1_power: power(c.beta1),
                beta2_power: power(c.beta2),
                epsilon: c.epsilon as f32,
                weight_decay: if decays { c.weight_decay as f32 } else { 0.0 },
                gradient_scale: gradient_scale as f32,
            };
            adamw::step(step, values, &mut moments.m, &mut moments.v, gradient);
        })
    }

    /// The moments as tensors named `m/<parameter>` and `v/<parameter>`.
    pub fn state(&self) -> Vec<NamedTensor> {
        let of = |name: &String, s: &Moments| {
            [(format!("m/{name}"), s.shape.clone(), s.m.clone()), (format!("v/{name}"), s.shape.clone(), s.v.clone())]
        };
        self.moments.iter().flat_map(|(name, s)| of(name, s)).collect()
    }

    /// Takes up where an optimizer with this [`state`](Self::state) stopped. `None` if a moment is missing or of
    /// another shape than its pair.
    pub fn restore(&mut self, state: Vec<NamedTensor>, steps: u64) -> Option<()> {
        let mut by_name: HashMap<String, (Vec<usize>, Vec<f32>)> =
            state.into_iter().map(|(name, shape, values)| (name, (shape, values))).collect();
        let names: Vec<String> = by_name.keys().filter_map(|n| n.strip_prefix("m/").map(str::to_string)).collect();
        self.moments.clear();
        for name in names {
            let (shape, m) = by_name.remove(&format!("m/{name}"))?;
            let (v_shape, v) = by_name.remove(&format!("v/{name}"))?;
            if shape != v_shape || m.len() != v.len() {
                return None;
            }
            self.moments.insert(name, Moments { shape, m, v });
        }
        self.steps = steps;
        by_name.is_empty().then_some(())
    }
}

/// The L2 norm of all gradients together; summed in f64, parameter by parameter in name order.
pub fn global_norm(gradients: &HashMap<String, Vec<f32>>) -> f64 {
    let mut names: Vec<&String> = gradients.keys().collect();
    names.sort_unstable();
    let squares = |g: &[f32]| g.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    names.into_iter().map(|n| squares(&gradients[n])).sum::<f64>().sqrt()
}
