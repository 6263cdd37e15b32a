//! The `edge-json` suite: items with golds and schemas in, scored outputs beside their floors out.
//!
//! It works on any set in EdgeJSON v3's format. [`Suite::load`] checks every item and schema before anything runs; the
//! [harness](crate::harness) asks and files.

pub mod legacy;
mod track;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bantam_core::{Error, Result};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::canonical::without_absent;
use bantam_data::item::{self, Item};
use bantam_data::prompt::SchemaInPrompt;
use bantam_data::schemas::SchemaSet;
use bantam_formats::chat::Message;
use jsonschema::Validator;
use serde_json::Value;
use serde_json::value::RawValue;

use self::track::Turns;
pub use self::track::{Shots, Track, absent_fields};
use crate::answer::{self, EXTRACTION_RULE, RootKind};
use crate::harness::{self, Constraint, Grammar, Output, Prompt, Request, Scored};
use crate::json::{self, Json};
use crate::metrics::{self, METRIC_VERSION, Scores};
use crate::result::{self, Comparison, Groups, Protocol, Sample, Source, Tables};
use crate::{floors, statistics};

/// The suite's name.
pub const NAME: &str = "edge-json";

/// The line that calls for an answer where there is no chat template.
const CUE: &str = "JSON:";

struct Prepared {
    schema: Arc<Value>,
    root: RootKind,
    validator: Validator,
    /// The system message.
    system: String,
    constraint: Constraint,
}

/// Items with their golds read and their schemas compiled.
pub struct Suite {
    items: Vec<Item>,
    schemas: Vec<Prepared>,
    /// Place in `schemas` of each item's.
    schema_of: Vec<usize>,
    golds: Vec<Json>,
    turns: Turns,
    /// What the messages are, in words.
    words: String,
    /// Whether an item's free strings are words of its text.
    verbatim: bool,
    /// How the model writes absent fields.
    absent: AbsentFields,
    protocol: Protocol,
}

impl Suite {
    /// Reads, checks and prepares items and schemas.
    ///
    /// # Errors
    /// An input error naming the file (and line) that cannot be read or understood; if there are no items, a schema is
    /// missing, invalid or permits neither object nor array, or a gold is not strict JSON (a duplicate key, say).
    pub fn load(inputs: Inputs<'_>) -> Result<Self> {
        let place = &inputs.data.display().to_string();
        let mut items = item::read_jsonl(inputs.data)?;
        let schemas = SchemaSet::load(inputs.schemas)?;
        let limit = inputs.limit.filter(|limit| *limit < items.len());
        items.truncate(inputs.limit.unwrap_or(items.len()));
        if items.is_empty() {
            return Err(Error::input(place, "no items to evaluate", "choose a file with items, or a limit above 0"));
        }
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut prepared, mut schema_of, mut golds): (Vec<Prepared>, _, _) = (Vec::new(), Vec::new(), Vec::new());
        let mut valid_golds = 0;
        for item in &items {
            let at = match known.get(item.schema_id.as_str()) {
                Some(at) => *at,
                None => {
                    let schema = schemas.get(&item.schema_id).map_err(|e| e.within(place))?;
                    let file = schemas.path(&item.schema_id).map_or_else(String::new, |p| p.display().to_string());
                    prepared.push(prepare(&item.schema_id, file, schema)?);
                    known.insert(&item.schema_id, prepared.len() - 1);
                    prepared.len() - 1
                }
            };
            let gold = json::parse(item.expected_output.get()).map_err(|e| {
                let what = format!("the gold is not strict JSON: {e}");
                Error::input(format_args!("{place}: item `{}`", item.id), what, "mend its expected_output")
            })?;
            valid_golds += usize::from(prepared[at].validator.is_valid(&gold.to_value()));
            schema_of.push(at);
            golds.push(gold);
        }
        let protocol = Protocol {
            metrics: metrics::definitions(),
            extraction_rule: EXTRACTION_RULE.to_owned(),
            intervals: statistics::METHODS.to_owned(),
            floors: floors::definitions(),
            schemas: Some(Source::of(inputs.schemas)?),
            limit,
            valid_golds: Some(valid_golds),
            ..Protocol::new(METRIC_VERSION, Source::of(inputs.data)?)
        };
        let (turns, words) = (Turns::default(), Track::default().words());
        let absent = AbsentFields::default();
        Ok(Self { items, schemas: prepared, schema_of, golds, turns, words, verbatim: false, absent, protocol })
    }

    /// The same items, asked on another track than the usual one (the schema's signature, no solved items before).
    ///
    /// # Errors
    /// An input error when the solved items cannot be read.
    pub fn on(mut self, track: Track<'_>) -> Result<Self> {
        for prepared in &mut self.schemas {
            prepared.system = track.told.system(&prepared.constraint.name, &prepared.schema);
            prepared.constraint.grammar =
                Grammar::JsonSchema(Arc::new(track.absent.schema(&prepared.schema).into_owned()));
        }
        let schema = |item: usize| &*self.schemas[self.schema_of[item]].schema;
        let turns = track.shots.map(|shots| Turns::draw(shots, &self.items, track.absent, schema)).transpose()?;
        self.turns = turns.unwrap_or_default();
        self.words = track.words();
        self.protocol.track = track.name();
        self.protocol.settings = self.turns.settings.clone();
        self.verbatim = track.verbatim;
        self.absent = track.absent;
        if track.verbatim {
            self.protocol
                .settings
                .insert("strings".to_owned(), "words of the text, where the schema leaves them free".into());
        }
        Ok(self)
    }

    fn read(&self, i: usize, output: &Output) -> Read {
        let prepared = &self.schemas[self.schema_of[i]];
        let none = |why: String| Read { scores: Scores::NONE, answer: None, error: Some(why) };
        let Some(text) = &output.text else {
            return none(output.note.clone().unwrap_or_else(|| "no output".to_owned()));
        };
        match answer::find(text, prepared.root).map(|answer| self.as_meant(answer, &prepared.schema)) {
            Ok(answer) => Read {
                scores: metrics::score(&answer, &self.golds[i], &prepared.validator),
                answer: RawValue::from_string(answer.to_string()).ok(),
                error: output.note.clone(),
            },
            Err(why) => none(why.to_string()),
        }
    }

    /// An answer without the nulls that stand for absent fields.
    fn as_meant(&self, answer: Json, schema: &Value) -> Json {
        if self.absent == AbsentFields::Omitted {
            return answer;
        }
        json::parse(&without_absent(&answer.to_string(), schema, self.absent)).unwrap_or(answer)
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

impl harness::Suite for Suite {
    type Scores = Tables;
    type Comparison = Comparison;
    type Sample = Sample;

    fn name(&self) -> &'static str {
        NAME
    }

    fn ids(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.id.as_str()).collect()
    }

    fn constraints(&self) -> Vec<Constraint> {
        if self.verbatim {
            return Vec::new(); // every item has its own
        }
        self.schemas.iter().map(|prepared| prepared.constraint.clone()).collect()
    }

    fn request(&self, item: usize, constrained: bool) -> Request {
        let prepared = &self.schemas[self.schema_of[item]];
        let mut messages = vec![Message::new("system", prepared.system.as_str())];
        messages.extend_from_slice(self.turns.of(item));
        messages.push(Message::new("user", self.items[item].prompt.as_str()));
        let constraint = constrained.then(|| match self.verbatim {
            true => {
                let schema = bantam_runtime::verbatim(&self.absent.schema(&prepared.schema), &self.items[item].prompt);
                let name = self.items[item].id.clone();
                Constraint { name, grammar: Grammar::JsonSchema(schema.into()), ..prepared.constraint.clone() }
            }
            false => prepared.constraint.clone(),
        });
        Request { prompt: Prompt::Chat { messages, cue: CUE.to_owned() }, constraint, candidates: None, text: true }
    }

    fn prompt(&self) -> String {
        self.words.clone()
    }

    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    fn score(&self, outputs: &[Output]) -> Result<Scored<Tables, Comparison, Sample>> {
        if outputs.len() != self.items.len() {
            let what = format!("{} outputs for {} items", outputs.len(), self.items.len());
            return Err(Error::internal("evaluation", what));
        }
        let read: Vec<Read> = outputs.iter().enumerate().map(|(i, output)| self.read(i, output)).collect();
        let scores: Vec<Scores> = read.iter().map(|r| r.scores).collect();
        let floor = |answer: &dyn Fn(&Item, &Value) -> Json| -> Vec<Scores> {
            let one = |(i, item): (usize, &Item)| {
                let prepared = &self.schemas[self.schema_of[i]];
                metrics::score(&answer(item, &prepared.schema), &self.golds[i], &prepared.validator)
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
        Ok(Scored {
            scores: result::tables(&scores, &groups),
            floors: floor_scores.iter().map(named).collect(),
            versus_floors: floor_scores.iter().map(against).collect(),
            samples,
        })
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

fn prepare(id: &str, place: String, schema: &Value) -> Result<Prepared> {
    let validator = metrics::validator(schema)
        .map_err(|why| Error::input(&place, format_args!("not a valid schema: {why}"), "mend the schema"))?;
    let root = RootKind::of(schema);
    if !root.object && !root.array {
        let what = "the schema's root permits neither an object nor an array";
        return Err(Error::input(place, what, "wrap the value in an object"));
    }
    let (system, schema) = (SchemaInPrompt::Signature.system(id, schema), Arc::new(schema.clone()));
    let constraint = Constraint { name: id.to_owned(), place, grammar: Grammar::JsonSchema(Arc::clone(&schema)) };
    Ok(Prepared { schema, root, validator, system, constraint })
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
