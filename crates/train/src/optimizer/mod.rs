//! Optimizers over named parameters: which rule changes which parameter, and what it remembers of it.
//!
//! State is keyed by parameter name and slot (`m/<parameter>`), so that it can be saved and read back.

mod adamw;
mod groups;
mod lion;
mod muon;

use std::collections::{BTreeMap, HashMap};

use bantam_core::Result;
use bantam_formats::{EMBEDDING, OUTPUT, POSITIONS};
use bantam_kernels::training::sum_of_squares::sum_of_squares;
use bantam_model::mixers::ParameterGroup;
use bantam_model::weights::{self, NamedTensor};
use burn::module::Module;

pub use adamw::AdamWConfig;
pub use groups::GroupRule;
use groups::Stepped;
pub use lion::LionConfig;
pub use muon::{MuonConfig, MuonScale};

/// The rule that turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// AdamW (Loshchilov and Hutter 2019).
    AdamW(AdamWConfig),
    /// Muon (Jordan et al. 2024) for the matrices between embedding and head, AdamW for the rest.
    Muon(MuonConfig, AdamWConfig),
    /// Lion (Chen et al. 2023).
    Lion(LionConfig),
}

/// The rule of one parameter.
#[derive(Clone, Copy)]
enum Rule {
    AdamW(AdamWConfig),
    Muon(MuonConfig),
    Lion(LionConfig),
}

impl Method {
    fn rule(&self, name: &str, shape: &[usize]) -> Rule {
        let hidden = shape.len() == 2 && ![EMBEDDING, POSITIONS, OUTPUT].contains(&name);
        match self {
            Method::AdamW(c) => Rule::AdamW(*c),
            Method::Muon(c, _) if hidden => Rule::Muon(*c),
            Method::Muon(_, c) => Rule::AdamW(*c),
            Method::Lion(c) => Rule::Lion(*c),
        }
    }
}

impl Rule {
    /// What is remembered of a parameter, each of the parameter's shape and zero at first.
    fn slots(self) -> &'static [&'static str] {
        match self {
            Rule::AdamW(_) => &["m", "v"],
            Rule::Muon(_) => &["momentum"],
            Rule::Lion(_) => &["m"],
        }
    }
}

/// What a rule needs to know of a step besides the gradient.
#[derive(Clone, Copy, Debug)]
struct Scalars {
    /// Number of this step, from 1.
    number: u64,
    /// Learning rate of this parameter.
    learning_rate: f64,
    /// Decoupled weight decay of this parameter.
    weight_decay: f64,
    /// Multiplies the gradient first (global-norm clipping).
    gradient_scale: f64,
}

/// What is remembered of one parameter, in the order of its rule's slots.
#[derive(Clone, Debug, PartialEq)]
struct Memory {
    shape: Vec<usize>,
    slots: Vec<Vec<f32>>,
}

/// An optimizer with per-parameter rules.
#[derive(Clone, Debug)]
pub struct Optimizer {
    method: Method,
    weight_decay: f64,
    stepped: HashMap<String, Stepped>,
    memory: BTreeMap<String, Memory>,
    steps: u64,
}

impl Optimizer {
    /// An optimizer that has taken no step. `weight_decay` applies to the groups that decay, and to parameters that are
    /// in no group.
    pub fn new(method: Method, weight_decay: f64, groups: Vec<ParameterGroup>) -> Self {
        let stepped = groups::resolve(groups, weight_decay, &[], "").expect("only rules can be wrong");
        Self { method, weight_decay, stepped, memory: BTreeMap::new(), steps: 0 }
    }

    /// [`Optimizer::new`] with exceptions; `place` names their list in errors.
    ///
    /// # Errors
    /// A rule that matches no parameter.
    pub fn with_rules(
        method: Method,
        weight_decay: f64,
        groups: Vec<ParameterGroup>,
        rules: &[GroupRule],
        place: &str,
    ) -> Result<Self> {
        let stepped = groups::resolve(groups, weight_decay, rules, place)?;
        Ok(Self { method, weight_decay, stepped, memory: BTreeMap::new(), steps: 0 })
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// One step: `gradients`, by name, are multiplied by `gradient_scale` first. Parameters without a gradient stay.
    pub fn step<M: Module>(
        &mut self,
        model: M,
        gradients: &HashMap<String, Vec<f32>>,
        learning_rate: f64,
        gradient_scale: f64,
    ) -> M {
        self.begin_step();
        let trained = |name: &str| gradients.contains_key(name);
        weights::update_some(model, trained, |name, shape, values| {
            self.update(name, shape, values, &gradients[name], learning_rate, gradient_scale);
        })
    }

    /// Counts a step, whose parameters [`update`](Self::update) then changes one by one.
    pub fn begin_step(&mut self) {
        self.steps += 1;
    }

    /// Changes one parameter in place by the step that has begun.
    ///
    /// # Panics
    /// If `gradient`, or what is remembered of `name`, is of another size than `values`.
    pub fn update(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &mut [f32],
        gradient: &[f32],
        learning_rate: f64,
        gradient_scale: f64,
    ) {
        let plain = Stepped { learning_rate_scale: 1.0, weight_decay: self.weight_decay };
        let stepped = self.stepped.get(name).copied().unwrap_or(plain);
        let rule = self.method.rule(name, shape);
        let scalars = Scalars {
            number: self.steps,
            learning_rate: learning_rate * stepped.learning_rate_scale,
            weight_decay: stepped.weight_decay,
            gradient_scale,
        };
        let memory = self.memory.entry(name.to_string()).or_insert_with(|| Memory {
            shape: shape.to_vec(),
            slots: vec![vec![0.0; values.len()]; rule.slots().len()],
        });
        match (rule, &mut memory.slots[..]) {
            (Rule::AdamW(c), [m, v]) => adamw::update(c, scalars, values, m, v, gradient),
            (Rule::Muon(c), [momentum]) => muon::update(c, scalars, shape, values, momentum, gradient),
            (Rule::Lion(c), [m]) => lion::update(c, scalars, values, m, gradient),
            _ => unreachable!("a parameter's memory has its rule's slots"),
        }
    }

    /// What is remembered, as tensors named `<slot>/<parameter>`.
    pub fn state(&self) -> Vec<NamedTensor> {
        let of = |(name, memory): (&String, &Memory)| {
            let slots = self.method.rule(name, &memory.shape).slots();
            let tensors = slots.iter().zip(&memory.slots);
            tensors.map(|(s, v)| (format!("{s}/{name}"), memory.shape.clone(), v.clone())).collect::<Vec<_>>()
        };
        self.memory.iter().flat_map(of).collect()
    }

    /// Takes up where an optimizer with this [`state`](Self::state) stopped. `None` if a tensor is missing, of another
    /// shape than its fellows, or unknown to this method.
    pub fn restore(&mut self, state: Vec<NamedTensor>, steps: u64) -> Option<()> {
        type Slots = HashMap<String, (Vec<usize>, Vec<f32>)>;
        let mut found: BTreeMap<String, Slots> = BTreeMap::new();
        for (key, shape, values) in state {
            let (slot, name) = key.split_once('/')?;
            found.entry(name.to_string()).or_default().insert(slot.to_string(), (shape, values));
        }
        self.memory.clear();
        for (name, mut tensors) in found {
            let shape = tensors.values().next()?.0.clone();
            let mut slots = Vec::new();
            for slot in self.method.rule(&name, &shape).slots() {
                let (s, values) = tensors.remove(*slot)?;
                if s != shape || values.len() != shape.iter().product::<usize>() {
                    return None;
                }
                slots.push(values);
            }
            if !tensors.is_empty() {
                return None;
            }
            self.memory.insert(name, Memory { shape, slots });
        }
        self.steps = steps;
        Some(())
    }
}

/// The L2 norm of all gradients together; summed in f64, parameter by parameter in name order.
pub fn global_norm(gradients: &HashMap<String, Vec<f32>>) -> f64 {
    let mut names: Vec<&String> = gradients.keys().collect();
    names.sort_unstable();
    names.into_iter().map(|n| sum_of_squares(&gradients[n])).sum::<f64>().sqrt()
}
