//! `bantam zoo texts`: models of one size, one of each mixer, learn the same tokens of a text and are scored in bits per byte
//! on documents that they never saw. A run ends as one [`TextRecord`].

use std::path::{Path, PathBuf};

use bantam_core::progress::Progress;
use bantam_core::{Error, Result, hash};
use bantam_data::documents::{self, Document};
use bantam_data::packing::Example;
use bantam_eval::perplexity::byte_ngram::ByteNgram;
use bantam_eval::statistics::Estimate;
use bantam_formats::{ModelConfig, Tokenizer, tokenizer_training};
use bantam_model::TokenModel;
use bantam_runtime::measure::WallClock;
use bantam_train::examples::text;
use bantam_train::{NextToken, Phase, Schedule, TrainConfig, validate};

use super::place::Place;
use super::record::{Circumstances, write};
use super::sweep::{Run, Summary, sweep};
use super::text_record::{Corpus, Scored, TextMade, TextRecord};
use super::training::Learned;
use super::{Pattern, costs};
use crate::recipe::{MOST_BATCH_TOKENS, mixers};

/// Of a thousand documents, so many to validate on and so many to score on.
const HELD_OUT: [usize; 2] = [50, 150];
/// Documents are drawn by this, whatever the seed of a run: all runs are scored on the same ones.
const SPLIT_SEED: u64 = 1;
/// The token around documents.
const END: &str = "<|end|>";
/// Validations in a run.
const VALIDATIONS: u64 = 8;
/// Most windows that a validation looks at.
const VALIDATION_WINDOWS: usize = 100;
/// Most steps between checkpoints.
const CHECKPOINT_EVERY: u64 = 200;

/// A comparison.
#[derive(Clone, Debug)]
pub struct Plan {
    /// A folder of texts, a JSONL file or a text: [`documents::read`].
    pub text: PathBuf,
    /// Of a folder, only files that end in this.
    pub extension: Option<String>,
    /// The mixers to compare.
    pub mixers: Vec<Pattern>,
    /// Parameters of each model, as nearly as width and depth allow.
    pub parameters: u64,
    /// Tokens of the vocabulary, learned from the training documents.
    pub vocabulary: usize,
    /// Tokens that a window predicts.
    pub context: usize,
    /// Windows of a step.
    pub batch: usize,
    /// Steps.
    pub steps: u64,
    /// Learning rates to choose from, for each mixer by itself.
    pub learning_rates: Vec<f64>,
    /// Seeds 1 to this.
    pub seeds: u64,
}

/// A text, ready to be learned.
struct Prepared {
    corpus: Corpus,
    train: Vec<Example>,
    valid: Vec<Example>,
    /// Each document with its windows.
    test: Vec<(Document, Vec<Example>)>,
    /// The bits that the floor takes for each of `test`.
    floor_bits: Vec<f64>,
}

/// A run of the plan.
struct OneRun<'a> {
    made: TextMade,
    model: ModelConfig,
    training: TrainConfig,
    prepared: &'a Prepared,
}

impl Plan {
    /// What can be said before anything is run.
    fn check(&self) -> Result<()> {
        let wrong = |flag: &str, what: String, remedy: &str| Err(Error::input(flag, what, remedy));
        if self.mixers.is_empty() || self.learning_rates.is_empty() || self.seeds == 0 {
            return wrong("zoo texts", "nothing to run".into(), "give a mixer, a learning rate and a seed at least");
        }
        if self.seeds > 1000 {
            return wrong("--seeds", format!("{} seeds", self.seeds), "usual are 1 to 5");
        }
        let tokens = self.context.saturating_add(1).saturating_mul(self.batch);
        if self.context < 2 || tokens == 0 || tokens > MOST_BATCH_TOKENS {
            let what = format!("{} windows of {} tokens in one step", self.batch, self.context);
            return wrong("--batch", what, "usual are 8 of 256");
        }
        Ok(())
    }

    fn training(&self, learning_rate: f64) -> TrainConfig {
        let window = self.context + 1;
        let phase =
            Phase { share: 1.0, max_item_tokens: window, batch_tokens: window * self.batch, levels: Vec::new() };
        TrainConfig {
            steps: self.steps,
            learning_rate,
            warmup_steps: self.steps / 20,
            schedule: Schedule::Cosine,
            // A rate that is too high is a result, and no mistake.
            explosion: 0.0,
            validate_every: (self.steps / VALIDATIONS).max(1),
            validate_items: VALIDATION_WINDOWS,
            checkpoint_every: (self.steps / 4).clamp(1, CHECKPOINT_EVERY),
            phases: vec![phase],
            ..TrainConfig::default()
        }
    }

    /// Reads and splits the text, learns the tokenizer from the training documents, and makes windows.
    fn prepare(&self) -> Result<Prepared> {
        let place = self.text.display().to_string();
        let found = documents::read(&self.text, self.extension.as_deref())?;
        let (not_utf8, repeated) = (found.not_utf8, found.repeated);
        let parts = found.split(HELD_OUT, SPLIT_SEED, &place)?;
        let texts = parts.train.iter().map(|d| d.text.as_str());
        let json = tokenizer_training::train(texts, self.vocabulary, 0, &[END])?;
        let tokenizer = Tokenizer::from_json(json.as_bytes(), "the tokenizer")?;
        let end = tokenizer
            .token_to_id(END)
            .ok_or_else(|| Error::internal("zoo texts", "the tokenizer lacks the end token"))?;
        let windows = |documents: &[Document]| text::windows(documents, &tokenizer, end, self.context);
        let (train, valid) = (windows(&parts.train)?.concat(), windows(&parts.valid)?.concat());
        let test: Vec<(Document, Vec<Example>)> = parts.test.iter().cloned().zip(windows(&parts.test)?).collect();
        let bytes = |documents: &[Document]| documents.iter().map(|d| d.text.len() as u64).sum();
        let mut hashed = String::new();
        for document in parts.train.iter().chain(&parts.valid).chain(&parts.test) {
            hashed.push_str(&hash::bytes(document.text.as_bytes()));
        }
        let name = self.text.file_stem().map_or("text".into(), |n| n.to_string_lossy().into_owned());
        let corpus = Corpus {
            name: name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect(),
            sha256: hash::bytes(hashed.as_bytes()),
            documents: [parts.train.len(), parts.valid.len(), parts.test.len()],
            bytes: [bytes(&parts.train), bytes(&parts.valid), bytes(&parts.test)],
            train_tokens: train.iter().map(|e| e.targets().count() as u64).sum(),
            not_utf8,
            repeated,
            vocabulary: tokenizer.vocab_size(),
        };
        // It goes on learning from the documents that it is scored on, as the models do not.
        let mut floor = ByteNgram::default();
        for document in &parts.train {
            floor.read(document.text.as_bytes());
        }
        let floor_bits = parts.test.iter().map(|d| floor.read(d.text.as_bytes())).collect();
        Ok(Prepared { corpus, train, valid, test, floor_bits })
    }

    /// The runs: mixer by mixer, seed by seed, rate by rate.
    fn runs<'a>(&self, prepared: &'a Prepared) -> Result<Vec<OneRun<'a>>> {
        let mut runs = Vec::new();
        for pattern in &self.mixers {
            let model = pattern.model_of_size(self.parameters, prepared.corpus.vocabulary, self.context + 1)?;
            mixers::check(&model, false, &format!("--mixers {pattern}"))?;
            for seed in 1..=self.seeds {
                for &learning_rate in &self.learning_rates {
                    let training = self.training(learning_rate);
                    training.validate("zoo texts")?;
                    let made = TextMade {
                        corpus: prepared.corpus.clone(),
                        mixers: pattern.to_string(),
                        budget: self.parameters,
                        context: self.context,
                        batch: self.batch,
                        steps: self.steps,
                        learning_rate,
                        seed,
                    };
                    runs.push(OneRun { made, model: model.clone(), training, prepared });
                }
            }
        }
        Ok(runs)
    }
}

/// Makes the runs of the plan that have no record in `dir` yet. Several processes may work on one folder.
///
/// # Errors
/// Impossible plans; texts that cannot be read or are too few to split; folders that cannot be written.
pub fn run(plan: &Plan, dir: &Path, progress: &dyn Progress) -> Result<Summary> {
    plan.check()?;
    progress.start("reading the text", None);
    let prepared = plan.prepare()?;
    let corpus = &prepared.corpus;
    progress.finish(&format!(
        "{}: {} documents to train on, {} to validate on, {} to score on; {} training tokens; {} repeated, {} not UTF-8: \
         left out",
        corpus.name,
        corpus.documents[0],
        corpus.documents[1],
        corpus.documents[2],
        corpus.train_tokens,
        corpus.repeated,
        corpus.not_utf8
    ));
    sweep(&plan.runs(&prepared)?, dir, progress)
}

impl Run for OneRun<'_> {
    fn id(&self) -> Result<String> {
        self.made.id()
    }

    fn steps(&self) -> u64 {
        self.made.steps
    }

    fn make(&self, place: &Place, dir: &Path, progress: &dyn Progress) -> Result<String> {
        let Self { made, model, training, prepared } = self;
        let objective = NextToken::default();
        let learned: Learned<'_, TokenModel> = Learned {
            model,
            training,
            objective: &objective,
            seed: made.seed,
            train: &prepared.train,
            valid: &prepared.valid,
            enough: f64::INFINITY,
        };
        let trained = learned.train(place, progress)?;
        let scored = match &trained.model {
            Some(model) => Some(score(model, &objective, prepared, training.phases[0].batch_tokens)?),
            None => None,
        };
        let parts = |bits: fn(&Scored) -> f64| {
            let scored = scored.as_deref()?;
            Some(Estimate::ratio(&scored.iter().map(|d| (bits(d), d.bytes as f64)).collect::<Vec<_>>()))
        };
        let record = TextRecord {
            made: made.clone(),
            parameters: model.parameter_count(),
            state_bytes: costs::state_bytes(model, made.context)?,
            steps: trained.steps,
            bits_per_byte: parts(|d| d.bits),
            documents: scored.clone().unwrap_or_default(),
            curve: trained.curve,
            step_ms: costs::step_ms(model, made.context, &WallClock::start())?,
            circumstances: Circumstances::now(trained.seconds, trained.tokens_per_s),
        };
        write(&record, dir, &made.id()?)?;
        let seconds = record.circumstances.seconds;
        Ok(match &record.bits_per_byte {
            Some(bits) => format!("{bits} bits per byte, {seconds:.0} s"),
            None => format!("diverged at step {}, {seconds:.0} s", record.steps),
        })
    }
}

/// The bits of each test document.
fn score(model: &TokenModel, objective: &NextToken, prepared: &Prepared, batch_tokens: usize) -> Result<Vec<Scored>> {
    let of = |((document, windows), floor_bits): (&(Document, Vec<Example>), &f64)| {
        let found = validate(model, objective, windows, batch_tokens)?
            .ok_or_else(|| Error::internal("zoo texts", format!("{} has no tokens", document.name)))?;
        Ok(Scored {
            name: document.name.clone(),
            bytes: document.text.len() as u64,
            bits: found.loss * found.tokens as f64 / std::f64::consts::LN_2,
            floor_bits: *floor_bits,
        })
    };
    prepared.test.iter().zip(&prepared.floor_bits).map(of).collect()
}
