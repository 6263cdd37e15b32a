//! The `edge-funccall` suite: requests and the functions offered in, judged calls beside their floors out.
//!
//! Two sets, one way: BFCL's single-turn categories of Python, judged as published, and the device set, where an answer is
//! exact if it makes the same calls (in any order), asks for the same parameters, or refuses.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bantam_core::{Error, Result};
use bantam_data::item;
use bantam_data::prompt::schema_signature;
use bantam_data::schemas::SchemaSet;
use bantam_formats::chat::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Call, CallError, Literal, bfcl, described, json_calls, python, rule};
use crate::answer::{self, RootKind};
use crate::harness::{self, Constraint, Grammar, Output, Prompt, Request, Scored};
use crate::json::{self, Json};
use crate::result::{Protocol, Source};
use crate::statistics::{self, Difference, Estimate, paired_difference};

/// The suite's name.
pub const NAME: &str = "edge-funccall";
/// Raised whenever a definition changes what a score can be.
pub const METRIC_VERSION: u32 = 1;

const CUE: &str = "Calls:";

/// How calls are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Syntax {
    /// `[{"name": "f", "arguments": {"a": 1}}]`.
    Json,
    /// `[f(a=1)]`; a question for parameters is `[missing(parameters=['a'])]`.
    Python,
}

impl Syntax {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Python => "python",
        }
    }

    fn decode(self, output: &str) -> std::result::Result<Vec<Call>, CallError> {
        match self {
            Self::Json => json_calls::parse(output),
            Self::Python => python::parse(output),
        }
    }
}

/// Where items come from.
#[derive(Clone, Copy, Debug)]
pub enum Set<'a> {
    /// A file or folder as BFCL publishes it.
    Bfcl {
        /// The file or folder.
        data: &'a Path,
        /// Functions are called with `_` for each dot of their names.
        dots_as_underscores: bool,
    },
    /// The device set, or another in its format.
    Device {
        /// Items (JSONL).
        data: &'a Path,
        /// The folder with a schema for each set of functions offered.
        schemas: &'a Path,
    },
}

/// What is right for one item.
enum Gold {
    Bfcl(bfcl::Item, bool),
    Device(Json),
}

struct Case {
    id: String,
    text: Vec<Message>,
    system: String,
    schema: Arc<Value>,
    /// Items that succeed and fail together: those that offer the same functions.
    group: usize,
    category: String,
    functions_seen: Option<bool>,
    templates_seen: Option<bool>,
    gold: Gold,
}

/// Items, ready to be asked.
pub struct Suite {
    cases: Vec<Case>,
    syntax: Syntax,
    protocol: Protocol,
    /// Name and place of each group, for constraints.
    places: Vec<(String, String)>,
}

/// The scores of one group of items, each with a 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Right: on BFCL as published, on the device set exactly.
    pub exact: Estimate,
    /// Right, a failed call not being a correct refusal.
    pub strict: Estimate,
    /// The functions called are the right ones, whatever their arguments.
    pub right_functions: Estimate,
    /// Something was found in the output that can be judged.
    pub decoded: Estimate,
}

/// Scores of all items and of every group of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tables {
    /// All items.
    pub overall: Table,
    /// By category.
    pub by_category: BTreeMap<String, Table>,
    /// By whether training has the functions: `seen`, `unseen`, `unknown`.
    pub by_functions_seen: BTreeMap<String, Table>,
    /// By functions and templates: `functions seen, templates unseen`.
    pub by_cell: BTreeMap<String, Table>,
}

/// Paired differences on the same items.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Difference in `exact`.
    pub exact: Difference,
    /// Difference in `strict`.
    pub strict: Difference,
}

/// The scores of one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scores {
    /// As in [`Table`].
    pub exact: bool,
    /// As in [`Table`].
    pub strict: bool,
    /// As in [`Table`].
    pub right_functions: bool,
    /// As in [`Table`].
    pub decoded: bool,
}

/// One item with its output and scores.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// The item's id.
    pub id: String,
    /// Items of one group offer the same functions.
    pub group: String,
    /// The category.
    pub category: String,
    /// Whether training has the functions, where that is known.
    pub functions_seen: Option<bool>,
    /// Whether training may have the templates, where that is known.
    pub templates_seen: Option<bool>,
    /// The user's last message.
    pub prompt: String,
    /// The whole output; `null` if there is none.
    pub output: Option<String>,
    /// The scores.
    pub scores: Scores,
    /// What is wrong.
    pub error: Option<String>,
    /// Why decoding ended, if a model decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<String>,
    /// The floors' scores on this item.
    pub floors: BTreeMap<String, Scores>,
}

impl Suite {
    /// Reads and checks a set.
    ///
    /// # Errors
    /// An input error naming the file and line that cannot be understood; if there are no items.
    pub fn load(set: Set<'_>, syntax: Syntax, limit: Option<usize>) -> Result<Self> {
        let (mut suite, data) = match set {
            Set::Bfcl { data, dots_as_underscores } => (Self::bfcl(data, syntax, dots_as_underscores)?, data),
            Set::Device { data, schemas } => (Self::device(data, schemas, syntax)?, data),
        };
        suite.protocol.limit = limit.filter(|limit| *limit < suite.cases.len());
        suite.cases.truncate(limit.unwrap_or(usize::MAX));
        if suite.cases.is_empty() {
            return Err(Error::input(
                data.display(),
                "no items to evaluate",
                "choose a file with items, or a limit above 0",
            ));
        }
        Ok(suite)
    }

    fn bfcl(data: &Path, syntax: Syntax, dots_as_underscores: bool) -> Result<Self> {
        let mut cases = Vec::new();
        let mut places = Vec::new();
        for path in bfcl::paths(data)? {
            for item in bfcl::read(&path)? {
                let schema = described::calls_schema(&item.functions);
                let system = match syntax {
                    Syntax::Json => schema_signature(&schema),
                    Syntax::Python => python_instructions(&item.functions),
                };
                places.push((item.id.clone(), path.display().to_string()));
                cases.push(Case {
                    id: item.id.clone(),
                    text: item.messages.iter().map(|(role, content)| Message::new(role, content)).collect(),
                    system,
                    schema: Arc::new(schema),
                    group: cases.len(),
                    category: item.file.clone(),
                    functions_seen: None,
                    templates_seen: None,
                    gold: Gold::Bfcl(item, dots_as_underscores),
                });
            }
        }
        let mut protocol = protocol("bfcl", syntax, Source::of(data)?);
        protocol.settings.insert("dots_as_underscores".to_owned(), dots_as_underscores.into());
        Ok(Self { cases, syntax, protocol, places })
    }

    fn device(data: &Path, schemas: &Path, syntax: Syntax) -> Result<Self> {
        let place = data.display().to_string();
        let set = SchemaSet::load(schemas)?;
        let mut groups: BTreeMap<String, (usize, Arc<Value>)> = BTreeMap::new();
        let mut places = Vec::new();
        let mut cases = Vec::new();
        for item in item::read_jsonl(data)? {
            let wrong = |what: String| {
                let remedy = "give a list of {name, arguments}, {\"missing\": [parameters]} or []";
                Error::input(format_args!("{place}: item `{}`", item.id), what, remedy)
            };
            if !groups.contains_key(&item.schema_id) {
                let schema = set.get(&item.schema_id).map_err(|e| e.within(&place))?;
                if rule::calls(schema).is_empty() {
                    return Err(wrong(format!("schema `{}` offers no function", item.schema_id)));
                }
                let file = set.path(&item.schema_id).map_or_else(String::new, |p| p.display().to_string());
                groups.insert(item.schema_id.clone(), (places.len(), Arc::new(schema.clone())));
                places.push((item.schema_id.clone(), file));
            }
            let (group, schema) = groups[&item.schema_id].clone();
            let gold = json::parse(item.expected_output.get())
                .map_err(|e| wrong(format!("the gold is no strict JSON: {e}")))?;
            if matches!(Kind::of(&gold), Kind::Other) {
                return Err(wrong("the gold is no answer".to_owned()));
            }
            cases.push(Case {
                id: item.id,
                text: vec![Message::new("user", item.prompt)],
                system: schema_signature(&schema),
                schema,
                group,
                category: item.style.unwrap_or_else(|| "unknown".to_owned()),
                functions_seen: item.schema_seen,
                templates_seen: item.templates_seen,
                gold: Gold::Device(gold),
            });
        }
        let mut protocol = protocol("device", syntax, Source::of(data)?);
        protocol.schemas = Some(Source::of(schemas)?);
        Ok(Self { cases, syntax, protocol, places })
    }

    fn judge(&self, case: &Case, output: &Output) -> (Scores, Option<String>) {
        let Some(text) = &output.text else {
            let why = output.note.clone().unwrap_or_else(|| "no output".to_owned());
            return (Scores::default(), Some(why));
        };
        match &case.gold {
            Gold::Bfcl(item, dots) => {
                let decoded = self.syntax.decode(text);
                let verdict = bfcl::judge(item, text, &decoded, *dots);
                let mut right = item.golds.iter().map(|g| named(&g.name, *dots)).collect::<Vec<_>>();
                let mut called: Vec<String> = decoded.iter().flatten().map(|c| c.name.clone()).collect();
                right.sort();
                called.sort();
                let right_functions =
                    if item.category.has_golds() { decoded.is_ok() && right == called } else { verdict.right };
                let scores =
                    Scores { exact: verdict.right, strict: verdict.strict, right_functions, decoded: decoded.is_ok() };
                (scores, verdict.error)
            }
            Gold::Device(gold) => match self.device_answer(text) {
                Ok(answer) => (device_scores(&answer, gold), None),
                Err(why) => (Scores::default(), Some(why)),
            },
        }
    }

    fn device_answer(&self, text: &str) -> std::result::Result<Json, String> {
        match self.syntax {
            Syntax::Json => answer::find(text, RootKind { object: true, array: true }).map_err(|e| e.to_string()),
            Syntax::Python => {
                let calls = python::parse(text).map_err(|e| e.to_string())?;
                as_json(&calls).ok_or_else(|| "a value that JSON cannot hold".to_owned())
            }
        }
    }
}

fn named(name: &str, dots_as_underscores: bool) -> String {
    if dots_as_underscores { name.replace('.', "_") } else { name.to_owned() }
}

/// Calls in Python's syntax as an answer in JSON.
fn as_json(calls: &[Call]) -> Option<Json> {
    if let [Call { name, arguments }] = calls
        && name == "missing"
        && let [(Some(key), value)] = &arguments[..]
        && key == "parameters"
    {
        return json::parse(&serde_json::json!({"missing": value.to_json()?}).to_string()).ok();
    }
    let mut found = Vec::with_capacity(calls.len());
    for call in calls {
        let argument = |(name, value): &(Option<String>, Literal)| Some((name.clone()?, value.to_json()?));
        let arguments: serde_json::Map<_, _> = call.arguments.iter().map(argument).collect::<Option<_>>()?;
        found.push(serde_json::json!({"name": call.name, "arguments": arguments}));
    }
    json::parse(&Value::Array(found).to_string()).ok()
}

/// What an answer is.
enum Kind<'a> {
    Calls(&'a [Json]),
    Missing(&'a [Json]),
    Other,
}

impl<'a> Kind<'a> {
    fn of(answer: &'a Json) -> Self {
        match answer {
            Json::Array(calls) => Self::Calls(calls),
            Json::Object(members) => match members.get("missing") {
                Some(Json::Array(names)) if members.len() == 1 => Self::Missing(names),
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }
}

/// Whether both hold the same values, as often, in any order.
fn same<T: PartialEq>(a: &[T], b: &[T]) -> bool {
    let mut left: Vec<&T> = b.iter().collect();
    let found = a.iter().all(|x| left.iter().position(|y| *y == x).map(|at| left.swap_remove(at)).is_some());
    found && left.is_empty()
}

fn device_scores(answer: &Json, gold: &Json) -> Scores {
    let name = |call: &Json| if let Json::Object(members) = call { members.get("name").cloned() } else { None };
    let (exact, right_functions) = match (Kind::of(answer), Kind::of(gold)) {
        (Kind::Calls(answer), Kind::Calls(gold)) => {
            let names = |calls: &[Json]| calls.iter().map(name).collect::<Vec<_>>();
            (same(answer, gold), same(&names(answer), &names(gold)))
        }
        (Kind::Missing(answer), Kind::Missing(gold)) => (same(answer, gold), true),
        _ => (false, false),
    };
    Scores { exact, strict: exact, right_functions, decoded: true }
}

/// What a model without training on signatures is told.
fn python_instructions(functions: &[Value]) -> String {
    let functions = Value::Array(functions.to_vec());
    format!(
        "Answer the user with calls of the functions below and nothing else, written as [name(parameter=value, ...), ...] \
         in Python's syntax. If none of them serves, answer []. The functions:\n{functions}"
    )
}

fn protocol(set: &str, syntax: Syntax, data: Source) -> Protocol {
    let metric = |(name, words): (&str, &str)| (name.to_owned(), words.to_owned());
    Protocol {
        metrics: [
            ("exact", "BFCL: the verdict of bfcl-eval 2026.3.23's ast_checker, on (ir)relevance that of its decoder; device set: the same calls in any order, arguments as JSONExact compares them, or the same parameters asked for in any order"),
            ("strict", "exact, but on irrelevance an output refuses only if it decodes to no call, or is words without the trace of a call"),
            ("right_functions", "the multiset of functions called is the gold's"),
            ("decoded", "the output can be judged; what cannot stays in the denominator"),
        ]
        .map(metric)
        .into(),
        extraction_rule: match (set, syntax) {
            (_, Syntax::Python) => "as bfcl-eval decodes: backquotes around it and missing outer brackets are forgiven, the rest has to parse",
            ("device", _) => answer::EXTRACTION_RULE,
            _ => "the JSON value at the first `[` or `{`",
        }
        .to_owned(),
        intervals: statistics::METHODS.to_owned(),
        floors: [("rule", rule::DEFINITION), ("refuse", "`[]`, always")].map(metric).into(),
        track: Some(format!("{set}_{}", syntax.name())),
        ..Protocol::new(METRIC_VERSION, data)
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
        self.cases.iter().map(|case| case.id.as_str()).collect()
    }

    fn request(&self, item: usize, constrained: bool) -> Request {
        let case = &self.cases[item];
        let messages = std::iter::once(Message::new("system", case.system.clone())).chain(case.text.iter().cloned());
        let (name, place) = self.places[case.group].clone();
        let grammar = || Grammar::JsonSchema(Arc::clone(&case.schema));
        Request {
            prompt: Prompt::Chat { messages: messages.collect(), cue: CUE.into() },
            // The constraint is on JSON; Python's syntax is decoded freely.
            constraint: (constrained && self.syntax == Syntax::Json).then(|| Constraint {
                name,
                place,
                grammar: grammar(),
            }),
            candidates: None,
            text: true,
        }
    }

    fn prompt(&self) -> String {
        let system = match self.syntax {
            Syntax::Python if self.protocol.schemas.is_none() => {
                "the functions as published, after a line on how to answer"
            }
            _ => "the signature of the calls allowed",
        };
        format!("system = {system}, user = the request, then `{CUE}` where there is no template")
    }

    fn protocol(&self) -> Protocol {
        self.protocol.clone()
    }

    fn score(&self, outputs: &[Output]) -> Result<Scored<Tables, Comparison, Sample>> {
        if outputs.len() != self.cases.len() {
            let what = format!("{} outputs for {} items", outputs.len(), self.cases.len());
            return Err(Error::internal("evaluation", what));
        }
        let judged: Vec<(Scores, Option<String>)> =
            self.cases.iter().zip(outputs).map(|(case, output)| self.judge(case, output)).collect();
        let scores: Vec<Scores> = judged.iter().map(|(scores, _)| *scores).collect();
        let floor = |answer: &dyn Fn(&Case) -> Json| -> Vec<Scores> {
            let one = |case: &Case| match &case.gold {
                Gold::Device(gold) => device_scores(&answer(case), gold),
                Gold::Bfcl(item, dots) => {
                    let text = answer(case).to_string();
                    let decoded = json_calls::parse(&text);
                    let verdict = bfcl::judge(item, &text, &decoded, *dots);
                    Scores {
                        exact: verdict.right,
                        strict: verdict.strict,
                        right_functions: verdict.right,
                        decoded: true,
                    }
                }
            };
            self.cases.iter().map(one).collect()
        };
        let request = |case: &Case| case.text.last().map(|m| m.content.clone()).unwrap_or_default();
        let floors: BTreeMap<String, Vec<Scores>> = BTreeMap::from([
            ("rule".to_owned(), floor(&|case| rule::answer(&request(case), &case.schema))),
            ("refuse".to_owned(), floor(&|_| Json::Array(Vec::new()))),
        ]);
        let samples = self.cases.iter().zip(outputs).zip(judged).enumerate();
        let samples = samples.map(|(i, ((case, output), (scores, error)))| Sample {
            id: case.id.clone(),
            group: self.places[case.group].0.clone(),
            category: case.category.clone(),
            functions_seen: case.functions_seen,
            templates_seen: case.templates_seen,
            prompt: request(case),
            output: output.text.clone(),
            scores,
            error,
            finish_reason: output.finish_reason.clone(),
            floors: floors.iter().map(|(name, scores)| (name.clone(), scores[i])).collect(),
        });
        let samples = samples.collect();
        let groups: Vec<usize> = self.cases.iter().map(|case| case.group).collect();
        let against = |other: &[Scores]| {
            let difference = |of: fn(&Scores) -> bool| {
                let column = |scores: &[Scores]| scores.iter().map(|s| f64::from(of(s))).collect::<Vec<_>>();
                paired_difference(&column(&scores), &column(other), &groups)
            };
            Comparison { exact: difference(|s| s.exact), strict: difference(|s| s.strict) }
        };
        Ok(Scored {
            scores: self.tables(&scores),
            versus_floors: floors.iter().map(|(name, floor)| (name.clone(), against(floor))).collect(),
            floors: floors.iter().map(|(name, floor)| (name.clone(), self.tables(floor))).collect(),
            samples,
        })
    }
}

fn seen(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "seen",
        Some(false) => "unseen",
        None => "unknown",
    }
}

impl Suite {
    fn tables(&self, scores: &[Scores]) -> Tables {
        let by = |group: &dyn Fn(&Case) -> String| {
            let mut members: BTreeMap<String, Vec<Scores>> = BTreeMap::new();
            for (case, scores) in self.cases.iter().zip(scores) {
                members.entry(group(case)).or_default().push(*scores);
            }
            members.into_iter().map(|(name, scores)| (name, table(&scores))).collect()
        };
        Tables {
            overall: table(scores),
            by_category: by(&|case| case.category.clone()),
            by_functions_seen: by(&|case| seen(case.functions_seen).to_owned()),
            by_cell: by(&|case| {
                format!("functions {}, templates {}", seen(case.functions_seen), seen(case.templates_seen))
            }),
        }
    }
}

fn table(scores: &[Scores]) -> Table {
    let share = |of: fn(&Scores) -> bool| Estimate::proportion(scores.iter().filter(|s| of(s)).count(), scores.len());
    Table {
        exact: share(|s| s.exact),
        strict: share(|s| s.strict),
        right_functions: share(|s| s.right_functions),
        decoded: share(|s| s.decoded),
    }
}
