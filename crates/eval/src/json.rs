//! Strict JSON (RFC 8259) with exact numbers: what a model's output has to be before it is scored.
//!
//! Stricter than most readers: a duplicate key is an error, so are NaN, comments, trailing commas and lone
//! surrogates. Nesting deeper than [`MAX_DEPTH`] is refused, so hostile input cannot exhaust the stack.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;

use crate::decimal::Decimal;

/// Deepest nesting of arrays and objects that is read.
pub const MAX_DEPTH: usize = 128;

/// A JSON value. Equality is the one of the metrics: objects unordered, arrays ordered, numbers by exact decimal
/// value, a boolean never a number, `null` a value of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, exactly.
    Number(Decimal),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; keys are unique by construction.
    Object(BTreeMap<String, Json>),
}

impl Json {
    /// The value for a schema validator; numbers as [`Decimal::to_number`] says.
    pub fn to_value(&self) -> serde_json::Value {
        use serde_json::Value;
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Number(n) => Value::Number(n.to_number()),
            Self::String(s) => Value::String(s.clone()),
            Self::Array(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(members) => Value::Object(members.iter().map(|(k, v)| (k.clone(), v.to_value())).collect()),
        }
    }
}

impl fmt::Display for Json {
    /// Compact JSON, keys in byte order.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{n}"),
            Self::String(s) => write_string(f, s),
            Self::Array(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { "," } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Object(members) => {
                f.write_str("{")?;
                for (i, (key, value)) in members.iter().enumerate() {
                    f.write_str(if i > 0 { "," } else { "" })?;
                    write_string(f, key)?;
                    write!(f, ":{value}")?;
                }
                f.write_str("}")
            }
        }
    }
}

fn write_string(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

/// Why a text is not JSON, and at which byte of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JsonError {
    /// Offset in bytes from the start of the text that was read.
    pub offset: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.offset)
    }
}

/// Reads a text that is one JSON value and nothing else but white space.
pub fn parse(text: &str) -> Result<Json, JsonError> {
    let (value, end) = parse_prefix(text)?;
    match text[end..].trim_matches([' ', '\t', '\n', '\r']) {
        "" => Ok(value),
        _ => Err(JsonError { offset: end, what: "something follows the value" }),
    }
}

/// Reads the one JSON value that `text` begins with (after white space) and returns it with the offset of its end.
pub fn parse_prefix(text: &str) -> Result<(Json, usize), JsonError> {
    let mut reader = Reader { text, at: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    Ok((value, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn error<T>(&self, what: &'static str) -> Result<T, JsonError> {
        let what = if self.at >= self.text.len() { "the text ends too early" } else { what };
        Err(JsonError { offset: self.at, what })
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        match self.peek() {
            Some(b'{' | b'[') if depth >= MAX_DEPTH => self.error("nested too deeply"),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(Json::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Json::Bool(true)),
            Some(b'f') => self.literal("false", Json::Bool(false)),
            Some(b'n') => self.literal("null", Json::Null),
            _ => self.error("expected a value"),
        }
    }

    fn literal(&mut self, word: &str, value: Json) -> Result<Json, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            let truncated = word.starts_with(&self.text[self.at..]);
            let what = if truncated { "the text ends too early" } else { "expected a value" };
            return Err(JsonError { offset: self.at, what });
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Json::Array(items));
                }
                _ => return self.error("expected `,` or `]`"),
            }
            self.skip_space();
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, JsonError> {
        let mut members = BTreeMap::new();
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            let key_at = self.at;
            if self.peek() != Some(b'"') {
                return self.error("expected a key in quotes");
            }
            let key = self.string()?;
            self.skip_space();
            if self.peek() != Some(b':') {
                return self.error("expected `:`");
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(depth)?;
            match members.entry(key) {
                Entry::Vacant(slot) => slot.insert(value),
                Entry::Occupied(_) => return Err(JsonError { offset: key_at, what: "duplicate key" }),
            };
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Json::Object(members));
                }
                _ => return self.error("expected `,` or `}`"),
            }
            self.skip_space();
        }
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.error("expected a digit"),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        match Decimal::from_literal(&self.text[start..self.at]) {
            Some(number) => Ok(Json::Number(number)),
            None => Err(JsonError { offset: start, what: "exponent out of range" }),
        }
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.error("expected a digit");
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, JsonError> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            out.push_str(&self.text[start..self.at]); // stops only at ASCII, so at a character's border
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return self.error("control character in a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let c = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => return self.error("unknown escape"),
        };
        self.at += 1;
        Ok(c)
    }

    fn unicode_escape(&mut self) -> Result<char, JsonError> {
        let start = self.at - 1;
        let first = self.four_hex()?;
        let code = match first {
            0xD800..0xDC00 if self.text[self.at..].starts_with("\\u") => {
                self.at += 1;
                let second = self.four_hex()?;
                if !(0xDC00..0xE000).contains(&second) {
                    return Err(JsonError { offset: start, what: "lone surrogate" });
                }
                0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
            }
            _ => first,
        };
        char::from_u32(code).ok_or(JsonError { offset: start, what: "lone surrogate" })
    }

    /// `u` and four hexadecimal digits.
    fn four_hex(&mut self) -> Result<u32, JsonError> {
        self.at += 1;
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|b| char::from(b).to_digit(16)) else {
                return self.error("expected four hexadecimal digits");
            };
            code = code * 16 + digit;
            self.at += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_json_is_refused() {
        for bad in [
            "",
            " ",
            "{",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "{'a':1}",
            "nul",
            "NaN",
            "Infinity",
            "-Infinity",
            "+1",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "0x1",
            "\"a",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\udc00\"",
            "[1 2]",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "// c\n1",
            "tru",
            "1 2",
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
            "\u{feff}{}",
            "\u{a0}{}",
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was accepted");
        }
        assert_eq!(parse("{\"a\":1,\"b\":{\"a\":1},\"a\":2}").unwrap_err().what, "duplicate key");
        assert_eq!(parse("{\"a\":tr").unwrap_err().what, "the text ends too early");
        assert_eq!(parse("{\"a\":\"x").unwrap_err().what, "the text ends too early");
    }

    #[test]
    fn hostile_depth_is_an_error_and_not_a_crash() {
        for text in ["[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
            assert_eq!(parse(&text).unwrap_err().what, "nested too deeply");
        }
        let deepest = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(parse(&deepest).is_ok());
    }

    #[test]
    fn equality_is_that_of_the_metrics() {
        let same = |a, b| parse(a).unwrap() == parse(b).unwrap();
        assert!(same("{\"a\":1,\"b\":[1,2]}", " { \"b\" : [1.0, 2e0] , \"a\" : 10e-1 } "));
        assert!(same("\"\\u00e9\\ud83d\\ude00\\/\"", "\"é😀/\""));
        assert!(!same("[1,2]", "[2,1]"));
        assert!(!same("1", "true"));
        assert!(!same("0", "false"));
        assert!(!same("1", "\"1\""));
        assert!(!same("{\"a\":null}", "{}"));
        assert!(!same("0.1", "0.1000000000000000055511151231257827"));
        // Composed and decomposed characters are different strings: nothing is normalized.
        assert!(!same("\"\u{e9}\"", "\"e\u{301}\""));
    }

    fn values() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::Value;
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            (proptest::num::f64::NORMAL | proptest::num::f64::SUBNORMAL).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn what_serde_json_writes_is_read_the_same(value in values(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let ours = parse(&text).unwrap();
            // serde_json keeps 1.0 apart from 1; both sides go through exact decimals.
            prop_assert_eq!(parse(&ours.to_value().to_string()).unwrap(), ours.clone());
            prop_assert_eq!(parse(&ours.to_string()).unwrap(), ours);
        }

        #[test]
        fn every_truncation_is_refused(value in values(), cut in 0.0f64..1.0) {
            let text = serde_json::json!([value]).to_string();
            let mut end = (text.len() as f64 * cut) as usize;
            while !text.is_char_boundary(end) { end -= 1; }
            prop_assert!(parse(&text[..end]).is_err());
        }

        /// Random edits of real JSON: accepted exactly when `serde_json` accepts, save where this reader is meant to differ.
        #[test]
        fn accepts_and_refuses_what_serde_json_does(value in values(), at in 0.0f64..1.0, with in "[\\[\\]{}\",:0-9eE.+\\-ntfu\\\\ x]{0,2}", gone in 0usize..3) {
            let mut text: Vec<char> = value.to_string().chars().collect();
            let at = ((text.len() as f64) * at) as usize;
            let gone = gone.min(text.len() - at);
            text.splice(at..at + gone, with.chars());
            let text: String = text.into_iter().collect();
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            match (parse(&text), theirs) {
                (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
                (Err(e), Ok(_)) => prop_assert!(["duplicate key", "exponent out of range"].contains(&e.what), "{}: {}", text, e),
                (Ok(_), Err(e)) => prop_assert!(e.to_string().contains("number out of range"), "{}: {}", text, e),
            }
        }
    }
}
