//! Are these the right calls, as `bfcl-eval`'s `ast_checker` judges Python's?
//!
//! A possible answer lists, for every parameter, the values that are right; an empty string among them marks a parameter
//! that may be left out. Quirks are kept, for a score is only comparable if they are: strings are compared without case,
//! spaces and `,./-_*^`; where the possible values have another type than the description says, a value of theirs is
//! right ("a variable"); an optional list may also be empty; only one level of nesting is typed. Where the published code
//! raises (a description without `items`, say), there it stops an evaluation, here the calls are wrong.

use serde_json::Value;

use super::Category;
use crate::function_call::{Call, Literal, Type};

/// Why calls are wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// `error_type` as published; `raised` where the published code raises.
    pub kind: &'static str,
}

type Checked = Result<(), Wrong>;

fn wrong<T>(kind: &'static str) -> Result<T, Wrong> {
    Err(Wrong { kind })
}

const RAISED: &str = "raised";

/// A function as an item describes it, and what is right for one call.
#[derive(Clone, Debug)]
pub struct Gold {
    /// The function that has to be called.
    pub name: String,
    /// Right values by parameter, in the order given.
    pub possible: Vec<(String, Vec<Literal>)>,
}

/// Judges the calls of one item.
///
/// # Errors
/// What is wrong with them.
pub fn check(
    functions: &[Value],
    calls: &[Call],
    golds: &[Gold],
    category: Category,
    dots_as_underscores: bool,
) -> Checked {
    let described = |name: &str| functions.iter().find(|f| f.get("name").and_then(Value::as_str) == Some(name));
    let one = |function: Option<&Value>, call: &Call, gold: &Gold| match function {
        Some(function) => Description { function, dots_as_underscores }.check(call, gold),
        None => wrong(RAISED),
    };
    match category {
        Category::Parallel | Category::ParallelMultiple => {
            if calls.len() != golds.len() {
                return wrong("parallel_function_checker_no_order:wrong_count");
            }
            let mut matched = vec![false; calls.len()];
            for gold in golds {
                let mut found = false;
                for (i, call) in calls.iter().enumerate().filter(|(i, _)| !matched[*i]).collect::<Vec<_>>() {
                    match one(described(&gold.name), call, gold) {
                        Ok(()) => {
                            matched[i] = true;
                            found = true;
                            break;
                        }
                        Err(Wrong { kind: RAISED }) => return wrong(RAISED),
                        Err(_) => {}
                    }
                }
                if !found {
                    return wrong("parallel_function_checker_no_order:cannot_find_match");
                }
            }
            Ok(())
        }
        _ => {
            let multiple = category == Category::Multiple;
            let (Some(gold), [call]) = (golds.first(), calls) else {
                return wrong(match multiple {
                    true => "multiple_function_checker:wrong_count",
                    false => "simple_function_checker:wrong_count",
                });
            };
            one(if multiple { described(&gold.name) } else { functions.first() }, call, gold)
        }
    }
}

/// The types that descriptions name.
fn type_named(name: &str) -> Result<Type, Wrong> {
    Ok(match name {
        "string" | "any" => Type::Str,
        "integer" => Type::Int,
        "float" => Type::Float,
        "boolean" => Type::Bool,
        "array" | "tuple" => Type::List,
        "dict" => Type::Dict,
        _ => return wrong(RAISED),
    })
}

struct Description<'a> {
    function: &'a Value,
    dots_as_underscores: bool,
}

impl Description<'_> {
    fn check(&self, call: &Call, gold: &Gold) -> Checked {
        let name = self.function["name"].as_str().unwrap_or_default();
        let name = if self.dots_as_underscores { name.replace('.', "_") } else { name.to_owned() };
        let parameters = &self.function["parameters"];
        let (Some(properties), Some(required)) =
            (parameters["properties"].as_object(), parameters["required"].as_array())
        else {
            return wrong(RAISED);
        };
        if call.name != name {
            return wrong("simple_function_checker:wrong_func_name");
        }
        let given = |name: &str| call.arguments.iter().any(|(n, _)| n.as_deref() == Some(name));
        if required.iter().any(|r| !r.as_str().is_some_and(given)) {
            return wrong("simple_function_checker:missing_required");
        }
        for (name, value) in &call.arguments {
            let known = name.as_deref().and_then(|name| {
                let (_, possible) = gold.possible.iter().find(|(n, _)| n == name)?;
                Some((properties.get(name)?, possible))
            });
            let Some((description, possible)) = known else { return wrong("simple_function_checker:unexpected_param") };
            argument(description, value, possible)?;
        }
        if gold.possible.iter().any(|(name, possible)| !given(name) && !has_empty(possible)) {
            return wrong("simple_function_checker:missing_optional");
        }
        Ok(())
    }
}

/// Whether the mark of what may be left out is among the values.
fn has_empty(possible: &[Literal]) -> bool {
    possible.iter().any(is_empty)
}

fn is_empty(value: &Literal) -> bool {
    matches!(value, Literal::Str(s) if s.is_empty())
}

fn argument(description: &Value, value: &Literal, possible: &[Literal]) -> Checked {
    let Some(type_name) = description["type"].as_str() else { return wrong(RAISED) };
    let expected = type_named(type_name)?;
    let nested = if matches!(type_name, "array" | "tuple") {
        let Some(of) = description["items"]["type"].as_str() else { return wrong(RAISED) };
        Some(type_named(of)?)
    } else {
        None
    };
    let value = &match value {
        Literal::Tuple(items) if type_name == "tuple" => Literal::List(items.clone()),
        Literal::Int(i) if type_name == "float" => Literal::Float(*i as f64),
        value => value.clone(),
    };
    let is_variable = check_type(value, possible, expected, nested)?;
    if !is_variable {
        match (expected, value) {
            (Type::Dict, Literal::Dict(entries)) => return dict(entries, possible),
            (Type::List, Literal::List(items)) if nested == Some(Type::Dict) => return dicts(items, possible),
            (Type::Str, Literal::Str(text)) => return string(text, possible),
            (Type::List, Literal::List(items)) => return list(items, possible),
            _ => {}
        }
    }
    if possible.contains(value) { Ok(()) } else { wrong("value_error:others") }
}

/// Whether the type is right; `true` if the value is "a variable", of another type than described but of the possible values'.
fn check_type(value: &Literal, possible: &[Literal], expected: Type, nested: Option<Type>) -> Result<bool, Wrong> {
    let possible_type = possible.iter().find(|p| !is_empty(p)).map(Literal::kind);
    if value.kind() == expected {
        let is_variable = possible_type.is_some_and(|t| t != expected);
        let Some(nested) = nested else { return Ok(is_variable) };
        let elements = if let Literal::List(items) = value { &items[..] } else { &[] };
        let fits = |item: &Literal| match item {
            Literal::List(items) => elements.iter().all(|e| check_type(e, items, nested, None).is_ok()),
            _ => true,
        };
        return if possible.iter().any(fits) { Ok(is_variable) } else { wrong("type_error:nested") };
    }
    if possible_type == Some(value.kind()) { Ok(true) } else { wrong("type_error:simple") }
}

/// A string as it is compared.
fn standardized(text: &str) -> String {
    let kept: String = text.chars().filter(|c| !" ,./-_*^".contains(*c)).collect();
    kept.to_lowercase().replace('\'', "\"")
}

fn standard(value: &Literal) -> Literal {
    if let Literal::Str(s) = value { Literal::Str(standardized(s)) } else { value.clone() }
}

fn string(text: &str, possible: &[Literal]) -> Checked {
    let text = standardized(text);
    let fits = |p: &Literal| matches!(p, Literal::Str(p) if standardized(p) == text);
    if possible.iter().any(fits) { Ok(()) } else { wrong("value_error:string") }
}

/// What Python iterates over: a list's elements, a string's characters.
fn elements(value: &Literal) -> Result<Vec<Literal>, Wrong> {
    match value {
        Literal::List(items) | Literal::Tuple(items) => Ok(items.clone()),
        Literal::Str(text) => Ok(text.chars().map(|c| Literal::Str(c.to_string())).collect()),
        _ => wrong(RAISED),
    }
}

fn list(items: &[Literal], possible: &[Literal]) -> Checked {
    let items: Vec<Literal> = items.iter().map(standard).collect();
    let mut found = false;
    // All are standardized before one is compared, so what raises, raises.
    for one in possible {
        let one: Vec<Literal> = elements(one)?.iter().map(standard).collect();
        found |= one == items;
    }
    if found { Ok(()) } else { wrong("value_error:list/tuple") }
}

fn dict(entries: &[(Literal, Literal)], possible: &[Literal]) -> Checked {
    let mut result = wrong("dict_checker:unclear");
    for one in possible.iter().filter(|p| !is_empty(p)) {
        let Literal::Dict(wanted) = one else { return wrong(RAISED) };
        result = dict_against(entries, wanted);
        if !matches!(result, Err(Wrong { kind }) if kind != RAISED) {
            return result;
        }
    }
    result
}

fn dict_against(entries: &[(Literal, Literal)], wanted: &[(Literal, Literal)]) -> Checked {
    for (key, value) in entries {
        let Some(possible) = Literal::entry(wanted, key) else { return wrong("value_error:dict_key") };
        let possible: Vec<Literal> = elements(possible)?.iter().map(standard).collect();
        if !possible.contains(&standard(value)) {
            return wrong("value_error:dict_value");
        }
    }
    for (key, possible) in wanted {
        if Literal::entry(entries, key).is_some() {
            continue;
        }
        let optional = match possible {
            // The empty string is in every string.
            Literal::Str(_) => true,
            Literal::List(values) => has_empty(values),
            Literal::Dict(values) => values.iter().any(|(key, _)| is_empty(key)),
            _ => return wrong(RAISED),
        };
        if !optional {
            return wrong("value_error:dict_key");
        }
    }
    Ok(())
}

fn dicts(items: &[Literal], possible: &[Literal]) -> Checked {
    let mut result = wrong("list_dict_checker:unclear");
    for one in possible {
        let wanted = match one {
            Literal::List(wanted) => wanted.clone(),
            Literal::Str(text) => text.chars().map(|c| Literal::Str(c.to_string())).collect(),
            _ => return wrong(RAISED),
        };
        if wanted.len() != items.len() {
            result = wrong("value_error:list_dict_count");
            continue;
        }
        result = Ok(());
        for (item, wanted) in items.iter().zip(&wanted) {
            let checked = match item {
                Literal::Dict(entries) => dict(entries, std::slice::from_ref(wanted)),
                // Its entries are asked for only if there is something to compare them with.
                _ if is_empty(wanted) => wrong("dict_checker:unclear"),
                _ => wrong(RAISED),
            };
            match checked {
                Err(Wrong { kind: RAISED }) => return wrong(RAISED),
                Err(e) => {
                    result = Err(e);
                    break;
                }
                Ok(()) => {}
            }
        }
        if result.is_ok() {
            return Ok(());
        }
    }
    result
}
