//! What is the value of arithmetic on constants, as Python works it out?

use super::literal::Literal;
use super::syntax::Expression;
use super::tokens::CallError;

/// Repeated strings and lists beyond this are refused: an output must not be able to fill the memory.
const MOST_REPEATED: usize = 1_000_000;

fn fail<T>() -> Result<T, CallError> {
    Err(CallError { offset: 0, what: "arithmetic that has no value" })
}

/// The value of an expression of constants.
///
/// # Errors
/// If it holds anything but constants, lists and tuples of them, signs and operators, or Python would raise.
pub(super) fn value(expression: &Expression) -> Result<Literal, CallError> {
    match expression {
        Expression::Constant(value) => Ok(value.clone()),
        Expression::List(items) => Ok(Literal::List(items.iter().map(value).collect::<Result<_, _>>()?)),
        Expression::Tuple(items) => Ok(Literal::Tuple(items.iter().map(value).collect::<Result<_, _>>()?)),
        Expression::Unary(operator, operand) => signed(operator, &value(operand)?),
        Expression::Binary(left, operator, right) => combined(&value(left)?, operator, &value(right)?),
        _ => fail(),
    }
}

fn integer(value: &Literal) -> Option<i128> {
    match value {
        Literal::Bool(b) => Some((*b).into()),
        Literal::Int(i) => Some(*i),
        _ => None,
    }
}

fn float(value: &Literal) -> Option<f64> {
    match value {
        Literal::Float(f) => Some(*f),
        _ => integer(value).map(|i| i as f64),
    }
}

fn signed(operator: &str, value: &Literal) -> Result<Literal, CallError> {
    match (operator, integer(value), value) {
        ("-", Some(i), _) => Ok(i.checked_neg().map_or(Literal::Other, Literal::Int)),
        ("+", Some(i), _) => Ok(Literal::Int(i)),
        ("~", Some(i), _) => Ok(Literal::Int(!i)),
        ("-", _, Literal::Float(f)) => Ok(Literal::Float(-f)),
        ("+", _, Literal::Float(f)) => Ok(Literal::Float(*f)),
        _ => fail(),
    }
}

fn combined(left: &Literal, operator: &str, right: &Literal) -> Result<Literal, CallError> {
    if let (Some(a), Some(b)) = (integer(left), integer(right)) {
        return integers(a, operator, b);
    }
    if let (Some(a), Some(b)) = (float(left), float(right)) {
        return floats(a, operator, b);
    }
    let times = |n: &Literal| integer(n).map(|n| usize::try_from(n.max(0)).unwrap_or(usize::MAX));
    match (operator, left, right) {
        ("+", Literal::Str(a), Literal::Str(b)) => Ok(Literal::Str(format!("{a}{b}"))),
        ("+", Literal::List(a), Literal::List(b)) => Ok(Literal::List([&a[..], b].concat())),
        ("+", Literal::Tuple(a), Literal::Tuple(b)) => Ok(Literal::Tuple([&a[..], b].concat())),
        ("*", Literal::Str(text), n) | ("*", n, Literal::Str(text)) => match times(n) {
            Some(n) if n.saturating_mul(text.len()) <= MOST_REPEATED => Ok(Literal::Str(text.repeat(n))),
            _ => fail(),
        },
        ("*", Literal::List(items), n) | ("*", n, Literal::List(items)) => match times(n) {
            Some(n) if n.saturating_mul(size(items)) <= MOST_REPEATED => {
                Ok(Literal::List((0..n).flat_map(|_| items.iter().cloned()).collect()))
            }
            _ => fail(),
        },
        _ => fail(),
    }
}

/// Values in a list, at every depth.
fn size(items: &[Literal]) -> usize {
    let of = |item: &Literal| match item {
        Literal::List(items) | Literal::Tuple(items) => size(items) + 1,
        Literal::Str(text) => text.len() + 1,
        _ => 1,
    };
    items.iter().map(of).sum()
}

fn integers(a: i128, operator: &str, b: i128) -> Result<Literal, CallError> {
    let exact = |value: Option<i128>| Ok(value.map_or(Literal::Other, Literal::Int));
    match operator {
        "+" => exact(a.checked_add(b)),
        "-" => exact(a.checked_sub(b)),
        "*" => exact(a.checked_mul(b)),
        "/" | "//" | "%" if b == 0 => fail(),
        "/" => Ok(Literal::Float(a as f64 / b as f64)),
        // Python rounds towards minus infinity.
        "//" => exact(a.checked_div_euclid(b).map(|q| if b < 0 && a.rem_euclid(b) != 0 { q - 1 } else { q })),
        "%" => exact(a.checked_rem_euclid(b).map(|r| if b < 0 && r != 0 { r + b } else { r })),
        "**" if b < 0 => floats(a as f64, operator, b as f64),
        "**" => exact(u32::try_from(b).ok().and_then(|b| a.checked_pow(b))),
        "<<" | ">>" if b < 0 => fail(),
        "<<" => exact(u32::try_from(b).ok().filter(|b| *b < 127).and_then(|b| a.checked_mul(1 << b))),
        ">>" => Ok(Literal::Int(a >> b.min(127))),
        "&" => Ok(Literal::Int(a & b)),
        "|" => Ok(Literal::Int(a | b)),
        "^" => Ok(Literal::Int(a ^ b)),
        _ => fail(),
    }
}

fn floats(a: f64, operator: &str, b: f64) -> Result<Literal, CallError> {
    Ok(Literal::Float(match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" | "//" | "%" if b == 0.0 => return fail(),
        "/" => a / b,
        "//" => (a / b).floor(),
        "%" => {
            let rest = a % b;
            if rest != 0.0 && (rest < 0.0) != (b < 0.0) { rest + b } else { rest }
        }
        "**" if a == 0.0 && b < 0.0 => return fail(),
        // A complex number.
        "**" if a < 0.0 && b.fract() != 0.0 => return Ok(Literal::Other),
        "**" => a.powf(b),
        _ => return fail(),
    }))
}
