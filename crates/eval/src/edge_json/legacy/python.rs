//! JSON as Python's `json` reads it, and `==` as Python means it: NaN and infinities, the last of equal keys, lone surrogates.

use std::collections::BTreeMap;

/// Deeper nesting ends in Python's recursion limit.
const DEEPEST: usize = 900;
/// Longer integers are beyond Python's limit.
const MOST_DIGITS: usize = 4_300;

/// A value. Strings are UTF-16, since Python's may hold lone surrogates.
#[derive(Clone, Debug)]
pub(super) enum PyValue {
    None,
    Bool(bool),
    /// In decimal, without leading zeros or a minus before zero.
    Int(String),
    Float(f64),
    Str(Vec<u16>),
    List(Vec<PyValue>),
    Dict(BTreeMap<Vec<u16>, PyValue>),
}

impl PyValue {
    /// `not value`.
    pub fn is_falsy(&self) -> bool {
        match self {
            Self::None => true,
            Self::Bool(b) => !b,
            Self::Int(digits) => digits == "0",
            Self::Float(f) => *f == 0.0,
            Self::Str(s) => s.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Dict(members) => members.is_empty(),
        }
    }

    /// Whether `type` is the same, int and float taken for one.
    pub fn is_of_type_of(&self, other: &Self) -> bool {
        let kind = |value: &Self| match value {
            Self::None => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Float(_) => 2,
            Self::Str(_) => 3,
            Self::List(_) => 4,
            Self::Dict(_) => 5,
        };
        kind(self) == kind(other)
    }
}

/// The integer that a float is, exactly; none for fractions, infinities and NaN.
fn whole(float: f64) -> Option<String> {
    let digits = format!("{float:.0}");
    let digits = if digits == "-0" { "0".to_owned() } else { digits };
    (float.is_finite() && float.fract() == 0.0).then_some(digits)
}

impl PartialEq for PyValue {
    fn eq(&self, other: &Self) -> bool {
        let bit = |b: bool| if b { "1" } else { "0" };
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Bool(b), Self::Int(i)) | (Self::Int(i), Self::Bool(b)) => i == bit(*b),
            (Self::Bool(b), Self::Float(f)) | (Self::Float(f), Self::Bool(b)) => *f == f64::from(u8::from(*b)),
            (Self::Int(i), Self::Float(f)) | (Self::Float(f), Self::Int(i)) => whole(*f).as_ref() == Some(i),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Dict(a), Self::Dict(b)) => a == b,
            _ => false,
        }
    }
}

/// `str.strip()`.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// `json.loads`; none where it raises.
pub(super) fn loads(text: &str) -> Option<PyValue> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.skip_space();
    let value = reader.value(0)?;
    reader.skip_space();
    (reader.at == reader.bytes.len()).then_some(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, text: &str) -> Option<()> {
        let taken = self.bytes[self.at..].starts_with(text.as_bytes());
        self.at += if taken { text.len() } else { 0 };
        taken.then_some(())
    }

    fn value(&mut self, depth: usize) -> Option<PyValue> {
        if depth > DEEPEST {
            return None;
        }
        match self.peek()? {
            b'"' => self.string().map(PyValue::Str),
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'n' => self.take("null").map(|()| PyValue::None),
            b't' => self.take("true").map(|()| PyValue::Bool(true)),
            b'f' => self.take("false").map(|()| PyValue::Bool(false)),
            b'N' => self.take("NaN").map(|()| PyValue::Float(f64::NAN)),
            b'I' => self.take("Infinity").map(|()| PyValue::Float(f64::INFINITY)),
            _ if self.take("-Infinity").is_some() => Some(PyValue::Float(f64::NEG_INFINITY)),
            _ => self.number(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<PyValue> {
        let mut members = BTreeMap::new();
        self.take("{")?;
        self.skip_space();
        if self.take("}").is_some() {
            return Some(PyValue::Dict(members));
        }
        loop {
            let key = self.string()?;
            self.skip_space();
            self.take(":")?;
            self.skip_space();
            let value = self.value(depth + 1)?;
            members.insert(key, value);
            self.skip_space();
            if self.take("}").is_some() {
                return Some(PyValue::Dict(members));
            }
            self.take(",")?;
            self.skip_space();
        }
    }

    fn array(&mut self, depth: usize) -> Option<PyValue> {
        let mut items = Vec::new();
        self.take("[")?;
        self.skip_space();
        if self.take("]").is_some() {
            return Some(PyValue::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take("]").is_some() {
                return Some(PyValue::List(items));
            }
            self.take(",")?;
            self.skip_space();
        }
    }

    /// How many digits begin at `at`.
    fn digits(&self, at: usize) -> usize {
        self.bytes[at.min(self.bytes.len())..].iter().take_while(|b| b.is_ascii_digit()).count()
    }

    fn number(&mut self) -> Option<PyValue> {
        let start = self.at;
        let minus = usize::from(self.peek() == Some(b'-'));
        let integer = match self.bytes.get(start + minus)? {
            b'0' => 1,
            _ => self.digits(start + minus),
        };
        if integer == 0 {
            return None;
        }
        let mut end = start + minus + integer;
        let mut float = false;
        if self.bytes.get(end) == Some(&b'.') && self.digits(end + 1) > 0 {
            (end, float) = (end + 1 + self.digits(end + 1), true);
        }
        if matches!(self.bytes.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = self.digits(end + 1 + sign);
            if digits > 0 {
                (end, float) = (end + 1 + sign + digits, true);
            }
        }
        self.at = end;
        let text = std::str::from_utf8(&self.bytes[start..end]).ok()?;
        if float {
            return text.parse().ok().map(PyValue::Float);
        }
        let number = if text == "-0" { "0" } else { text };
        (integer <= MOST_DIGITS).then(|| PyValue::Int(number.to_owned()))
    }

    fn string(&mut self) -> Option<Vec<u16>> {
        self.take("\"")?;
        let mut out = Vec::new();
        loop {
            let plain = self.bytes[self.at..].iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..=0x1f)).count();
            let text = std::str::from_utf8(&self.bytes[self.at..self.at + plain]).ok()?;
            out.extend(text.encode_utf16());
            self.at += plain;
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(out);
                }
                b'\\' => out.push(self.escape()?),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let letter = *self.bytes.get(self.at + 1)?;
        self.at += 2;
        let plain = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let hex = self.bytes.get(self.at..self.at + 4)?;
                self.at += 4;
                let all = hex.iter().all(u8::is_ascii_hexdigit);
                return all.then(|| u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok())?;
            }
            _ => return None,
        };
        Some(u16::from(plain))
    }
}
