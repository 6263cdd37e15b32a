//! `bantam zoo recall`: small models of each mixer learn a recall task, one run for each learning rate and seed. A run ends as
//! one [`Record`]; one that was cut off continues from its checkpoint to the same record.

use std::path::Path;
use std::sync::Arc;

use bantam_core::progress::Progress;
use bantam_core::{Error, Result};
use bantam_data::recall::{Settings, Splits};
use bantam_eval::statistics::Estimate;
use bantam_formats::{ModelConfig, VectorConfig, VectorPorts};
use bantam_model::vectors::Vectors;
use bantam_model::{TokenModel, VectorModel};
use bantam_train::{
    LossKind, NextToken, Objective, Phase, Schedule, TrainConfig, Trainable, Validation, VectorLoss, VectorSetup,
    validate,
};

use super::place::Place;
use super::record::{Circumstances, Made, Point, Record, write};
use super::sweep::{Run, Summary, sweep};
use super::training::{Learned, Trained};
use super::{Pattern, costs};
use crate::recipe::{MOST_BATCH_TOKENS, ModelSection};

/// Most steps between validations.
const VALIDATE_EVERY: u64 = 100;
/// Most steps between checkpoints.
const CHECKPOINT_EVERY: u64 = 500;

/// A sweep.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Task and numbers of items.
    pub settings: Settings,
    /// The mixers to compare.
    pub mixers: Vec<Pattern>,
    /// Learning rates to choose from, for each mixer by itself.
    pub learning_rates: Vec<f64>,
    /// Seeds 1 to this.
    pub seeds: u64,
    /// Width of the models.
    pub width: usize,
    /// Layers, at least; a whole number of patterns.
    pub layers: usize,
    /// Heads, of mixers that have some.
    pub heads: usize,
    /// Items of a step.
    pub batch: usize,
    /// Steps, at most.
    pub steps: u64,
    /// Training ends at this validation accuracy.
    pub enough: f64,
}

impl Plan {
    /// The runs: mixer by mixer, seed by seed, rate by rate.
    fn runs(&self) -> Vec<(&Pattern, Made)> {
        let mut runs = Vec::new();
        for pattern in &self.mixers {
            for seed in 1..=self.seeds {
                runs.extend(self.learning_rates.iter().map(|&rate| (pattern, self.made(pattern, rate, seed))));
            }
        }
        runs
    }

    fn made(&self, pattern: &Pattern, learning_rate: f64, seed: u64) -> Made {
        Made {
            settings: self.settings.clone(),
            mixers: pattern.to_string(),
            width: self.width,
            layers: self.layers.max(1).next_multiple_of(pattern.layers()),
            heads: self.heads,
            // As everywhere: 8/3 of the width, rounded up.
            intermediate: (self.width.saturating_mul(8) / 3).next_multiple_of(32),
            batch: self.batch,
            steps: self.steps,
            learning_rate,
            enough: self.enough,
            seed,
        }
    }

    /// What can be said before anything is run.
    fn check(&self) -> Result<()> {
        let wrong = |flag: &str, what: String, remedy: &str| Err(Error::input(flag, what, remedy));
        self.settings.check()?;
        if self.mixers.is_empty() || self.learning_rates.is_empty() || self.seeds == 0 {
            return wrong("zoo recall", "nothing to run".into(), "give a mixer, a learning rate and a seed at least");
        }
        if self.seeds > 1000 {
            return wrong("--seeds", format!("{} seeds", self.seeds), "usual are 1 to 5");
        }
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) || self.width > 8192 || self.width == 0 {
            let what = format!("{} heads in a width of {}", self.heads, self.width);
            return wrong("--width", what, "give heads that divide it, and at most 8192");
        }
        if !(0.0..=1.0).contains(&self.enough) {
            return wrong("--enough", format!("{} is no accuracy", self.enough), "give 0 to 1");
        }
        let tokens = self.settings.task.item_tokens().saturating_mul(self.batch);
        if tokens == 0 || tokens > MOST_BATCH_TOKENS {
            return wrong("--batch", format!("{tokens} tokens in one step"), "usual are 1000 to 20000");
        }
        for (pattern, made) in self.runs() {
            made.model(pattern)?;
            made.training().validate("zoo recall")?;
        }
        Ok(())
    }
}

impl Made {
    fn model(&self, pattern: &Pattern) -> Result<ModelConfig> {
        let section = ModelSection {
            hidden_size: self.width,
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            num_key_value_heads: self.heads,
            intermediate_size: self.intermediate,
            max_position_embeddings: self.settings.task.item_tokens(),
            ..ModelSection::default()
        };
        pattern.model(section, self.settings.task.vocabulary())
    }

    fn training(&self) -> TrainConfig {
        let item = self.settings.task.item_tokens();
        TrainConfig {
            steps: self.steps,
            learning_rate: self.learning_rate,
            warmup_steps: self.steps / 20,
            schedule: Schedule::Cosine,
            // A rate that is too high is a result, and no mistake.
            explosion: 0.0,
            validate_every: (self.steps / 16).clamp(1, VALIDATE_EVERY),
            validate_items: self.settings.valid,
            checkpoint_every: (self.steps / 8).clamp(1, CHECKPOINT_EVERY),
            phases: vec![Phase {
                share: 1.0,
                max_item_tokens: item,
                batch_tokens: item * self.batch,
                levels: Vec::new(),
            }],
            ..TrainConfig::default()
        }
    }
}

/// Makes the runs of the plan that have no record in `dir` yet. Several processes may work on one folder: each takes the runs
/// that no other is at.
///
/// # Errors
/// Impossible plans; folders that cannot be written; a model that sees what it is asked for.
pub fn run(plan: &Plan, dir: &Path, progress: &dyn Progress) -> Result<Summary> {
    plan.check()?;
    sweep(&plan.runs(), dir, progress)
}

impl Run for (&Pattern, Made) {
    fn id(&self) -> Result<String> {
        self.1.id()
    }

    fn steps(&self) -> u64 {
        self.1.steps
    }

    fn make(&self, place: &Place, dir: &Path, progress: &dyn Progress) -> Result<String> {
        let record = one(&self.1, self.0, place, progress)?;
        write(&record, dir, &self.1.id()?)?;
        let (accuracy, seconds) = (record.accuracy.value, record.circumstances.seconds);
        Ok(format!("accuracy {accuracy:.3} after {} steps, {seconds:.0} s", record.steps))
    }
}

/// Trains and scores.
fn one(made: &Made, pattern: &Pattern, place: &Place, progress: &dyn Progress) -> Result<Record> {
    let blocks = made.model(pattern)?;
    let mut splits = made.settings.items(made.seed)?;
    let (parameters, outcome) = match made.settings.task.vector_size() {
        None => {
            let objective = NextToken::default();
            let outcome = tested::<TokenModel>(made, &blocks, &objective, &splits, place, progress)?;
            (blocks.parameter_count(), outcome)
        }
        Some(vector_size) => {
            // What is asked for has nothing to do with the mean of what was shown.
            let ports = VectorPorts::Plain;
            let config = VectorConfig { vector_size, domains: 0, ports, denoiser_layers: 0, blocks: blocks.clone() };
            let vectors = Vectors::new(vector_size, std::mem::take(&mut splits.vectors), Vec::new());
            let parameters = config.parameter_count();
            let setup = VectorSetup { config, vectors: Arc::new(vectors), scaler: None };
            let objective = VectorLoss::of(LossKind::Cosine);
            (parameters, tested::<VectorModel>(made, &setup, &objective, &splits, place, progress)?)
        }
    };
    let asked: usize = splits.test.iter().map(|e| e.targets().count()).sum();
    let (accuracy, loss) = match outcome.tested {
        Some(tested) => {
            let right = (tested.accuracy * tested.tokens as f64).round() as usize;
            (Estimate::proportion(right, tested.tokens), Some(tested.loss))
        }
        None => (Estimate::proportion(0, asked), None),
    };
    Ok(Record {
        made: made.clone(),
        parameters,
        // The blocks hold it, whatever the ports.
        state_bytes: costs::state_bytes(&blocks, made.settings.task.item_tokens())?,
        steps: outcome.steps,
        accuracy,
        chance: made.settings.task.chance(),
        loss,
        curve: outcome.curve,
        circumstances: outcome.circumstances,
    })
}

/// What came of training a model.
struct Outcome {
    steps: u64,
    curve: Vec<Point>,
    /// What the test items say; `None` if the loss or a gradient became infinite.
    tested: Option<Validation>,
    circumstances: Circumstances,
}

/// Trains a model of this kind, and tests it.
fn tested<M: Trainable>(
    made: &Made,
    model: &M::Config,
    objective: &dyn Objective<M>,
    splits: &Splits,
    place: &Place,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let training = made.training();
    let learned = Learned {
        model,
        training: &training,
        objective,
        seed: made.seed,
        train: &splits.train,
        valid: &splits.valid,
        enough: made.enough,
    };
    let Trained { model, steps, curve, seconds, tokens_per_s } = learned.train(place, progress)?;
    let tested = match &model {
        Some(model) => {
            let tested = validate(model, objective, &splits.test, training.phases[0].batch_tokens)?;
            Some(tested.ok_or_else(|| Error::internal("zoo recall", "no test items"))?)
        }
        None => None,
    };
    Ok(Outcome { steps, curve, tested, circumstances: Circumstances::now(seconds, tokens_per_s) })
}

#[cfg(test)]
mod tests {
    use bantam_core::host::Host;
    use bantam_core::progress::Silent;
    use bantam_data::recall::{Induction, Task, VectorMqar};

    use super::*;

    fn plan(enough: f64) -> Plan {
        let task = Task::Induction(Induction { vocabulary: 16, length: 8 });
        Plan {
            settings: Settings { task, train: 100, valid: 20, test: 50 },
            mixers: vec!["gru".parse().unwrap()],
            learning_rates: vec![1e-2],
            seeds: 1,
            width: 16,
            layers: 1,
            heads: 1,
            batch: 4,
            steps: 64,
            enough,
        }
    }

    #[test]
    fn a_run_ends_when_it_is_good_enough_and_one_cut_off_after_that_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(0.0);
        let (pattern, made) = plan.runs().remove(0);
        let place = Place::take(dir.path(), "run").unwrap().unwrap();
        let comparable = |record: Record| {
            let circumstances =
                Circumstances { host: Host::default(), seconds: 0.0, tokens_per_s: 0.0, written_unix_s: 0 };
            Record { circumstances, ..record }
        };
        let first = comparable(one(&made, pattern, &place, &Silent).unwrap());
        // The step behind the first validation is the last.
        assert_eq!((first.steps, first.curve.len(), first.accuracy.n), (5, 1, 50));
        // The checkpoints are still there: as if it had been killed before the record was written.
        assert!(place.checkpoints().join("step-00000005").is_dir());
        assert_eq!(comparable(one(&made, pattern, &place, &Silent).unwrap()), first);
    }

    #[test]
    fn vectors_are_recalled_by_the_nearest_value() {
        let dir = tempfile::tempdir().unwrap();
        let task = Task::VectorMqar(VectorMqar { size: 8, length: 8, pairs: 2, power: 0.01 });
        let settings = Settings { task, train: 400, valid: 50, test: 100 };
        let plan = Plan {
            settings,
            mixers: vec!["attention".parse().unwrap()],
            width: 32,
            layers: 2,
            batch: 32,
            steps: 400,
            ..plan(0.95)
        };
        let (pattern, made) = plan.runs().remove(0);
        let place = Place::take(dir.path(), "run").unwrap().unwrap();
        let record = one(&made, pattern, &place, &Silent).unwrap();
        assert_eq!((record.accuracy.n, record.chance), (200, 0.5));
        assert!(record.accuracy.value > 0.8, "{record:?}");
        assert!(record.state_bytes.is_some() && record.parameters > 1000);
    }

    #[test]
    fn a_run_that_another_process_is_at_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(0.0);
        let id = plan.runs()[0].1.id().unwrap();
        let held = Place::take(dir.path(), &id).unwrap().unwrap();
        let summary = run(&plan, dir.path(), &Silent).unwrap();
        assert_eq!((summary.finished, summary.elsewhere), (0, 1));
        drop(held);
        assert_eq!(run(&plan, dir.path(), &Silent).unwrap().finished, 1);
        assert_eq!(run(&plan, dir.path(), &Silent).unwrap().finished_before, 1);
    }

    #[test]
    fn a_rate_that_diverges_is_a_result() {
        let dir = tempfile::tempdir().unwrap();
        let plan = Plan { learning_rates: vec![1e30], ..plan(2.0) };
        assert!(plan.check().unwrap_err().to_string().contains("--enough"));
        let plan = Plan { enough: 1.0, ..plan };
        run(&plan, dir.path(), &Silent).unwrap();
        let records = super::super::read_all(dir.path()).unwrap().recall;
        assert_eq!((records[0].loss, records[0].accuracy.value, records[0].accuracy.n), (None, 0.0, 50));
        assert!(records[0].steps < 64, "{}", records[0].steps);
    }
}
