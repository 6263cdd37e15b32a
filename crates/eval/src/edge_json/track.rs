//! What does a prompt tell of the schema, and how many solved items come before it?

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use bantam_core::{Error, Result, seed};
use bantam_data::absent_fields::AbsentFields;
use bantam_data::item::{self, Item};
use bantam_data::prompt::{SchemaInPrompt, canonical_answer};
use bantam_formats::ModelArtifact;
use bantam_formats::chat::Message;
use rand::seq::SliceRandom;
use serde_json::{Value, json};

use crate::harness::Source;
use crate::result;

/// Most solved items before a question.
const MOST_SHOTS: usize = 64;

/// How items are asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Track<'a> {
    /// What the system message tells of the schema.
    pub told: SchemaInPrompt,
    /// Solved items as earlier turns.
    pub shots: Option<Shots<'a>>,
    /// Whether free strings of constrained answers are [words of the text](bantam_runtime::verbatim).
    pub verbatim: bool,
    /// How the model writes absent fields: its chat template says so.
    pub absent: AbsentFields,
}

/// Solved items of the same schema.
#[derive(Clone, Copy, Debug)]
pub struct Shots<'a> {
    /// How many come before each question.
    pub count: usize,
    /// The items (JSONL) they are drawn from.
    pub from: &'a Path,
    /// The draw.
    pub seed: u64,
}

/// How the model that is asked writes absent fields. What comes from elsewhere leaves them out.
///
/// # Errors
/// As [`ModelArtifact::open`].
pub fn absent_fields(source: &Source) -> Result<AbsentFields> {
    let Source::Model { path, .. } = source else { return Ok(AbsentFields::Omitted) };
    Ok(AbsentFields::of_template(ModelArtifact::open(path)?.chat_template()))
}

/// Earlier turns of every item.
#[derive(Default)]
pub(super) struct Turns {
    /// By item; none at all on a track without shots.
    by_item: Vec<Vec<Message>>,
    /// For the protocol.
    pub settings: BTreeMap<String, Value>,
}

impl Turns {
    /// Draws for every item of `items`: as many as there are, where the file has fewer of its schema. An item is never among
    /// its own shots. `schema` gives an item's schema; answers write absent fields as `absent` says.
    ///
    /// # Errors
    /// An input error when the file cannot be read or understood, or too many are asked for.
    pub fn draw<'a>(
        shots: Shots<'_>,
        items: &[Item],
        absent: AbsentFields,
        schema: impl Fn(usize) -> &'a Value,
    ) -> Result<Self> {
        if shots.count == 0 || shots.count > MOST_SHOTS {
            let what = format!("{} is not between 1 and {MOST_SHOTS}", shots.count);
            return Err(Error::input("--shots", what, "choose one between"));
        }
        let pool = item::read_jsonl(shots.from)?;
        let mut of_schema: HashMap<&str, Vec<&Item>> = HashMap::new();
        for solved in &pool {
            of_schema.entry(&solved.schema_id).or_default().push(solved);
        }
        let mut fewer = 0;
        let turns_of = |(i, item): (usize, &Item)| {
            let known = of_schema.get(item.schema_id.as_str()).into_iter().flatten();
            let mut known: Vec<&Item> = known.filter(|s| s.id != item.id && s.prompt != item.prompt).copied().collect();
            let mut rng = seed::rng(shots.seed, &format!("edge-json/shots/{}", item.id));
            let (drawn, _) = known.partial_shuffle(&mut rng, shots.count);
            fewer += usize::from(drawn.len() < shots.count);
            let turn = |solved: &&Item| {
                let answer = canonical_answer(&solved.expected_output, schema(i), absent);
                [Message::new("user", solved.prompt.as_str()), Message::new("assistant", answer)]
            };
            drawn.iter().flat_map(turn).collect()
        };
        let by_item = items.iter().enumerate().map(turns_of).collect();
        let settings = BTreeMap::from([
            ("shots".to_owned(), json!(shots.count)),
            ("shots_seed".to_owned(), json!(shots.seed)),
            ("shots_from".to_owned(), json!(result::Source::of(shots.from)?)),
            ("items_with_fewer_shots".to_owned(), json!(fewer)),
        ]);
        Ok(Self { by_item, settings })
    }

    /// The earlier turns of an item.
    pub fn of(&self, item: usize) -> &[Message] {
        self.by_item.get(item).map_or(&[], Vec::as_slice)
    }
}

impl Track<'_> {
    /// The name in results and their files; none for the usual one: the signature, and no shots.
    pub(super) fn name(&self) -> Option<String> {
        let told = match self.told {
            SchemaInPrompt::Signature => None,
            SchemaInPrompt::Name => Some("name".to_owned()),
            SchemaInPrompt::None => Some("no_schema".to_owned()),
        };
        let shots = self.shots.map(|shots| format!("{}shot", shots.count));
        let verbatim = self.verbatim.then(|| "verbatim".to_owned());
        let parts: Vec<String> = [told, shots, verbatim].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join("_"))
    }

    /// What the messages are, in words.
    pub(super) fn words(&self) -> String {
        let told = match self.told {
            SchemaInPrompt::Signature => "the schema's signature",
            SchemaInPrompt::Name => "the schema's name",
            SchemaInPrompt::None => "nothing",
        };
        let shots = self.shots.map_or_else(String::new, |shots| {
            format!("{} items of the same schema with their golds as earlier turns, ", shots.count)
        });
        format!("system = {told}, {shots}user = the text, then `JSON:` where there is no template")
    }
}
