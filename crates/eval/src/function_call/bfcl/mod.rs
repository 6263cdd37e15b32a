//! BFCL's single-turn categories of Python: how are their items read?
//!
//! As published: `BFCL_v4_<category>.json` with an item a line, and `possible_answer/` beside it with a file of the same
//! name.

pub mod checker;
mod refusal;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use bantam_data::jsonl;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use checker::{Gold, Wrong, check};
pub use refusal::refuses;

use super::Literal;

/// A single-turn category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// One function offered, one call.
    Simple,
    /// Several functions offered, one call.
    Multiple,
    /// One function offered, several calls in any order.
    Parallel,
    /// Several of both.
    ParallelMultiple,
    /// No function offered serves; no call is right.
    Irrelevance,
    /// Some function serves; any call is right.
    Relevance,
}

impl Category {
    /// The category that a file's name says, `BFCL_v4_live_multiple.json`.
    pub fn of_file(stem: &str) -> Option<Self> {
        let category = stem.strip_prefix("BFCL_v")?.split_once('_')?.1;
        match category.strip_prefix("live_").unwrap_or(category) {
            "simple_python" | "simple" => Some(Self::Simple),
            "multiple" => Some(Self::Multiple),
            "parallel" => Some(Self::Parallel),
            "parallel_multiple" => Some(Self::ParallelMultiple),
            "irrelevance" => Some(Self::Irrelevance),
            "relevance" => Some(Self::Relevance),
            _ => None,
        }
    }

    /// Whether there are right calls to compare with.
    pub fn has_golds(self) -> bool {
        !matches!(self, Self::Irrelevance | Self::Relevance)
    }
}

/// One item.
#[derive(Clone, Debug)]
pub struct Item {
    /// As published: `parallel_17`.
    pub id: String,
    /// Its category.
    pub category: Category,
    /// The file's category in full, for tables: `live_multiple`.
    pub file: String,
    /// Messages of the only turn: role and content.
    pub messages: Vec<(String, String)>,
    /// The functions offered, as published.
    pub functions: Vec<Value>,
    /// The right calls; none for (ir)relevance.
    pub golds: Vec<Gold>,
}

#[derive(Deserialize)]
struct Line {
    id: String,
    question: Vec<Vec<Message>>,
    function: Functions,
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Functions {
    Several(Vec<Value>),
    One(Value),
}

#[derive(Deserialize)]
struct Answer {
    id: String,
    ground_truth: Vec<Map<String, Value>>,
}

/// The files of a folder (or the one file named) that hold single-turn categories of Python, by name.
///
/// # Errors
/// An input error when the folder cannot be read or has no such file, or a file's name says no such category.
pub fn paths(data: &Path) -> Result<Vec<PathBuf>> {
    let category = |path: &Path| {
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        stem.and_then(|stem| Category::of_file(&stem))
    };
    let remedy = "give BFCL_v4_<category>.json, or a folder with such files: simple_python, multiple, parallel, \
        parallel_multiple, irrelevance, relevance, live or not";
    if !data.is_dir() {
        return match category(data) {
            Some(_) => Ok(vec![data.to_owned()]),
            None => Err(Error::input(data.display(), "its name says no single-turn category of Python", remedy)),
        };
    }
    let entries = std::fs::read_dir(data).map_err(|e| Error::io(data, "read the folder", &e))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|e| Error::io(data, "read the folder", &e))?.path();
        if path.is_file() && category(&path).is_some() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(Error::input(data.display(), "no BFCL file in it", remedy));
    }
    Ok(paths)
}

/// Reads a file of items and the possible answers beside it.
///
/// # Errors
/// An input error naming the file (and line) that cannot be read, an item without answer, of several turns or without
/// functions.
pub fn read(path: &Path) -> Result<Vec<Item>> {
    let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let Some(category) = Category::of_file(&stem) else {
        return Err(Error::input(path.display(), "its name says no single-turn category of Python", "rename the file"));
    };
    let answers = path.with_file_name("possible_answer").join(path.file_name().unwrap_or_default());
    let golds = if category.has_golds() {
        parse_answers(&answers.display().to_string(), &files::read(&answers)?)?
    } else {
        HashMap::new()
    };
    let file = stem.splitn(3, '_').nth(2).unwrap_or(&stem).to_owned();
    parse_items(&path.display().to_string(), &files::read(path)?, category, &file, &golds)
}

fn parse_answers(place: &str, bytes: &[u8]) -> Result<HashMap<String, Vec<Gold>>> {
    let mut found = HashMap::new();
    for (line, answer) in jsonl::parse::<Answer>(place, bytes, "a possible answer", "id and ground_truth are required")?
    {
        let here = format!("{place}:{line}");
        let gold = |truth: &Map<String, Value>| {
            let (name, parameters) = truth.iter().next()?;
            let values = |(name, values): (&String, &Value)| match Literal::of_json(values) {
                Literal::List(values) => Some((name.clone(), values)),
                _ => None,
            };
            let possible = parameters.as_object()?.iter().map(values).collect::<Option<_>>()?;
            Some(Gold { name: name.clone(), possible })
        };
        let golds: Option<Vec<Gold>> = answer.ground_truth.iter().map(gold).collect();
        let Some(golds) = golds else {
            let what = "ground_truth is no list of {function: {parameter: [values]}}";
            return Err(Error::input(here, what, "mend the possible answers"));
        };
        found.insert(answer.id, golds);
    }
    Ok(found)
}

fn parse_items(
    place: &str,
    bytes: &[u8],
    category: Category,
    file: &str,
    golds: &HashMap<String, Vec<Gold>>,
) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    for (line, item) in jsonl::parse::<Line>(place, bytes, "a BFCL item", "id, question and function are required")? {
        let wrong = |what: &str| Err(Error::input(format_args!("{place}:{line}"), what, "give items as published"));
        let [turn] = &item.question[..] else { return wrong("the item has several turns, or none") };
        let functions = match item.function {
            Functions::Several(functions) => functions,
            Functions::One(function) => vec![function],
        };
        if functions.iter().any(|f| f.get("name").and_then(Value::as_str).is_none()) {
            return wrong("a function has no name");
        }
        let golds = if category.has_golds() {
            let Some(golds) = golds.get(&item.id) else { return wrong("the item has no possible answer") };
            golds.clone()
        } else {
            Vec::new()
        };
        let messages = turn.iter().map(|m| (m.role.clone(), m.content.clone())).collect();
        items.push(Item { id: item.id, category, file: file.to_owned(), messages, functions, golds });
    }
    Ok(items)
}

/// What an output makes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Right as published.
    pub right: bool,
    /// Right, a failed call not being a correct refusal.
    pub strict: bool,
    /// What is wrong.
    pub error: Option<String>,
}

/// Judges an output, given what was decoded from it.
pub fn judge(
    item: &Item,
    output: &str,
    decoded: &std::result::Result<Vec<super::Call>, super::CallError>,
    dots_as_underscores: bool,
) -> Verdict {
    let of = |right: bool, error: Option<String>| Verdict { right, strict: right, error };
    let calls = decoded.as_ref().is_ok_and(|calls| !calls.is_empty());
    match (item.category, decoded) {
        (Category::Irrelevance, _) => {
            let names = item.functions.iter().filter_map(|f| f["name"].as_str());
            let strict = !calls && refuses(output, decoded, names);
            let error = if calls { Some("a call where none is right") } else { Some("a failed call, no refusal") };
            Verdict { right: !calls, strict, error: error.filter(|_| !strict).map(str::to_owned) }
        }
        (Category::Relevance, _) => of(calls, (!calls).then(|| "no call where one is right".to_owned())),
        (_, Err(e)) => of(false, Some(format!("ast_decoder:decoder_failed: {e}"))),
        (_, Ok(calls)) => match check(&item.functions, calls, &item.golds, item.category, dots_as_underscores) {
            Ok(()) => of(true, None),
            Err(Wrong { kind }) => of(false, Some(kind.to_owned())),
        },
    }
}
