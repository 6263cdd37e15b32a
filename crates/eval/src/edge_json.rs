//! The `edge-json` suite: items with golds and schemas in, scored outputs beside their floors out.
//!
//! It works on any set in EdgeJSON v3's format. [`Suite::new`] checks every item and schema before anything runs;
//! [`Suite::run`] asks an [`Answerer`], [`Suite::evaluate`] scores outputs wherever they come from.

use std::collections::BTreeMap;
use std::path::Path;

use bantam_core::{Error, Result};
use bantam_data::item::{self, Item};
use bantam_data::prompt::schema_signature;
use bantam_data::schemas::SchemaSet;
use jsonschema::Validator;
use rayon::prelude::*;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::answer::{self, EXTRACTION_RULE, RootKind};
use crate::json::{self, Json};
use crate::metrics::{self, METRIC_VERSION, Scores};
use crate::result::{self, Artifact, Decoding, Evaluation, Groups, Mode, Protocol, Sample, Source, SuiteResult};
use crate::{floors, statistics};

/// The suite's name.
pub const NAME: &str = "edge-json";

/// What a model said to one item.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Output {
    /// The whole text, prompt excluded. `None` scores 0.
    pub text: Option<String>,
    /// Why there is no text, or what is to be known about it.
    pub note: Option<String>,
    /// Why decoding ended.
    pub finish_reason: Option<String>,
    /// Tokens of the prompt, 0 if not known.
    pub prompt_tokens: usize,
    /// Tokens of the output, 0 if not known.
    pub generated_tokens: usize,
}

impl Output {
    /// An output that is only its text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }

    /// No output, and why.
    pub fn missing(why: impl Into<String>) -> Self {
        Self { note: Some(why.into()), ..Self::default() }
    }
}

/// Something that answers items: a local model, a server, a test.
pub trait Answerer: Sync {
    /// Makes ready for a schema, once, before any item is asked. `place` names its file.
    ///
    /// # Errors
    /// An input error naming `place` if it cannot work with the schema.
    fn prepare(&mut self, schema_id: &str, place: &str, schema: &Value) -> Result<()>;

    /// Answers one item: `system` is the schema's signature, `user` the text. What depends on the item alone (a prompt
    /// that is too long) is an [`Output::missing`], not an error.
    ///
    /// # Errors
    /// Whatever ends the whole evaluation.
    fn answer(&self, schema_id: &str, system: &str, user: &str) -> Result<Output>;
}

struct Prepared<'a> {
    schema: &'a Value,
    root: RootKind,
    validator: Validator,
    signature: String,
}

/// Items with their golds read and their schemas compiled.
pub struct Suite<'a> {
    items: &'a [Item],
    schemas: Vec<Prepared<'a>>,
    /// Place in `schemas` of each item's.
    schema_of: Vec<usize>,
    golds: Vec<Json>,
    valid_golds: usize,
    places: Vec<(String, String)>,
}

impl<'a> Suite<'a> {
    /// Checks and prepares items. `place` names their file in errors.
    ///
    /// # Errors
    /// An input error if there are no items, a schema is missing, invalid or permits neither object nor array, or a
    /// gold is not strict JSON (a duplicate key, say).
    pub fn new(place: &str, items: &'a [Item], schemas: &'a SchemaSet) -> Result<Self> {
        if items.is_empty() {
            return Err(Error::input(place, "no items to evaluate", "choose a file with items, or a limit above 0"));
        }
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let mut suite = Self {
            items,
            schemas: Vec::new(),
            schema_of: Vec::with_capacity(items.len()),
            golds: Vec::with_capacity(items.len()),
            valid_golds: 0,
            places: Vec::new(),
        };
        for item in items {
            let at = match known.get(item.schema_id.as_str()) {
                Some(at) => *at,
                None => {
                    let schema = schemas.get(&item.schema_id).map_err(|e| e.within(place))?;
                    let file = schemas.path(&item.schema_id).map_or_else(String::new, |p| p.display().to_string());
                    suite.schemas.push(prepare(&file, schema)?);
                    suite.places.push((item.schema_id.clone(), file));
                    known.insert(&item.schema_id, suite.schemas.len() - 1);
                    suite.schemas.len() - 1
                }
            };
            let gold = json::parse(item.expected_output.get()).map_err(|e| {
                let what = format!("the gold is not strict JSON: {e}");
                Error::input(format_args!("{place}: item `{}`", item.id), what, "mend its expected_output")
            })?;
            suite.valid_golds += usize::from(suite.schemas[at].validator.is_valid(&gold.to_value()));
            suite.schema_of.push(at);
            suite.golds.push(gold);
        }
        Ok(suite)
    }

    /// Ids of the items, in order.
    pub fn ids(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.id.as_str()).collect()
    }

    /// Asks for every item, `threads` at a time, and returns the outputs in the items' order. `progress` is told how
    /// many are done, of how many.
    ///
    /// # Errors
    /// The answerer's.
    pub fn run(
        &self,
        answerer: &mut impl Answerer,
        threads: usize,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Vec<Output>> {
        for ((id, place), prepared) in self.places.iter().zip(&self.schemas) {
            answerer.prepare(id, place, prepared.schema)?;
        }
        let answerer = &*answerer;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
        let pool = pool.map_err(|e| Error::internal("threads", e))?;
        let done = std::sync::atomic::AtomicUsize::new(0);
        progress(0, self.items.len());
        pool.install(|| {
            let one = |(item, schema): (&Item, &usize)| {
                let output = answerer.answer(&item.schema_id, &self.schemas[*schema].signature, &item.prompt)?;
                progress(done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1, self.items.len());
                Ok(output)
            };
            // Items differ much in length: one at a time, so that no thread is left with a long tail.
            self.items.par_iter().zip(&self.schema_of).with_max_len(1).map(one).collect()
        })
    }

    /// Scores outputs (one for each item, in order) and the floors.
    ///
    /// # Errors
    /// Internal, if there are more or fewer outputs than items.
    pub fn evaluate(&self, model: &str, outputs: &[Output], protocol: Protocol) -> Result<Evaluation> {
        if outputs.len() != self.items.len() {
            let what = format!("{} outputs for {} items", outputs.len(), self.items.len());
            return Err(Error::internal("evaluation", what));
        }
        let read: Vec<Read> = outputs.iter().enumerate().map(|(i, output)| self.read(i, output)).collect();
        let scores: Vec<Scores> = read.iter().map(|r| r.scores).collect();
        let floor = |answer: &dyn Fn(&Item, &Value) -> Json| -> Vec<Scores> {
            let one = |(i, item): (usize, &Item)| {
                let prepared = &self.schemas[self.schema_of[i]];
                metrics::score(&answer(item, prepared.schema), &self.golds[i], &prepared.validator)
            };
            self.items.iter().enumerate().map(one).collect()
        };
        let floor_scores: BTreeMap<String, Vec<Scores>> = BTreeMap::from([
            ("rule".to_owned(), floor(&|item, schema| floors::rule(&item.prompt, schema))),
            ("empty".to_owned(), floor(&|_, schema| floors::empty(schema))),
        ]);
        let groups = self.groups();
        let samples = outputs.iter().zip(read).enumerate();
        let samples = samples.map(|(i, (output, read))| self.sample(i, output, read, &groups, &floor_scores)).collect();
        let named = |(name, floor): (&String, &Vec<Scores>)| (name.clone(), result::tables(floor, &groups));
        let against =
            |(name, floor): (&String, &Vec<Scores>)| (name.clone(), result::compare(&scores, floor, &groups.schema));
        let result = SuiteResult {
            suite: NAME.to_owned(),
            model: model.to_owned(),
            n: self.items.len(),
            tables: result::tables(&scores, &groups),
            floors: floor_scores.iter().map(named).collect(),
            versus_floors: floor_scores.iter().map(against).collect(),
            protocol,
            timing: None,
        };
        Ok(Evaluation { result, samples })
    }

    fn read(&self, i: usize, output: &Output) -> Read {
        let prepared = &self.schemas[self.schema_of[i]];
        let none = |why: String| Read { scores: Scores::NONE, answer: None, error: Some(why) };
        let Some(text) = &output.text else {
            return none(output.note.clone().unwrap_or_else(|| "no output".to_owned()));
        };
        match answer::find(text, prepared.root) {
            Ok(answer) => Read {
                scores: metrics::score(&answer, &self.golds[i], &prepared.validator),
                answer: RawValue::from_string(answer.to_string()).ok(),
                error: output.note.clone(),
            },
            Err(why) => none(why.to_string()),
        }
    }

    fn groups(&self) -> Groups {
        let of = |name: &dyn Fn(&Item) -> String| self.items.iter().map(name).collect();
        Groups {
            schema: self.schema_of.clone(),
            level: of(&|item| item.complexity.map_or("unknown", |level| level.name()).to_owned()),
            style: of(&|item| item.style.clone().unwrap_or_else(|| "unknown".to_owned())),
            schema_seen: of(&|item| seen(item.schema_seen)),
            template_seen: of(&|item| seen(item.templates_seen)),
        }
    }

    fn sample(
        &self,
        i: usize,
        output: &Output,
        read: Read,
        groups: &Groups,
        floors: &BTreeMap<String, Vec<Scores>>,
    ) -> Sample {
        let item = &self.items[i];
        Sample {
            id: item.id.clone(),
            schema_id: item.schema_id.clone(),
            level: groups.level[i].clone(),
            style: groups.style[i].clone(),
            schema_seen: groups.schema_seen[i].clone(),
            template_seen: groups.template_seen[i].clone(),
            prompt: item.prompt.clone(),
            output: output.text.clone(),
            gold: item.expected_output.clone(),
            answer: read.answer,
            exact: read.scores.exact,
            f1: read.scores.field_f1,
            compliant: read.scores.compliant,
            error: read.error,
            finish_reason: output.finish_reason.clone(),
            floors: floors.iter().map(|(name, scores)| (name.clone(), scores[i])).collect(),
        }
    }
}

/// One output, looked into.
struct Read {
    scores: Scores,
    answer: Option<Box<RawValue>>,
    /// Why there is no answer.
    error: Option<String>,
}

fn seen(value: Option<bool>) -> String {
    match value {
        Some(true) => "seen",
        Some(false) => "unseen",
        None => "unknown",
    }
    .to_owned()
}

fn prepare<'a>(place: &str, schema: &'a Value) -> Result<Prepared<'a>> {
    let validator = metrics::validator(schema)
        .map_err(|why| Error::input(place, format_args!("not a valid schema: {why}"), "mend the schema"))?;
    let root = RootKind::of(schema);
    if !root.object && !root.array {
        let what = "the schema's root permits neither an object nor an array";
        return Err(Error::input(place, what, "wrap the value in an object"));
    }
    Ok(Prepared { schema, root, validator, signature: schema_signature(schema) })
}

/// Where items and schemas come from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// A JSONL file of items.
    pub data: &'a Path,
    /// A folder with `<schema_id>.json` files.
    pub schemas: &'a Path,
    /// How many items to take from the start; all without.
    pub limit: Option<usize>,
}

/// Items and schemas in memory, with the hashes that the protocol names.
pub struct Loaded {
    place: String,
    items: Vec<Item>,
    schemas: SchemaSet,
    data: Source,
    schema_source: Source,
    limit: Option<usize>,
}

impl Inputs<'_> {
    /// Reads and hashes the files.
    ///
    /// # Errors
    /// An input error naming the file (and line) that cannot be read or understood.
    pub fn load(&self) -> Result<Loaded> {
        let mut items = item::read_jsonl(self.data)?;
        let limit = self.limit.filter(|limit| *limit < items.len());
        items.truncate(self.limit.unwrap_or(items.len()));
        Ok(Loaded {
            place: self.data.display().to_string(),
            items,
            schemas: SchemaSet::load(self.schemas)?,
            data: Source::of(self.data)?,
            schema_source: Source::of(self.schemas)?,
            limit,
        })
    }
}

impl Loaded {
    /// The suite over them.
    ///
    /// # Errors
    /// As [`Suite::new`].
    pub fn suite(&self) -> Result<Suite<'_>> {
        Suite::new(&self.place, &self.items, &self.schemas)
    }

    /// The protocol for outputs of a model (`made_by`) or of a predictions file.
    pub fn protocol(
        &self,
        suite: &Suite<'_>,
        mode: Mode,
        predictions: Option<Source>,
        made_by: Option<(Artifact, Decoding)>,
    ) -> Protocol {
        let (artifact, decoding) = made_by.unzip();
        Protocol {
            metric_version: METRIC_VERSION,
            metrics: metrics::definitions(),
            extraction_rule: EXTRACTION_RULE.to_owned(),
            intervals: statistics::METHODS.to_owned(),
            floors: floors::definitions(),
            data: self.data.clone(),
            schemas: self.schema_source.clone(),
            limit: self.limit,
            valid_golds: suite.valid_golds,
            mode,
            predictions,
            artifact,
            decoding,
        }
    }
}

/// Scores a predictions file.
///
/// # Errors
/// As [`Inputs::load`], [`Suite::new`] and [`crate::predictions::read`].
pub fn evaluate_predictions(inputs: Inputs<'_>, predictions: &Path) -> Result<Evaluation> {
    let loaded = inputs.load()?;
    let suite = loaded.suite()?;
    let outputs = crate::predictions::read(predictions, &suite.ids())?;
    let protocol = loaded.protocol(&suite, Mode::Predictions, Some(Source::of(predictions)?), None);
    let name = predictions.file_stem().map_or_else(|| "predictions".to_owned(), |n| n.to_string_lossy().into_owned());
    suite.evaluate(&name, &outputs, protocol)
}
