//! Which calls does a text in Python's call syntax make?
//!
//! `[f(a=1, b='x'), g.h(c=[1, 2.0, None, True])]`, decoded as the published evaluation decodes it, its leniences
//! included: positional arguments are passed over, a bare name is the string of its letters (`true` is `"true"`), a
//! call without keywords inside a call is the string of its source, arithmetic on constants is worked out, and every
//! sign before a number negates it.

use super::Call;
use super::arithmetic;
use super::literal::Literal;
use super::spelling;
use super::syntax::{self, Expression};
use super::tokens::CallError;

/// The calls in an output. White space and backquotes around it and missing outer brackets are forgiven.
///
/// # Errors
/// Where and why it is no list of calls.
pub fn parse(output: &str) -> Result<Vec<Call>, CallError> {
    let mut text = output.trim_matches(['`', '\n', ' ']).to_owned();
    if !text.starts_with('[') {
        text.insert(0, '[');
    }
    if !text.ends_with(']') {
        text.push(']');
    }
    // Python refuses a null byte anywhere.
    if let Some(offset) = text.find('\0') {
        return Err(CallError { offset, what: "a null character" });
    }
    let body = syntax::parse(text.trim().trim_matches('\''))?;
    let elements = match body {
        Expression::Call(..) => vec![body],
        Expression::List(items) | Expression::Tuple(items) | Expression::Set(items) => items,
        _ => return fail("the text is no list of calls"),
    };
    elements.iter().map(call).collect()
}

fn fail<T>(what: &'static str) -> Result<T, CallError> {
    Err(CallError { offset: 0, what })
}

fn call(expression: &Expression) -> Result<Call, CallError> {
    let Expression::Call(function, _, keywords) = expression else { return fail("an element is no call") };
    let mut parts = Vec::new();
    let mut part = &**function;
    while let Expression::Attribute(value, name) = part {
        parts.push(name.as_str());
        part = value;
    }
    if let Expression::Name(name) = part {
        parts.push(name);
    }
    parts.reverse();
    let mut arguments: Vec<(Option<String>, Literal)> = Vec::with_capacity(keywords.len());
    for (name, value) in keywords {
        let value = literal(value)?;
        // A keyword given twice keeps its place and the later value, as in a dict.
        match arguments.iter_mut().find(|(n, _)| n == name) {
            Some((_, earlier)) => *earlier = value,
            None => arguments.push((name.clone(), value)),
        }
    }
    Ok(Call { name: parts.join("."), arguments })
}

/// The value of an argument.
fn literal(expression: &Expression) -> Result<Literal, CallError> {
    Ok(match expression {
        Expression::Constant(value) => value.clone(),
        Expression::Ellipsis => Literal::Str("...".into()),
        Expression::Name(name) => Literal::Str(name.clone()),
        Expression::Unary(_, operand) => match &**operand {
            Expression::Constant(value) => negated(value)?,
            _ => return fail("a sign before something that is no number"),
        },
        Expression::Binary(..) => arithmetic::value(expression)?,
        Expression::List(items) => Literal::List(items.iter().map(literal).collect::<Result<_, _>>()?),
        Expression::Tuple(items) => Literal::Tuple(items.iter().map(literal).collect::<Result<_, _>>()?),
        Expression::Dict(entries) => dict(entries)?,
        Expression::Call(_, _, keywords) if keywords.is_empty() => Literal::Str(spelling::of(expression)?),
        Expression::Call(..) => {
            let inner = call(expression)?;
            Literal::Dict(vec![(Literal::Str(inner.name), arguments_dict(inner.arguments))])
        }
        Expression::Subscript(value, index) => {
            Literal::Str(format!("{}[{}]", spelling::of(value)?, spelling::of(index)?))
        }
        _ => return fail("an argument's value is no literal"),
    })
}

fn arguments_dict(arguments: Vec<(Option<String>, Literal)>) -> Literal {
    let key = |name: Option<String>| name.map_or(Literal::None, Literal::Str);
    Literal::Dict(arguments.into_iter().map(|(name, value)| (key(name), value)).collect())
}

/// Whatever the sign (`+`, `~` and `not` too), the published decoder negates.
fn negated(value: &Literal) -> Result<Literal, CallError> {
    Ok(match value {
        Literal::Bool(b) => Literal::Int(-i128::from(*b)),
        Literal::Int(i) => i.checked_neg().map_or(Literal::Other, Literal::Int),
        Literal::Float(f) => Literal::Float(-f),
        Literal::Other => Literal::Other,
        _ => return fail("a sign before something that is no number"),
    })
}

fn dict(entries: &[(Option<Expression>, Expression)]) -> Result<Literal, CallError> {
    let mut found: Vec<(Literal, Literal)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let Some(key) = key else { return fail("a mapping is unpacked") };
        let (key, value) = (literal(key)?, literal(value)?);
        if !key.is_hashable() {
            return fail("a list or dict as a key");
        }
        match found.iter_mut().find(|(k, _)| *k == key) {
            Some((_, earlier)) => *earlier = value,
            None => found.push((key, value)),
        }
    }
    Ok(Literal::Dict(found))
}
