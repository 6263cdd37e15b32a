//! A GGUF's header, keys and tensor table, checked against the length of the file.

use std::collections::HashMap;
use std::ops::Range;

use bantam_core::{Error, Result};

use super::keys::{List, Value};
use crate::tensor::DType;

/// What stands in a GGUF before its tensors' bytes, and where those lie.
#[derive(Clone, Debug)]
pub struct Contents {
    /// Keys and values; keys are unique.
    pub keys: HashMap<String, Value>,
    /// Tensors in the order of the file; names are unique.
    pub tensors: Vec<TensorInfo>,
}

/// One tensor of a GGUF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// GGUF's name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Sizes, outermost first (the file writes them innermost first).
    pub shape: Vec<usize>,
    /// Number format.
    pub dtype: DType,
    /// Byte range in the whole file; inside it, and of the length that shape and format ask for.
    pub range: Range<usize>,
}

const DAMAGED: &str = "the file is damaged or not a GGUF: restore it from its origin";
/// ggml's limit of dimensions.
const MAX_DIMENSIONS: u32 = 4;
/// Longest name of a key or tensor.
const MAX_NAME: usize = 65_535;

/// Parses a whole GGUF in memory; `place` names the file in errors.
pub fn parse(file: &[u8], place: &str) -> Result<Contents> {
    Reader { file, at: 0, place, key: String::new() }.contents()
}

struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    place: &'a str,
    /// The key whose value is being read, for error messages.
    key: String,
}

impl<'a> Reader<'a> {
    fn contents(mut self) -> Result<Contents> {
        if self.take(4)? != b"GGUF" {
            self.at = 0;
            return Err(self.wrong("the file does not begin with GGUF"));
        }
        let version = self.u32()?;
        if version.swap_bytes() == 2 || version.swap_bytes() == 3 {
            return Err(Error::input(self.place, "a big-endian GGUF", "convert the model to a little-endian GGUF"));
        }
        if version != 2 && version != 3 {
            let what = format!("GGUF version {version} is not supported");
            return Err(Error::input(self.place, what, "convert the model to GGUF version 3"));
        }
        // The least a tensor takes: name length, dimension count, one dimension, type, offset. The least a key takes: length, kind, one byte.
        let tensor_count = self.count(8 + 4 + 8 + 4 + 8, "tensors")?;
        let key_count = self.count(8 + 4 + 1, "keys")?;
        let mut keys = HashMap::new();
        for _ in 0..key_count {
            let key = self.text("key", MAX_NAME)?;
            self.key = format!(" (in key `{}`)", shortened(&key));
            let kind = self.u32()?;
            let value = self.value(kind)?;
            self.key.clear();
            if keys.insert(key.clone(), value).is_some() {
                return Err(self.wrong(&format!("the key `{}` stands twice", shortened(&key))));
            }
        }
        let alignment = match keys.get("general.alignment") {
            None => 32,
            Some(v) => match v.as_u64().and_then(|n| usize::try_from(n).ok()) {
                Some(n) if n.is_power_of_two() && n <= 1 << 20 => n,
                _ => return Err(self.wrong("general.alignment is not a power of two")),
            },
        };
        let tensors = self.tensors(tensor_count, alignment)?;
        Ok(Contents { keys, tensors })
    }

    /// The tensor table. As in ggml, each tensor begins where the one before it ended, rounded up to the alignment.
    fn tensors(&mut self, count: usize, alignment: usize) -> Result<Vec<TensorInfo>> {
        struct Entry {
            name: String,
            shape: Vec<usize>,
            dtype: DType,
            offset: u64,
        }
        let mut entries = Vec::new();
        let mut names = std::collections::HashSet::new();
        for _ in 0..count {
            let name = self.text("tensor name", MAX_NAME)?;
            if !names.insert(name.clone()) {
                return Err(self.wrong(&format!("the tensor `{}` stands twice", shortened(&name))));
            }
            let dimensions = self.u32()?;
            if dimensions == 0 || dimensions > MAX_DIMENSIONS {
                return Err(self.wrong(&format!("`{}` has {dimensions} dimensions", shortened(&name))));
            }
            let mut shape = Vec::new();
            for _ in 0..dimensions {
                let size = self.u64()?;
                match usize::try_from(size) {
                    Ok(n) if n > 0 => shape.insert(0, n),
                    _ => return Err(self.wrong(&format!("`{}` has a dimension of {size}", shortened(&name)))),
                }
            }
            let kind = self.u32()?;
            let Some(dtype) = dtype_of(kind) else {
                return Err(Error::input(
                    format!("{}: {}", self.place, shortened(&name)),
                    format!("tensor type {} is not supported", type_name(kind)),
                    "use a file in F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K or Q6_K",
                ));
            };
            entries.push(Entry { name, shape, dtype, offset: self.u64()? });
        }
        let start = self.at.next_multiple_of(alignment);
        let available = self.file.len().saturating_sub(start);
        let mut end = 0usize;
        let mut tensors = Vec::new();
        for Entry { name, shape, dtype, offset } in entries {
            let wrong = |what: String| Error::input(format!("{}: {}", self.place, shortened(&name)), what, DAMAGED);
            let begin = end.next_multiple_of(alignment);
            if offset != begin as u64 {
                return Err(wrong(format!(
                    "the tensor's offset is {offset}, the one before it ends so that {begin} is due"
                )));
            }
            let Some(size) = dtype.bytes_for(&shape) else {
                return Err(wrong(format!("shape {shape:?} does not fit {}", dtype.name())));
            };
            end = match begin.checked_add(size) {
                Some(end) if end <= available => end,
                _ => {
                    let what = format!("the tensor takes {size} bytes from {begin}, the file holds {available}");
                    return Err(wrong(what));
                }
            };
            tensors.push(TensorInfo { name, shape, dtype, range: start + begin..start + end });
        }
        Ok(tensors)
    }

    fn value(&mut self, kind: u32) -> Result<Value> {
        Ok(match kind {
            0 => Value::U8(self.bytes::<1>()?[0]),
            1 => Value::I8(i8::from_le_bytes(self.bytes()?)),
            2 => Value::U16(u16::from_le_bytes(self.bytes()?)),
            3 => Value::I16(i16::from_le_bytes(self.bytes()?)),
            4 => Value::U32(self.u32()?),
            5 => Value::I32(i32::from_le_bytes(self.bytes()?)),
            6 => Value::F32(f32::from_le_bytes(self.bytes()?)),
            7 => Value::Bool(self.bool()?),
            8 => Value::Text(self.text("text", usize::MAX)?),
            9 => Value::List(self.list()?),
            10 => Value::U64(self.u64()?),
            11 => Value::I64(i64::from_le_bytes(self.bytes()?)),
            12 => Value::F64(f64::from_le_bytes(self.bytes()?)),
            other => return Err(self.wrong(&format!("value kind {other} does not exist"))),
        })
    }

    fn list(&mut self) -> Result<List> {
        let kind = self.u32()?;
        let size = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            8 | 10..=12 => 8,
            other => return Err(self.wrong(&format!("a list of kind {other}"))),
        };
        let count = self.count(size, "list entries")?;
        if kind == 8 {
            let mut texts = Vec::new();
            for _ in 0..count {
                texts.push(self.text("text", usize::MAX)?);
            }
            return Ok(List::Texts(texts));
        }
        let bytes = self.take(count * size)?.chunks_exact(size);
        let wide = |b: &[u8], sign: bool| {
            let fill = if sign && b.last().is_some_and(|top| top & 0x80 != 0) { 0xff } else { 0 };
            let mut all = [fill; 8];
            all[..b.len()].copy_from_slice(b);
            i64::from_le_bytes(all)
        };
        Ok(match kind {
            6 => List::Floats { kind, values: bytes.map(|b| f32::from_bits(wide(b, false) as u32).into()).collect() },
            12 => List::Floats { kind, values: bytes.map(|b| f64::from_bits(wide(b, false) as u64)).collect() },
            _ => {
                let sign = matches!(kind, 1 | 3 | 5 | 11);
                List::Integers { kind, values: bytes.map(|b| wide(b, sign)).collect() }
            }
        })
    }

    /// A count that cannot exceed what the rest of the file has room for at `least` bytes each.
    fn count(&mut self, least: usize, of: &str) -> Result<usize> {
        let claimed = self.u64()?;
        let room = (self.file.len() - self.at) / least;
        usize::try_from(claimed)
            .ok()
            .filter(|&n| n <= room)
            .ok_or_else(|| self.wrong(&format!("{claimed} {of} are claimed, the file has room for {room}")))
    }

    fn text(&mut self, what: &str, longest: usize) -> Result<String> {
        let claimed = self.u64()?;
        let left = self.file.len() - self.at;
        let length = usize::try_from(claimed).ok().filter(|&n| n <= left && n <= longest);
        let Some(length) = length else {
            return Err(self.wrong(&format!("a {what} of {claimed} bytes is claimed, {left} are left")));
        };
        let start = self.at;
        match std::str::from_utf8(self.take(length)?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => {
                self.at = start;
                Err(self.wrong(&format!("a {what} is not UTF-8")))
            }
        }
    }

    fn bool(&mut self) -> Result<bool> {
        match self.bytes::<1>()?[0] {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.wrong(&format!("a boolean of {other}"))),
        }
    }

    fn u32(&mut self) -> Result<u32> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8]> {
        let Some(taken) = self.file[self.at..].get(..n) else {
            return Err(self.wrong("the file ends here"));
        };
        self.at += n;
        Ok(taken)
    }

    fn wrong(&self, what: &str) -> Error {
        Error::input(format!("{}: byte {}{}", self.place, self.at, self.key), what, DAMAGED)
    }
}

/// GGUF's numbers of the formats Bantam reads.
pub(super) fn type_number(dtype: DType) -> u32 {
    match dtype {
        DType::F32 => 0,
        DType::F16 => 1,
        DType::Q4_0 => 2,
        DType::Q4_1 => 3,
        DType::Q5_0 => 6,
        DType::Q5_1 => 7,
        DType::Q8_0 => 8,
        DType::Q4K => 12,
        DType::Q5K => 13,
        DType::Q6K => 14,
        DType::BF16 => 30,
    }
}

fn dtype_of(kind: u32) -> Option<DType> {
    DType::ALL.into_iter().find(|&d| type_number(d) == kind)
}

/// Names of the formats that Bantam does not read, for error messages.
fn type_name(kind: u32) -> String {
    let name = match kind {
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        15 => "Q8_K",
        16..=23 | 29 => "of the IQ family",
        28 => "F64",
        other => return format!("number {other}"),
    };
    name.into()
}

/// A name for an error message: never longer than a line.
pub(super) fn shortened(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(60).collect()
}
