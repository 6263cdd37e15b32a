//! Safetensors files: where each tensor lies, checked against the file, and writing.

use std::io::Write;
use std::ops::Range;
use std::path::Path;

use bantam_core::{Error, Result};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};

use crate::tensor::{DType, f32_bytes};

const REMEDY: &str = "the file is damaged: restore it from its origin";
/// The format's own limit of the header.
const MAX_HEADER: usize = 100_000_000;

/// One tensor's place in a file.
pub(crate) struct Place {
    pub name: String,
    pub dtype: DType,
    pub shape: Vec<usize>,
    /// Byte range in the whole file.
    pub range: Range<usize>,
}

/// Reads the header of a whole file in memory. Every range returned lies in `file` and fits shape and dtype;
/// ranges do not overlap and leave no gap.
pub(crate) fn read_header(file: &[u8], path: &Path) -> Result<Vec<Place>> {
    let wrong = |what: String| Error::input(path.display(), what, REMEDY);
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(wrong(format!("{} bytes are too few for a safetensors header", file.len())));
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length)
        .ok()
        .filter(|&n| n <= MAX_HEADER)
        .and_then(|n| rest.get(..n))
        .ok_or_else(|| wrong(format!("the header claims {length} bytes, the file has {}", rest.len())))?;
    let start = 8 + header.len();
    // The crate checks order, overlap, gaps and that every range fits shape and dtype; the end is checked here.
    let metadata: Metadata = serde_json::from_slice(header).map_err(|e| wrong(format!("safetensors header: {e}")))?;
    if metadata.data_len() != file.len() - start {
        return Err(wrong(format!(
            "the header claims {} bytes of tensors, the file has {}",
            metadata.data_len(),
            file.len() - start
        )));
    }
    let mut places = Vec::new();
    for name in metadata.offset_keys() {
        let Some(info) = metadata.info(&name) else { continue };
        let dtype = match info.dtype {
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            other => {
                return Err(Error::input(
                    format!("{}: {name}", path.display()),
                    format!("dtype {other:?} is not supported"),
                    "use F32, F16 or BF16 weights",
                ));
            }
        };
        let (from, to) = info.data_offsets;
        places.push(Place { dtype, shape: info.shape.clone(), range: start + from..start + to, name });
    }
    Ok(places)
}

/// Writes a safetensors file of f32 tensors, in name order, with the metadata transformers asks for.
pub(crate) fn write(path: &Path, tensors: &[(String, Vec<usize>, Vec<f32>)]) -> Result<()> {
    let mut ordered: Vec<_> = tensors.iter().collect();
    ordered.sort_by(|a, b| a.0.cmp(&b.0));
    let mut end = 0;
    let infos = ordered.iter().map(|(name, shape, data)| {
        let start = end;
        end += 4 * data.len();
        (name.clone(), TensorInfo { dtype: Dtype::F32, shape: shape.clone(), data_offsets: (start, end) })
    });
    let metadata = Metadata::new(Some([("format".to_owned(), "pt".to_owned())].into()), infos.collect())
        .map_err(|e| Error::internal("safetensors", e))?;
    let mut header = serde_json::to_vec(&metadata).map_err(|e| Error::internal("safetensors", e))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    bantam_core::files::write_with(path, |out| {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        ordered.iter().try_for_each(|(_, _, data)| out.write_all(&f32_bytes(data)))
    })
}
