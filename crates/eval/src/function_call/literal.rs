//! What is a value in a call: Python's literals, with Python's types, equality and spelling?
//!
//! The published checker compares decoded answers with Python's `==` (`True == 1 == 1.0`) and `type()` (`bool` is not
//! `int`). A verdict can agree with it only on values that keep both apart.

use std::fmt::Write;

use serde_json::Value;

/// Deeper JSON is refused before it gets here.
const MAX_DEPTH: usize = 256;

/// A Python value as far as calls need it.
#[derive(Clone, Debug)]
pub enum Literal {
    /// `None`, JSON's `null`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// An integer within 128 bits.
    Int(i128),
    /// A float.
    Float(f64),
    /// A string.
    Str(String),
    /// A list.
    List(Vec<Literal>),
    /// A tuple, which equals no list.
    Tuple(Vec<Literal>),
    /// A dict, in the order written; keys are unique by Python's equality.
    Dict(Vec<(Literal, Literal)>),
    /// Bytes, complex numbers and integers beyond 128 bits: equal to nothing a gold can hold.
    Other,
}

/// The types a checker tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `NoneType`
    None,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `float`
    Float,
    /// `str`
    Str,
    /// `list`
    List,
    /// `tuple`
    Tuple,
    /// `dict`
    Dict,
    /// Any other.
    Other,
}

impl Type {
    /// Python's name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NoneType",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::Str => "str",
            Self::List => "list",
            Self::Tuple => "tuple",
            Self::Dict => "dict",
            Self::Other => "object",
        }
    }
}

impl Literal {
    /// `type(value)`.
    pub fn kind(&self) -> Type {
        match self {
            Self::None => Type::None,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Float(_) => Type::Float,
            Self::Str(_) => Type::Str,
            Self::List(_) => Type::List,
            Self::Tuple(_) => Type::Tuple,
            Self::Dict(_) => Type::Dict,
            Self::Other => Type::Other,
        }
    }

    /// The value `json.loads` makes: a number without point and exponent is an integer.
    pub fn of_json(value: &Value) -> Self {
        Self::of_json_at(value, MAX_DEPTH)
    }

    fn of_json_at(value: &Value, depth: usize) -> Self {
        match value {
            _ if depth == 0 => Self::Other,
            Value::Null => Self::None,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => match (n.as_i64(), n.as_u64(), n.as_f64()) {
                (Some(i), ..) => Self::Int(i.into()),
                (_, Some(u), _) => Self::Int(u.into()),
                (_, _, Some(f)) => Self::Float(f),
                _ => Self::Other,
            },
            Value::String(s) => Self::Str(s.clone()),
            Value::Array(items) => Self::List(items.iter().map(|v| Self::of_json_at(v, depth - 1)).collect()),
            Value::Object(map) => {
                Self::Dict(map.iter().map(|(k, v)| (Self::Str(k.clone()), Self::of_json_at(v, depth - 1))).collect())
            }
        }
    }

    /// The value as JSON: tuples as arrays, keys that are no strings spelled as Python spells them; `None` for what
    /// JSON cannot hold (infinities, bytes).
    pub fn to_json(&self) -> Option<Value> {
        Some(match self {
            Self::None => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Int(i) => match (i64::try_from(*i), u64::try_from(*i)) {
                (Ok(i), _) => i.into(),
                (_, Ok(u)) => u.into(),
                _ => return None,
            },
            Self::Float(f) => Value::Number(serde_json::Number::from_f64(*f)?),
            Self::Str(s) => Value::String(s.clone()),
            Self::List(items) | Self::Tuple(items) => {
                Value::Array(items.iter().map(Self::to_json).collect::<Option<_>>()?)
            }
            Self::Dict(entries) => {
                let entry = |(k, v): &(Self, Self)| {
                    let key = if let Self::Str(s) = k { s.clone() } else { k.repr() };
                    Some((key, v.to_json()?))
                };
                Value::Object(entries.iter().map(entry).collect::<Option<_>>()?)
            }
            Self::Other => return None,
        })
    }

    /// The entry of a dict under a key, by Python's equality.
    pub fn entry<'a>(entries: &'a [(Self, Self)], key: &Self) -> Option<&'a Self> {
        entries.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Whether Python can use it as a key.
    pub fn is_hashable(&self) -> bool {
        match self {
            Self::List(_) | Self::Dict(_) => false,
            Self::Tuple(items) => items.iter().all(Self::is_hashable),
            _ => true,
        }
    }

    /// `repr(value)`.
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        let list = |items: &[Self], out: &mut String| {
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                item.write(out);
            }
        };
        match self {
            Self::None => out.push_str("None"),
            Self::Bool(b) => out.push_str(if *b { "True" } else { "False" }),
            Self::Int(i) => {
                let _ = write!(out, "{i}");
            }
            Self::Float(f) => write_float(*f, out),
            Self::Str(s) => write_string(s, out),
            Self::List(items) => {
                out.push('[');
                list(items, out);
                out.push(']');
            }
            Self::Tuple(items) => {
                out.push('(');
                list(items, out);
                out.push_str(if items.len() == 1 { ",)" } else { ")" });
            }
            Self::Dict(entries) => {
                out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    out.push_str(if i > 0 { ", " } else { "" });
                    key.write(out);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
            Self::Other => out.push_str("..."),
        }
    }

    /// A number for comparisons across `bool`, `int` and `float`.
    fn number(&self) -> Option<Number> {
        match self {
            Self::Bool(b) => Some(Number::Int((*b).into())),
            Self::Int(i) => Some(Number::Int(*i)),
            Self::Float(f) => Some(Number::Float(*f)),
            _ => None,
        }
    }
}

enum Number {
    Int(i128),
    Float(f64),
}

impl PartialEq for Literal {
    /// Python's `==`.
    fn eq(&self, other: &Self) -> bool {
        if let (Some(a), Some(b)) = (self.number(), other.number()) {
            return match (a, b) {
                (Number::Int(a), Number::Int(b)) => a == b,
                (Number::Float(a), Number::Float(b)) => a == b,
                (Number::Int(i), Number::Float(f)) | (Number::Float(f), Number::Int(i)) => equal_exactly(i, f),
            };
        }
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => {
                a.len() == b.len() && a.iter().all(|(key, value)| Self::entry(b, key) == Some(value))
            }
            _ => false,
        }
    }
}

/// Python compares an integer and a float by their exact values.
fn equal_exactly(i: i128, f: f64) -> bool {
    // Beyond this range `as` saturates; a float in it converts exactly if it has no fraction.
    f.fract() == 0.0 && f.abs() < 1.0e38 && f as i128 == i
}

/// `repr` of a float: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
fn write_float(f: f64, out: &mut String) {
    if f.is_nan() || f.is_infinite() {
        out.push_str(if f.is_nan() {
            "nan"
        } else if f > 0.0 {
            "inf"
        } else {
            "-inf"
        });
        return;
    }
    let size = f.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{f:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
        let _ = write!(out, "{digits}e{sign}{exponent:0>2}");
    } else {
        let _ = write!(out, "{f:?}");
    }
}

/// `repr` of a string: single quotes unless the text has them and no double ones.
fn write_string(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let code = u32::from(c);
                let _ = if code < 0x100 { write!(out, "\\x{code:02x}") } else { write!(out, "\\u{code:04x}") };
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_pythons() {
        use Literal::*;
        assert_eq!(Bool(true), Int(1));
        assert_eq!(Int(1), Float(1.0));
        assert_ne!(Int(9_007_199_254_740_993), Float(9_007_199_254_740_992.0));
        assert_ne!(List(vec![Int(1)]), Tuple(vec![Int(1)]));
        assert_ne!(Str("1".into()), Int(1));
        assert_eq!(List(vec![Bool(false)]), List(vec![Float(0.0)]));
        let dict = |a: &[(&str, i128)]| Dict(a.iter().map(|(k, v)| (Str((*k).into()), Int(*v))).collect());
        assert_eq!(dict(&[("a", 1), ("b", 2)]), dict(&[("b", 2), ("a", 1)]));
        assert_ne!(dict(&[("a", 1)]), dict(&[("a", 1), ("b", 2)]));
        assert_ne!(Other, Other);
        assert_ne!(Float(f64::NAN), Float(f64::NAN));
    }

    #[test]
    fn spelling_is_pythons() {
        for (f, text) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1.5e-7, "1.5e-07"),
            (123456789012345.6, "123456789012345.6"),
            (0.0001, "0.0001"),
            (-2.5e300, "-2.5e+300"),
        ] {
            assert_eq!(Literal::Float(f).repr(), text);
        }
        assert_eq!(Literal::Str("it's".into()).repr(), "\"it's\"");
        assert_eq!(Literal::Str("a\n'\"\u{1}".into()).repr(), "'a\\n\\'\"\\x01'");
        assert_eq!(Literal::Tuple(vec![Literal::None]).repr(), "(None,)");
    }
}
