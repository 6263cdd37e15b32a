//! What does a set of offered functions look like as a schema?

use bantam_core::seed::Rng;
use rand::RngExt;
use serde_json::{Map, Value, json};

use super::kinds::pick;
use super::plan::Known;
use super::words::{Kind, NAME_WORDS, PARAMETER_NAMES};
use crate::capitalized::capitalized;

/// A parameter as published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
}

/// A function as one set offers it: training sets may give it and its parameters other names.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    /// Place among all functions.
    pub(crate) function: usize,
    pub(crate) name: String,
    pub(crate) parameters: Vec<(String, Parameter)>,
}

/// A set of functions under one schema.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) tools: Vec<Tool>,
    /// Numbers of functions that are asked for in vain.
    pub(crate) decoys: Vec<usize>,
}

impl Tool {
    /// The function under its own names, or (with `rng`) under others.
    pub(crate) fn of(place: usize, function: &Known, rng: Option<&mut Rng>) -> Self {
        let own: Vec<_> = function.parameters.iter().map(|p| (p.name.to_owned(), *p)).collect();
        let Some(rng) = rng else {
            return Self { function: place, name: function.name.clone(), parameters: own };
        };
        let mut parameters: Vec<(String, Parameter)> = Vec::with_capacity(own.len());
        for (name, parameter) in own {
            let others = PARAMETER_NAMES.iter().find(|(n, _)| *n == name).map(|(_, list)| *list);
            let other = others.filter(|_| rng.random_bool(0.5)).map(|list| pick(list, rng).to_owned());
            let other = other
                .filter(|o| parameters.iter().all(|(n, _)| n != o) && !function.parameters.iter().any(|p| p.name == o));
            parameters.push((other.unwrap_or(name), parameter));
        }
        if rng.random_bool(0.3) {
            let most = parameters.len();
            parameters.rotate_left(rng.random_range(0..=most));
        }
        Self { function: place, name: renamed(function, rng), parameters }
    }

    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        self.parameters.iter().filter(|(_, p)| p.required).map(|(name, _)| name.as_str())
    }

    fn schema(&self) -> Value {
        let properties: Map<String, Value> =
            self.parameters.iter().map(|(name, p)| (name.clone(), p.kind.schema())).collect();
        json!({"type": "object", "properties": {
            "name": {"const": self.name},
            "arguments": {"type": "object", "properties": properties,
                "required": self.required().collect::<Vec<_>>(), "additionalProperties": false},
        }, "required": ["name", "arguments"], "additionalProperties": false})
    }
}

/// The name in another style, its words exchanged.
fn renamed(function: &Known, rng: &mut Rng) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in function.name.split('_') {
        let others = NAME_WORDS.iter().find(|(w, _)| *w == word).map(|(_, list)| *list);
        let other = others.filter(|_| rng.random_bool(0.4)).map(|list| pick(list, rng));
        words.push(other.unwrap_or(word).to_owned());
    }
    styled(words, function.domain, &function.group, rng)
}

/// The words as a name in one of the styles that sets of tools have.
pub(crate) fn styled(mut words: Vec<String>, domain: &str, group: &str, rng: &mut Rng) -> String {
    match rng.random_range(0..6) {
        0 => words[..1].iter().cloned().chain(words[1..].iter().map(|word| capitalized(word))).collect(),
        1 => {
            words.rotate_left(1);
            words.join("_")
        }
        2 => format!("{domain}_{}", words.join("_")),
        3 => format!("{group}.{}", words.join("_")),
        _ => words.join("_"),
    }
}

impl Offer {
    /// The schema of an answer: a list of calls, or which parameters to ask for.
    pub(crate) fn schema(&self) -> Value {
        let calls: Vec<Value> = self.tools.iter().map(Tool::schema).collect();
        let items = if let [only] = &calls[..] { only.clone() } else { json!({"anyOf": calls}) };
        let list = json!({"type": "array", "items": items});
        let mut required: Vec<&str> = Vec::new();
        for name in self.tools.iter().flat_map(Tool::required) {
            if !required.contains(&name) {
                required.push(name);
            }
        }
        if required.is_empty() {
            return list;
        }
        let missing = json!({"type": "object",
            "properties": {"missing": {"type": "array", "items": {"enum": required}, "minItems": 1}},
            "required": ["missing"], "additionalProperties": false});
        json!({"anyOf": [list, missing]})
    }
}
