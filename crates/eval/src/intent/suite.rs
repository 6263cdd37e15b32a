//! The `edge-intent` suite: texts with intents in, scored labels beside their floors out.
//!
//! [`Suite::load`] reads CLINC150, Banking77 or a file of texts with its taxonomy, and the training texts that the floors
//! learn from; the [harness](crate::harness) asks and files. A label is taken from a text, or is the one to which the model
//! gives the highest probability.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use bantam_core::{Error, Result, seed};
use bantam_data::intent::{IntentItem, IntentSet, Taxonomy, banking77, clinc150, extraction, item};
use bantam_data::prompt::SchemaInPrompt;
use rand::seq::SliceRandom;
use serde::Serialize;
use serde_json::{Value, json};

use super::intervals;
use super::linear::Linear;
use super::probabilities::{most_probable, normalized};
use super::tables::{self, Facts, IntentComparison, IntentTables, Judged};
use crate::answer::{self, RootKind};
use crate::harness::{self, Candidates, Constraint, Grammar, Output, Request, Scored};
use crate::result::{Protocol, Source};

/// The suite's name.
pub const NAME: &str = "edge-intent";
/// Raised when a metric's definition changes.
pub const METRIC_VERSION: u32 = 1;
/// The line that calls for an answer where there is no chat template.
const CUE: &str = "JSON:";
const RULE: &str = "the whole output, spaces at its ends aside, if it is a label; else the `intent` of the JSON object that begins \
    at the first `{`, parsed strictly; anything else is no label. weighed: the label of the highest probability, the first of equals";

/// Where texts come from.
#[derive(Clone, Debug)]
pub enum Texts {
    /// CLINC150: judged on one split, the floors trained on `train`.
    Clinc {
        /// The published file.
        file: PathBuf,
        /// The split to judge on.
        split: String,
    },
    /// Banking77.
    Banking {
        /// The file to judge on.
        file: PathBuf,
        /// The file the floors are trained on.
        train: PathBuf,
    },
    /// Texts of a taxonomy.
    Items {
        /// The file to judge on.
        file: PathBuf,
        /// The taxonomy.
        taxonomy: PathBuf,
        /// The file the floors are trained on.
        train: PathBuf,
    },
}

/// How a label is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// By a text.
    #[default]
    Text,
    /// By a text, with the probabilities of all labels beside it.
    TextAndProbabilities,
    /// By the probabilities alone.
    Weighed,
}

/// How items are asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// What prompts tell of the labels.
    pub told: SchemaInPrompt,
    /// How a label is asked for.
    pub ask: Ask,
    /// Whether a label's log-probability is divided by its bytes before labels are compared.
    pub by_length: bool,
    /// How many items to take, after mixing; all without.
    pub limit: Option<usize>,
}

/// Texts, labels and what the floors learn from.
pub struct Suite {
    items: Vec<IntentItem>,
    train: Vec<IntentItem>,
    taxonomy: Taxonomy,
    facts: Facts,
    options: Options,
    system: String,
    constraint: Constraint,
    candidates: Arc<Candidates>,
    protocol: Protocol,
}

impl Suite {
    /// Reads and checks texts.
    ///
    /// # Errors
    /// An input error naming the file (and line) that cannot be read or understood, a split without texts, or training texts of
    /// another taxonomy.
    pub fn load(texts: &Texts, options: Options) -> Result<Self> {
        let Loaded { taxonomy, mut items, train, file, split } = read(texts)?;
        let place = file.display().to_string();
        if items.is_empty() || train.is_empty() {
            let what = if train.is_empty() { "no training texts for the floors" } else { "no texts to judge on" };
            return Err(Error::input(place, what, "choose a file and split with texts"));
        }
        // Published files go through the intents one after another: a limit takes a sample of all.
        items.shuffle(&mut seed::rng(0, "edge-intent/order"));
        let limit = options.limit.filter(|limit| *limit < items.len());
        items.truncate(options.limit.unwrap_or(items.len()));
        if items.is_empty() {
            return Err(Error::input("--limit", "no texts to judge on", "give a limit above 0"));
        }
        let facts = facts(&taxonomy, &items, &place)?;
        let schema = Arc::new(extraction::schema(&taxonomy));
        let slots = facts.slots;
        let text = |label: &str| {
            let label = Value::from(label);
            // With slots, what follows the label is not weighed; the comma ends it.
            if slots { format!("{{\"intent\":{label},") } else { format!("{{\"intent\":{label}}}") }
        };
        let candidates = Candidates { texts: taxonomy.labels().map(text).collect(), ended: !slots };
        let protocol = protocol(&taxonomy, options, Source::of(&file)?, &split, limit, &train);
        Ok(Self {
            system: options.told.system(&taxonomy.name, &schema),
            constraint: Constraint {
                name: taxonomy.name.clone(),
                place: place.clone(),
                grammar: Grammar::JsonSchema(schema),
            },
            candidates: Arc::new(candidates),
            items,
            train,
            taxonomy,
            facts,
            options,
            protocol,
        })
    }

    /// The prediction that an output is.
    fn judge(&self, i: usize, output: &Output) -> Read {
        let lengths: Vec<usize> = self.candidates.texts.iter().map(String::len).collect();
        let lengths = self.options.by_length.then_some(&lengths[..]);
        let weighed = output.candidate_log_probabilities.as_ref().filter(|l| l.len() == self.facts.labels.len());
        let probabilities = weighed.and_then(|l| normalized(l, lengths));
        let none = |why: String| (None, BTreeMap::new(), Some(why));
        let missing = || output.note.clone().unwrap_or_else(|| "no output".to_owned());
        let (label, slots, error) = match (self.options.ask, &output.text, &probabilities) {
            (Ask::Weighed, _, Some(p)) => (most_probable(p), BTreeMap::new(), None),
            (Ask::Weighed, None, None) => none(format!("no probabilities: {}", missing())),
            (_, None, _) => none(missing()),
            (_, Some(text), _) => self.read(text),
        };
        let item = &self.items[i];
        let exact = label == Some(self.facts.gold[i]) && slots == item.slots;
        Read { judged: Judged { label, exact, probabilities }, slots, error }
    }

    /// Label and slots of a text, or why there are none.
    fn read(&self, text: &str) -> (Option<usize>, BTreeMap<String, String>, Option<String>) {
        if let Some(label) = self.taxonomy.label_index(text.trim()) {
            return (Some(label), BTreeMap::new(), None);
        }
        let none = |why: String| (None, BTreeMap::new(), Some(why));
        let value = match answer::find(text, RootKind { object: true, array: false }) {
            Ok(answer) => answer.to_value(),
            Err(why) => return none(why.to_string()),
        };
        let Some(intent) = value.get("intent").and_then(Value::as_str) else {
            return none("no text `intent` in the answer".to_owned());
        };
        let Some(label) = self.taxonomy.label_index(intent) else {
            return none("the intent is not in the taxonomy".to_owned());
        };
        let stated = value.get("slots").and_then(Value::as_object);
        // A value that is no text equals no gold; it stays in, as JSON, so that the answer is not right.
        let told = |value: &Value| value.as_str().map_or_else(|| format!("{value} (no text)"), str::to_owned);
        let slots = stated.into_iter().flatten().map(|(name, value)| (name.clone(), told(value))).collect();
        (Some(label), slots, None)
    }

    /// What the floors predict, by name.
    fn floors(&self) -> BTreeMap<String, Vec<Judged>> {
        let labels = self.facts.labels.len();
        let index: HashMap<&str, usize> = self.taxonomy.labels().enumerate().map(|(i, l)| (l, i)).collect();
        let given: Vec<usize> = self.train.iter().filter_map(|t| index.get(t.intent.as_str()).copied()).collect();
        let mut counts = vec![0usize; labels];
        given.iter().for_each(|&label| counts[label] += 1);
        let majority = (0..labels).reduce(|best, l| if counts[l] > counts[best] { l } else { best });
        let texts: Vec<&str> = self.train.iter().map(|t| t.text.as_str()).collect();
        let linear = Linear::train(&texts, &given, labels);
        let judged = |i: usize, label: Option<usize>, probabilities| {
            let exact = label == Some(self.facts.gold[i]) && self.items[i].slots.is_empty();
            Judged { label, exact, probabilities }
        };
        let by_linear = |(i, item): (usize, &IntentItem)| {
            let probabilities = normalized(&linear.margins(&item.text), None);
            judged(i, probabilities.as_deref().and_then(most_probable), probabilities)
        };
        BTreeMap::from([
            ("majority".to_owned(), (0..self.items.len()).map(|i| judged(i, majority, None)).collect()),
            ("linear".to_owned(), self.items.iter().enumerate().map(by_linear).collect()),
        ])
    }
}

/// Texts as they are in the files.
struct Loaded {
    taxonomy: Taxonomy,
    /// To judge on.
    items: Vec<IntentItem>,
    /// For the floors.
    train: Vec<IntentItem>,
    /// Where `items` are from.
    file: PathBuf,
    /// The name of their split.
    split: String,
}

fn read(texts: &Texts) -> Result<Loaded> {
    match texts {
        Texts::Clinc { file, split } => {
            let set = clinc150::read(file)?;
            let (items, train) = (set.split(split), set.split("train"));
            if split == "train" {
                return Err(Error::input("--split", "the floors are trained on `train`", "judge on `val` or `test`"));
            }
            Ok(Loaded { taxonomy: set.taxonomy, items, train, file: file.clone(), split: split.clone() })
        }
        Texts::Banking { file, train } => {
            let IntentSet { taxonomy, items: train } = banking77::read(train, "train")?;
            let items = banking77::read(file, "test")?.items;
            Ok(Loaded { taxonomy, items, train, file: file.clone(), split: "test".to_owned() })
        }
        Texts::Items { file, taxonomy, train } => {
            let taxonomy = Taxonomy::load(taxonomy)?;
            let (items, train) = (item::read_jsonl(file, &taxonomy)?, item::read_jsonl(train, &taxonomy)?);
            let split = file.file_stem().map_or_else(|| "items".to_owned(), |n| n.to_string_lossy().into_owned());
            Ok(Loaded { taxonomy, items, train, file: file.clone(), split })
        }
    }
}

fn facts(taxonomy: &Taxonomy, items: &[IntentItem], place: &str) -> Result<Facts> {
    let labels: Vec<String> = taxonomy.labels().map(str::to_owned).collect();
    let index: HashMap<&str, usize> = labels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let gold = |item: &IntentItem| {
        index.get(item.intent.as_str()).copied().ok_or_else(|| {
            let what = format!("item `{}` has the intent `{}`, which the training texts lack", item.id, item.intent);
            Error::input(place, what, "judge on texts of the same taxonomy")
        })
    };
    let domain = |item: &IntentItem| taxonomy.intents.iter().find(|i| i.name == item.intent)?.domain.clone();
    let seen = |item: &IntentItem| item.template_seen.map(|seen| if seen { "seen" } else { "unseen" }.to_owned());
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut clusters = Vec::with_capacity(items.len());
    for item in items {
        let next = numbers.len();
        clusters.push(*numbers.entry(group(item)).or_insert(next));
    }
    Ok(Facts {
        gold: items.iter().map(gold).collect::<Result<_>>()?,
        out_of_scope: taxonomy.out_of_scope.as_deref().and_then(|label| taxonomy.label_index(label)),
        slots: !taxonomy.slots().is_empty(),
        items: items.iter().map(|i| (i.id.clone(), i.text.clone())).collect(),
        groups: [
            items.iter().map(domain).collect(),
            items.iter().map(|i| i.kind.clone()).collect(),
            items.iter().map(seen).collect(),
        ],
        clusters,
        labels,
    })
}

/// Texts of one template succeed and fail together.
fn group(item: &IntentItem) -> &str {
    item.template.as_deref().map_or(item.id.as_str(), |t| t.split('/').next().unwrap_or(t))
}

fn protocol(
    taxonomy: &Taxonomy,
    options: Options,
    data: Source,
    split: &str,
    limit: Option<usize>,
    train: &[IntentItem],
) -> Protocol {
    let told = match options.told {
        SchemaInPrompt::Signature => "signature",
        SchemaInPrompt::Name => "name",
        SchemaInPrompt::None => "none",
    };
    let ask = match options.ask {
        Ask::Text => "text",
        Ask::TextAndProbabilities => "text and probabilities",
        Ask::Weighed => "weighed",
    };
    let track = match options.ask {
        Ask::Text => format!("{split}_{told}"),
        Ask::TextAndProbabilities => format!("{split}_{told}_probabilities"),
        Ask::Weighed => format!("{split}_{told}_weighed"),
    };
    let track = if options.by_length && options.ask != Ask::Text { track + "_by_length" } else { track };
    let probabilities = if options.by_length { "divided by the answer's bytes, then " } else { "" };
    let settings = [
        ("taxonomy", json!(taxonomy.name)),
        ("labels", json!(taxonomy.labels().count())),
        ("split", json!(split)),
        ("order", json!("mixed by seed 0, then limited")),
        ("ask", json!(ask)),
        (
            "probabilities",
            json!(format!("log-probability of the answer with each label, {probabilities}softmax over labels")),
        ),
        ("training_texts_of_floors", json!(train.len())),
    ];
    let words = |list: &[(&str, &str)]| list.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Protocol {
        metrics: words(&METRICS),
        extraction_rule: RULE.to_owned(),
        intervals: intervals::METHODS.to_owned(),
        floors: words(&FLOORS),
        limit,
        track: Some(track),
        settings: settings.into_iter().map(|(key, value)| (key.to_owned(), value)).collect(),
        ..Protocol::new(METRIC_VERSION, data)
    }
}

const METRICS: [(&str, &str); 12] = [
    ("accuracy", "right labels over all items; an output that is no label is wrong"),
    ("in_scope_accuracy", "the same over items with an intent"),
    ("exact", "label and all slots right, over all items"),
    ("macro_f1", "mean F1 over the labels that an item has"),
    ("top3", "right label among the three most probable"),
    ("invalid_rate", "outputs that are no label, over all items"),
    ("oos_recall", "items out of scope answered with the out-of-scope label; no label is no refusal"),
    ("oos_precision", "items out of scope over those answered with the out-of-scope label"),
    ("oos_auroc", "area under the ROC curve of out of scope; score: the out-of-scope label's probability"),
    ("oos_auroc_max", "the same; score: one minus the highest probability of an intent"),
    ("ece", "expected calibration error of the highest probability, 15 bins of equal width"),
    ("brier", "mean over items of the sum over labels of (probability - rightness) squared, 0 to 2"),
];

const FLOORS: [(&str, &str); 2] = [
    ("majority", "the label that most training texts have"),
    (
        "linear",
        "linear SVM (one against the rest, squared hinge, C = 1) on TF-IDF of words 1-2 and letters 2-4 within words, trained on \
         the training texts; its probabilities are the softmax of its margins",
    ),
];

/// One output, looked into.
struct Read {
    judged: Judged,
    slots: BTreeMap<String, String>,
    error: Option<String>,
}

/// The scores of an item.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct SampleScores {
    accuracy: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    exact: Option<bool>,
}

/// One item with its output and scores.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    id: String,
    group: String,
    text: String,
    intent: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    slots: BTreeMap<String, String>,
    /// The whole output.
    output: Option<String>,
    /// The label; `null` if the output is none.
    predicted: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    predicted_slots: BTreeMap<String, String>,
    /// The three most probable labels with their probabilities.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    most_probable: Vec<(String, f64)>,
    scores: SampleScores,
    floors: BTreeMap<String, SampleScores>,
    /// Why there is no label.
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<String>,
}

impl harness::Suite for Suite {
    type Scores = IntentTables;
    type Comparison = IntentComparison;
    type Sample = Sample;

    fn name(&self) -> &'static str {
        NAME
    }

    fn ids(&self) -> Vec<&str> {
        self.items.iter().map(|item| item.id.as_str()).collect()
    }

    fn constraints(&self) -> Vec<Constraint> {
        vec![self.constraint.clone()]
    }

    fn request(&self, item: usize, constrained: bool) -> Request {
        let mut request = Request::chat(&self.system, &self.items[item].text, CUE);
        request.text = self.options.ask != Ask::Weighed;
        request.constraint = (constrained && request.text).then(|| self.constraint.clone());
        request.candidates = (self.options.ask != Ask::Text).then(|| Arc::clone(&self.candidates));
        request
    }

    fn prompt(&self) -> String {
        let system = match self.options.told {
            SchemaInPrompt::Signature => "the signature of the answer's schema, which lists the labels",
            SchemaInPrompt::Name => "the taxonomy's name",
            SchemaInPrompt::None => "empty",
        };
        format!("system = {system}, user = the text, then `{CUE}` where there is no template")
    }

    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    fn score(&self, outputs: &[Output]) -> Result<Scored<IntentTables, IntentComparison, Sample>> {
        if outputs.len() != self.items.len() {
            let what = format!("{} outputs for {} items", outputs.len(), self.items.len());
            return Err(Error::internal("evaluation", what));
        }
        let read: Vec<Read> = outputs.iter().enumerate().map(|(i, output)| self.judge(i, output)).collect();
        let judged: Vec<Judged> = read.iter().map(|r| r.judged.clone()).collect();
        let floors = self.floors();
        let scores = |i: usize, judged: &Judged| SampleScores {
            accuracy: judged.label == Some(self.facts.gold[i]),
            exact: self.facts.slots.then_some(judged.exact),
        };
        let sample = |(i, (output, read)): (usize, (&Output, Read))| {
            let item = &self.items[i];
            let name = |label: usize| self.facts.labels[label].clone();
            Sample {
                id: item.id.clone(),
                group: group(item).to_owned(),
                text: item.text.clone(),
                intent: item.intent.clone(),
                slots: item.slots.clone(),
                output: output.text.clone(),
                predicted: read.judged.label.map(name),
                predicted_slots: read.slots,
                most_probable: first_three(read.judged.probabilities.as_deref().unwrap_or_default())
                    .map(|(label, p)| (name(label), p))
                    .collect(),
                scores: scores(i, &read.judged),
                floors: floors.iter().map(|(name, judged)| (name.clone(), scores(i, &judged[i]))).collect(),
                error: read.error.or_else(|| output.note.clone()),
                finish_reason: output.finish_reason.clone(),
            }
        };
        Ok(Scored {
            scores: tables::tables(&self.facts, &judged),
            floors: floors.iter().map(|(name, floor)| (name.clone(), tables::tables(&self.facts, floor))).collect(),
            versus_floors: floors
                .iter()
                .map(|(name, floor)| (name.clone(), tables::compare(&self.facts, &judged, floor)))
                .collect(),
            samples: outputs.iter().zip(read).enumerate().map(sample).collect(),
        })
    }
}

/// The three most probable labels, of equals the first.
fn first_three(probabilities: &[f64]) -> impl Iterator<Item = (usize, f64)> {
    let mut order: Vec<(usize, f64)> = probabilities.iter().copied().enumerate().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    order.into_iter().take(3)
}
