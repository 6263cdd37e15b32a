//! Writes GGUF version 3: header, keys in the order given, tensor table, bytes at 32-byte steps.

use std::io::{self, Write};
use std::path::Path;

use bantam_core::{Error, Result, files};

use super::keys::{List, Value};
use super::package;
use super::reader::type_number;
use crate::tensor::DType;

/// ggml's default alignment; files that keep it need no `general.alignment`.
const ALIGNMENT: usize = 32;

/// A tensor to be written; its bytes are made when their turn comes, so that one tensor at a time is held twice.
pub struct Tensor<'a> {
    /// GGUF's name.
    pub name: String,
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// Number format.
    pub dtype: DType,
    /// Makes the bytes; their number must be [`DType::bytes_for`] the shape.
    pub bytes: Box<dyn Fn() -> Result<Vec<u8>> + 'a>,
}

/// Writes a GGUF; the file appears whole or not at all. A path that ends in `.zst` is compressed ([`super::package`]).
pub fn write(path: &Path, keys: &[(String, Value)], tensors: &[Tensor<'_>]) -> Result<()> {
    let sizes = tensors.iter().map(|t| {
        t.dtype.bytes_for(&t.shape).ok_or_else(|| {
            Error::internal("gguf::write", format!("`{}` {:?} does not fit {}", t.name, t.shape, t.dtype.name()))
        })
    });
    let sizes = sizes.collect::<Result<Vec<usize>>>()?;
    if !package::is_package(path) {
        return files::write_with(path, |out| write_to(out, keys, tensors, &sizes));
    }
    let mut gguf = Vec::new();
    write_to(&mut gguf, keys, tensors, &sizes).map_err(|e| Error::io(path, "write", &e))?;
    package::write(path, &gguf)
}

fn write_to(out: &mut impl Write, keys: &[(String, Value)], tensors: &[Tensor<'_>], sizes: &[usize]) -> io::Result<()> {
    let head = head(keys, tensors, sizes);
    out.write_all(&head)?;
    pad(out, head.len())?;
    for (tensor, &size) in tensors.iter().zip(sizes) {
        let bytes = (tensor.bytes)().map_err(io::Error::other)?;
        if bytes.len() != size {
            return Err(io::Error::other(format!("`{}` gave {} bytes of {size}", tensor.name, bytes.len())));
        }
        out.write_all(&bytes)?;
        pad(out, size)?;
    }
    Ok(())
}

fn pad(out: &mut impl Write, written: usize) -> io::Result<()> {
    out.write_all(&[0; ALIGNMENT][..written.next_multiple_of(ALIGNMENT) - written])
}

fn head(keys: &[(String, Value)], tensors: &[Tensor<'_>], sizes: &[usize]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(b"GGUF");
    out.extend(3u32.to_le_bytes());
    out.extend((tensors.len() as u64).to_le_bytes());
    out.extend((keys.len() as u64).to_le_bytes());
    for (key, value) in keys {
        put_text(&mut out, key);
        put_value(&mut out, value);
    }
    let mut offset = 0;
    for (tensor, size) in tensors.iter().zip(sizes) {
        put_text(&mut out, &tensor.name);
        out.extend((tensor.shape.len() as u32).to_le_bytes());
        // Innermost first.
        tensor.shape.iter().rev().for_each(|&d| out.extend((d as u64).to_le_bytes()));
        out.extend(type_number(tensor.dtype).to_le_bytes());
        out.extend((offset as u64).to_le_bytes());
        offset += size.next_multiple_of(ALIGNMENT);
    }
    out
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn put_value(out: &mut Vec<u8>, value: &Value) {
    let mut put = |kind: u32, bytes: &[u8]| {
        out.extend(kind.to_le_bytes());
        out.extend(bytes);
    };
    match value {
        Value::U8(v) => put(0, &v.to_le_bytes()),
        Value::I8(v) => put(1, &v.to_le_bytes()),
        Value::U16(v) => put(2, &v.to_le_bytes()),
        Value::I16(v) => put(3, &v.to_le_bytes()),
        Value::U32(v) => put(4, &v.to_le_bytes()),
        Value::I32(v) => put(5, &v.to_le_bytes()),
        Value::F32(v) => put(6, &v.to_le_bytes()),
        Value::Bool(v) => put(7, &[u8::from(*v)]),
        Value::U64(v) => put(10, &v.to_le_bytes()),
        Value::I64(v) => put(11, &v.to_le_bytes()),
        Value::F64(v) => put(12, &v.to_le_bytes()),
        Value::Text(text) => {
            put(8, &[]);
            put_text(out, text);
        }
        Value::List(list) => {
            put(9, &[]);
            put_list(out, list);
        }
    }
}

fn put_list(out: &mut Vec<u8>, list: &List) {
    match list {
        List::Texts(texts) => {
            out.extend(8u32.to_le_bytes());
            out.extend((texts.len() as u64).to_le_bytes());
            texts.iter().for_each(|t| put_text(out, t));
        }
        List::Integers { kind, values } => {
            let size = match kind {
                0 | 1 | 7 => 1,
                2 | 3 => 2,
                4 | 5 => 4,
                _ => 8,
            };
            out.extend(kind.to_le_bytes());
            out.extend((values.len() as u64).to_le_bytes());
            values.iter().for_each(|v| out.extend(&v.to_le_bytes()[..size]));
        }
        List::Floats { kind, values } => {
            out.extend(kind.to_le_bytes());
            out.extend((values.len() as u64).to_le_bytes());
            for v in values {
                if *kind == 6 { out.extend((*v as f32).to_le_bytes()) } else { out.extend(v.to_le_bytes()) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back() {
        let keys = vec![
            ("general.architecture".to_owned(), Value::Text("llama".into())),
            ("a.u8".into(), Value::U8(200)),
            ("a.i8".into(), Value::I8(-3)),
            ("a.u16".into(), Value::U16(60_000)),
            ("a.i16".into(), Value::I16(-30_000)),
            ("a.u32".into(), Value::U32(4_000_000_000)),
            ("a.i32".into(), Value::I32(-7)),
            ("a.u64".into(), Value::U64(u64::MAX)),
            ("a.i64".into(), Value::I64(i64::MIN)),
            ("a.f32".into(), Value::F32(1.5)),
            ("a.f64".into(), Value::F64(-2.25)),
            ("a.bool".into(), Value::Bool(true)),
            ("a.texts".into(), List::texts(vec!["é".into(), String::new()])),
            ("a.i32s".into(), List::i32s([-1, 0, 2_000_000_000])),
            ("a.u8s".into(), Value::List(List::Integers { kind: 0, values: vec![0, 255] })),
            ("a.f32s".into(), Value::List(List::Floats { kind: 6, values: vec![0.5, -0.0] })),
            ("a.f64s".into(), Value::List(List::Floats { kind: 12, values: vec![1e300] })),
        ];
        let tensors = [
            Tensor { name: "x".into(), shape: vec![3], dtype: DType::F32, bytes: Box::new(|| Ok(vec![7; 12])) },
            Tensor { name: "y".into(), shape: vec![2, 32], dtype: DType::Q8_0, bytes: Box::new(|| Ok(vec![9; 68])) },
        ];
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        write(&path, &keys, &tensors).unwrap();
        let file = std::fs::read(&path).unwrap();
        let read = crate::gguf::parse(&file, "a.gguf").unwrap();
        assert_eq!(read.keys, keys.into_iter().collect());
        for (tensor, info) in tensors.iter().zip(&read.tensors) {
            assert_eq!((&info.name, &info.shape, info.dtype), (&tensor.name, &tensor.shape, tensor.dtype));
            assert_eq!(file[info.range.clone()], (tensor.bytes)().unwrap()[..]);
            assert_eq!(info.range.start % ALIGNMENT, 0);
        }
    }

    #[test]
    fn a_tensor_of_the_wrong_length_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf");
        let tensor =
            Tensor { name: "x".into(), shape: vec![3], dtype: DType::F32, bytes: Box::new(|| Ok(vec![7; 11])) };
        assert!(write(&path, &[], &[tensor]).is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
