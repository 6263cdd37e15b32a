//! Documents of vectors in a file: one safetensors file, as any tool that has the vectors can write it.
//!
//! `vectors` `[N, size]` (F32, F16 or BF16), `documents` `[N]` (I32 or I64): which document each vector is of, those of one document
//! together and in order; and perhaps `domains` `[N]` (I32 or I64): a code for each, such as the document's source.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use bantam_core::{Error, Result, files};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::tensor::DType;

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorFile {
    /// Components of a vector.
    pub size: usize,
    /// The vectors, one after the other.
    pub values: Vec<f32>,
    /// The vectors of each document.
    pub documents: Vec<Range<usize>>,
    /// A code for each vector; empty where the file has none.
    pub domains: Vec<u32>,
}

const REMEDY: &str = "give a safetensors file with `vectors` [N, size], `documents` [N] and perhaps `domains` [N]";

impl VectorFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Tensors that are missing or of other shapes and types; values that are no numbers; a document that stands in two places; codes
    /// below 0 or above 65,535.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = files::read(path)?;
        let wrong = |what: String| Error::input(path.display(), what, REMEDY);
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
        let tensor = |name: &str| file.tensor(name).map_err(|_| wrong(format!("it has no `{name}`")));
        let vectors = tensor("vectors")?;
        let &[count, size] = vectors.shape() else { return Err(wrong("`vectors` is no matrix".into())) };
        if count == 0 || size == 0 {
            return Err(wrong("there are no vectors in it".into()));
        }
        let values = floats(&vectors).ok_or_else(|| wrong("`vectors` are not F32, F16 or BF16".into()))?;
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(wrong(format!("component {} of vector {} is {}", at % size, at / size, values[at])));
        }
        let per_vector = |name: &str| {
            let whole = whole_numbers(&tensor(name)?).filter(|n| n.len() == count);
            whole.ok_or_else(|| wrong(format!("`{name}` is not a whole number for each of {count} vectors")))
        };
        let numbers = per_vector("documents")?;
        let mut documents: Vec<Range<usize>> = Vec::new();
        let mut before = HashSet::new();
        for (at, number) in numbers.iter().enumerate() {
            match documents.last_mut() {
                Some(last) if numbers[last.start] == *number => last.end = at + 1,
                _ if !before.insert(*number) => return Err(wrong(format!("document {number} stands in two places"))),
                _ => documents.push(at..at + 1),
            }
        }
        let domains = match file.tensor("domains") {
            Ok(_) => per_vector("domains")?,
            Err(_) => Vec::new(),
        };
        let code = |d: &i64| u16::try_from(*d).map(u32::from);
        let domains = domains.iter().map(code).collect::<std::result::Result<_, _>>();
        let domains = domains.map_err(|_| wrong("a domain is not between 0 and 65535".into()))?;
        Ok(Self { size, values, documents, domains })
    }
}

fn floats(tensor: &TensorView<'_>) -> Option<Vec<f32>> {
    let dtype = match tensor.dtype() {
        Dtype::F32 => DType::F32,
        Dtype::F16 => DType::F16,
        Dtype::BF16 => DType::BF16,
        _ => return None,
    };
    let mut values = vec![0f32; tensor.shape().iter().product()];
    dtype.dequantize(tensor.data(), &mut values);
    Some(values)
}

fn whole_numbers(tensor: &TensorView<'_>) -> Option<Vec<i64>> {
    if tensor.shape().len() != 1 {
        return None;
    }
    let bytes = tensor.data();
    match tensor.dtype() {
        Dtype::I64 => Some(bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect()),
        Dtype::I32 => Some(bytes.as_chunks::<4>().0.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of three vectors of two components with these documents and, perhaps, domains.
    fn written(documents: &[i64], domains: Option<&[i32]>, first: f32) -> Result<VectorFile> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("v.safetensors");
        let values: Vec<u8> = [first, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let documents: Vec<u8> = documents.iter().flat_map(|v| v.to_le_bytes()).collect();
        let domains: Option<Vec<u8>> = domains.map(|d| d.iter().flat_map(|v| v.to_le_bytes()).collect());
        let mut tensors = vec![
            ("vectors", TensorView::new(Dtype::F32, vec![3, 2], &values).unwrap()),
            ("documents", TensorView::new(Dtype::I64, vec![documents.len() / 8], &documents).unwrap()),
        ];
        if let Some(domains) = &domains {
            tensors.push(("domains", TensorView::new(Dtype::I32, vec![domains.len() / 4], domains).unwrap()));
        }
        std::fs::write(&path, safetensors::serialize(tensors, None).unwrap()).unwrap();
        VectorFile::read(&path)
    }

    #[test]
    fn documents_are_runs_of_their_number_and_mistakes_are_named() {
        let file = written(&[7, 7, 3], Some(&[0, 0, 2]), 1.0).unwrap();
        assert_eq!((file.size, &file.values[..2], &file.domains[..]), (2, &[1.0, 2.0][..], &[0, 0, 2][..]));
        assert_eq!(file.documents, [0..2, 2..3]);
        assert_eq!(written(&[1, 2, 3], None, 1.0).unwrap().domains, Vec::<u32>::new());
        for (result, told) in [
            (written(&[1, 2, 1], None, 1.0), "document 1 stands in two places"),
            (written(&[1, 2], None, 1.0), "`documents` is not a whole number for each of 3"),
            (written(&[1, 1, 1], Some(&[0, 0, -1]), 1.0), "a domain is not between"),
            (written(&[1, 1, 1], None, f32::NAN), "component 0 of vector 0 is NaN"),
        ] {
            let e = result.unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(told), "{e}");
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"nothing").unwrap();
        assert_eq!(VectorFile::read(&path).unwrap_err().exit_code(), 2);
    }
}
