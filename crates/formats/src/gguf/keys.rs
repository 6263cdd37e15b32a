//! Values of GGUF's key-value part.

/// A value of the key-value part.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// 8 bits, unsigned.
    U8(u8),
    /// 8 bits, signed.
    I8(i8),
    /// 16 bits, unsigned.
    U16(u16),
    /// 16 bits, signed.
    I16(i16),
    /// 32 bits, unsigned.
    U32(u32),
    /// 32 bits, signed.
    I32(i32),
    /// 32-bit float.
    F32(f32),
    /// True or false, one byte.
    Bool(bool),
    /// UTF-8 text.
    Text(String),
    /// A list of values of one kind.
    List(List),
    /// 64 bits, unsigned.
    U64(u64),
    /// 64 bits, signed.
    I64(i64),
    /// 64-bit float.
    F64(f64),
}

/// A list of values of one kind. Lists of lists do not occur.
#[derive(Clone, Debug, PartialEq)]
pub enum List {
    /// Any kind of integer, and booleans as 0 and 1; `kind` is the number GGUF gives to the kind.
    Integers {
        /// GGUF's number of the kind.
        kind: u32,
        /// The values.
        values: Vec<i64>,
    },
    /// Floats; `kind` is GGUF's number (6 or 12).
    Floats {
        /// GGUF's number of the kind.
        kind: u32,
        /// The values.
        values: Vec<f64>,
    },
    /// Texts.
    Texts(Vec<String>),
}

impl List {
    /// A list of texts.
    pub fn texts(values: Vec<String>) -> Value {
        Value::List(Self::Texts(values))
    }

    /// A list of 32-bit signed integers.
    pub fn i32s(values: impl IntoIterator<Item = i32>) -> Value {
        Value::List(Self::Integers { kind: 5, values: values.into_iter().map(i64::from).collect() })
    }
}

impl Value {
    /// The value as an unsigned integer, whatever the width it was written with.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::U8(v) => Some(v.into()),
            Self::U16(v) => Some(v.into()),
            Self::U32(v) => Some(v.into()),
            Self::U64(v) => Some(v),
            Self::I8(v) => v.try_into().ok(),
            Self::I16(v) => v.try_into().ok(),
            Self::I32(v) => v.try_into().ok(),
            Self::I64(v) => v.try_into().ok(),
            _ => None,
        }
    }

    /// The value as a float.
    pub fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::F32(v) => Some(v.into()),
            Self::F64(v) => Some(v),
            _ => None,
        }
    }

    /// The value as a text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(v) => Some(v),
            _ => None,
        }
    }

    /// The value as true or false.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(v) => Some(v),
            _ => None,
        }
    }

    /// What it is, for error messages.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::U8(_) | Self::U16(_) | Self::U32(_) | Self::U64(_) => "an unsigned integer",
            Self::I8(_) | Self::I16(_) | Self::I32(_) | Self::I64(_) => "a signed integer",
            Self::F32(_) | Self::F64(_) => "a float",
            Self::Bool(_) => "true or false",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
        }
    }
}
