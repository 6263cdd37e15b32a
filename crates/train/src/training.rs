//! What is trained, on what, from where: a training's parts put together and checked before the first step.

use std::collections::BTreeSet;
use std::path::Path;

use bantam_core::{Error, Result, hash};
use bantam_data::packing::{Draw, Example, Loader, Source};
use bantam_model::{TokenModel, weights};
use burn::tensor::Device;

use crate::config::TrainConfig;
use crate::guards::causality::Probed;
use crate::guards::targets;
use crate::objective::{Inputs, Objective};
use crate::optimizer::Optimizer;
use crate::start::Start;
use crate::trainable::Trainable;

/// What is trained, on what, and where it is kept.
pub struct Training<'a, M: Trainable = TokenModel> {
    /// The model's shape, and all else that it is made from.
    pub model: &'a M::Config,
    /// How it is trained.
    pub config: &'a TrainConfig,
    /// Every random stream is derived from it.
    pub seed: u64,
    /// Where the computation runs; must track gradients ([`Device::autodiff`]).
    pub device: &'a Device,
    /// The weights before the first step.
    pub start: Start<M>,
    /// Names of the parameters to train; `None`: all. The others get no gradient, no optimizer state and no place in
    /// the checkpoints.
    pub trainable: Option<BTreeSet<String>>,
    /// What is minimized.
    pub objective: &'a dyn Objective<M>,
    /// What is trained on.
    pub sources: &'a [Source<'a>],
    /// What validation looks at.
    pub validation: &'a [Example],
    /// The folder of checkpoints.
    pub checkpoints: &'a Path,
    /// Continue from the newest checkpoint, if there is one. Without it the folder must hold none.
    pub resume: bool,
}

/// A training ready for its first step.
pub(crate) struct Prepared<M> {
    pub(crate) model: M,
    pub(crate) optimizer: Optimizer,
    /// Hash of everything that decides the weights.
    pub(crate) identity: String,
}

impl<M: Trainable> Training<'_, M> {
    /// Checks what can be checked without a model, and makes the model.
    ///
    /// # Errors
    /// Impossible configurations; items without prompt or answer or longer than the model's positions; names of
    /// parameters that the model does not have.
    pub(crate) fn prepare(&self) -> Result<Prepared<M>> {
        self.config.validate("train")?;
        self.sources.iter().try_for_each(|s| targets::check_examples(s.examples, "training"))?;
        targets::check_examples(self.validation, "validation")?;
        self.check_lengths()?;
        let (model, start) = self.start.model(self.model, self.seed, self.device);
        self.check_names(&model)?;
        let groups = model.parameter_groups(self.model);
        let (config, place) = (self.config, "train.groups");
        let optimizer = Optimizer::with_rules(config.method(), config.weight_decay, groups, &config.groups, place)?;
        let model = weights::freeze(model, |name| self.trains(name));
        let identity = format!(
            "{:?}\n{:?}\n{}\n{start:?}\n{:?}\n{}\n{:?}\n{}",
            self.model,
            self.config,
            self.seed,
            self.trainable,
            self.objective.identity(),
            self.sources.iter().map(|s| format!("{} {}", s.weight, content_of(s.examples))).collect::<Vec<_>>(),
            content_of(self.held_out()),
        );
        Ok(Prepared { model, optimizer, identity: hash::bytes(identity.as_bytes()) })
    }

    /// Whether the parameter of this name is trained.
    pub(crate) fn trains(&self, name: &str) -> bool {
        self.trainable.as_ref().is_none_or(|names| names.contains(name))
    }

    /// The training items of all sources.
    fn examples(&self) -> impl Iterator<Item = &Example> {
        self.sources.iter().flat_map(|s| s.examples)
    }

    /// The validation items that are used.
    pub(crate) fn held_out(&self) -> &[Example] {
        &self.validation[..self.validation.len().min(self.config.validate_items)]
    }

    /// Tokens a validation batch has at most.
    pub(crate) fn validation_tokens(&self) -> usize {
        self.config.phases.iter().map(|p| p.batch_tokens).max().unwrap_or(2048)
    }

    /// No output may depend on later tokens.
    pub(crate) fn probe(&self, model: &M) -> Result<Probed> {
        model.probe(self.model, self.seed, self.device)
    }

    /// The batches of step `step` (from 0), every target checked.
    pub(crate) fn batches(&self, loader: &mut Loader<'_>, step: u64) -> Result<Vec<Inputs>> {
        let (phase, limits) = self.config.phase_at(step);
        let draw = Draw {
            phase,
            max_item_tokens: limits.max_item_tokens,
            levels: limits.levels.clone(),
            batch_tokens: limits.batch_tokens,
        };
        let next = |_| {
            let batch = loader.next(&draw)?;
            targets::check(&batch)?;
            Ok(Inputs::new(&batch, self.device))
        };
        (0..self.config.accumulate).map(next).collect()
    }

    /// No item may have more positions than the model.
    fn check_lengths(&self) -> Result<()> {
        let limit = self.config.phases.iter().map(|p| p.max_item_tokens.min(p.batch_tokens)).max().unwrap_or(0);
        let trained = self.examples().map(|e| e.tokens.len()).filter(|&n| n <= limit);
        let longest = trained.chain(self.validation.iter().map(|e| e.tokens.len())).max().unwrap_or(0);
        let positions = M::positions(self.model);
        if longest > positions {
            return Err(Error::input(
                "model.max_position_embeddings",
                format!("an item of {longest} tokens is longer than {positions}"),
                "raise it, lower max_item_tokens, or leave the item out",
            ));
        }
        Ok(())
    }

    /// The parameters to train must exist, and there must be some.
    fn check_names(&self, model: &M) -> Result<()> {
        let Some(names) = &self.trainable else { return Ok(()) };
        let known: BTreeSet<String> = weights::names(model).into_iter().collect();
        match names.iter().find(|name| !known.contains(*name)) {
            Some(name) => {
                Err(Error::input("trainable parameters", format!("the model has no {name}"), "name parameters it has"))
            }
            None if names.is_empty() => Err(Error::input("trainable parameters", "none is named", "name at least one")),
            None => Ok(()),
        }
    }
}

/// A hash of tokenized items.
fn content_of(examples: &[Example]) -> String {
    let mut bytes = Vec::new();
    for example in examples {
        for answer in &example.answers {
            bytes.extend([answer.start, answer.end].iter().flat_map(|&at| (at as u64).to_le_bytes()));
        }
        bytes.push(example.level.map_or(0, |level| level as u8 + 1));
        bytes.extend((example.tokens.len() as u64).to_le_bytes());
        bytes.extend(example.tokens.iter().chain(&example.labels).flat_map(|t| t.to_le_bytes()));
    }
    hash::bytes(&bytes)
}
