//! A model's tensors in mapped files: found by Hugging Face name, checked against the config before any use.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::ops::Range;
use std::path::Path;

use bantam_core::{Error, Result};
use memmap2::Mmap;

use crate::config::{Architecture, ModelConfig, USE_A_KNOWN_ONE};
use crate::gguf::package;
use crate::mixer::MixerConfig;
use crate::tensor::{DType, EMBEDDING, OUTPUT, TensorData};

/// How a stored tensor stands to the matrix `[out, in]` with rows in the order Hugging Face gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// The same.
    HuggingFace,
    /// Stored as `[in, out]`; only floats are.
    Turned,
    /// GGUF's `llama` layout of q and k: in each of so many heads the two halves are interleaved, so that row 2j of a head is
    /// Hugging Face's row j and row 2j + 1 its row j + head_dim / 2.
    InterleavedHalves {
        /// Heads among which the rows are divided.
        heads: usize,
    },
    /// Hugging Face's layout of q and k where only the first `rotated` rows of each head take part in rotation: the pairs among these are
    /// (i, i + rotated / 2), and elsewhere in Bantam (i, i + head_dim / 2), the pairs that do not rotate being the last ones.
    PartialHalves {
        /// Rows of a head.
        head_dim: usize,
        /// Those of them that rotate.
        rotated: usize,
    },
    /// f32 stored as `-exp` of what it is: llama.cpp's form of Mamba-2's `A_log`.
    NegatedExponential,
}

impl RowOrder {
    /// Where row `row` of the order that Bantam gives lies in a matrix of `rows` rows.
    fn stored(self, row: usize, rows: usize) -> usize {
        match self {
            Self::HuggingFace | Self::Turned | Self::NegatedExponential => row,
            Self::InterleavedHalves { heads } => interleaved_row(row, rows / heads),
            Self::PartialHalves { head_dim, rotated } => partial_row(row, head_dim, rotated),
        }
    }

    /// A tensor's values as they are stored, those of a matrix with its rows where they are stored.
    pub fn put_in_order(self, values: &[f32], rows: usize) -> Cow<'_, [f32]> {
        if self == Self::NegatedExponential {
            return values.iter().map(|v| -v.exp()).collect();
        }
        let width = values.len() / rows;
        match self {
            Self::HuggingFace => return Cow::Borrowed(values),
            Self::Turned => return (0..values.len()).map(|i| values[i % rows * width + i / rows]).collect(),
            _ => {}
        }
        let mut out = vec![0.0; values.len()];
        for (row, values) in values.chunks_exact(width).enumerate() {
            out[self.stored(row, rows) * width..][..width].copy_from_slice(values);
        }
        Cow::Owned(out)
    }
}

/// Where one tensor lies. `range` is within the file, and its length fits dtype and shape.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub file: usize,
    pub range: Range<usize>,
    pub dtype: DType,
    pub shape: Vec<usize>,
    pub rows: RowOrder,
}

/// A file's bytes.
pub(crate) struct MappedFile {
    bytes: FileBytes,
    /// Length on disk.
    stored: u64,
}

enum FileBytes {
    Mapped(Mmap),
    /// Decompressed from a package.
    Unpacked(Vec<u8>),
}

impl MappedFile {
    pub fn open(path: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| Error::io(path, "read", &e);
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(Error::input(path.display(), "not a file", "give a model file"));
        }
        // SAFETY: the map is only read, through slices whose bounds were checked against its length. What no program can rule out is
        // that another process shortens the file meanwhile; Bantam itself replaces files by renaming, which leaves the map whole.
        let bytes = unsafe { Mmap::map(&file) }.map_err(failed)?;
        Ok(Self { stored: bytes.len() as u64, bytes: FileBytes::Mapped(bytes) })
    }

    /// As [`open`](Self::open); a package's content is decompressed into memory.
    pub fn open_unpacked(path: &Path) -> Result<Self> {
        let file = Self::open(path)?;
        if !package::is_compressed(file.bytes()) {
            return Ok(file);
        }
        let bytes = package::read(file.bytes(), &path.display().to_string())?;
        Ok(Self { stored: file.stored, bytes: FileBytes::Unpacked(bytes) })
    }

    /// The content.
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            FileBytes::Mapped(map) => map,
            FileBytes::Unpacked(bytes) => bytes,
        }
    }
}

/// The tensors of one model and the files they lie in.
pub(crate) struct Weights {
    files: Vec<MappedFile>,
    tensors: HashMap<String, Stored>,
}

impl Weights {
    /// Takes tensors found in `files` if they are just those that `config` asks for, each in the right shape.
    /// `place` names the model in errors.
    pub fn new(
        files: Vec<MappedFile>,
        mut tensors: HashMap<String, Stored>,
        config: &ModelConfig,
        place: &str,
    ) -> Result<Self> {
        // Bounds the names made below by what the files really hold.
        if config.num_hidden_layers > tensors.len() {
            return Err(Error::input(
                format!("{place}: num_hidden_layers"),
                format!("{} layers claimed, only {} tensors present", config.num_hidden_layers, tensors.len()),
                "config and weights do not belong together, or the file is damaged",
            ));
        }
        let units = |layer| if let MixerConfig::Gru { layers, .. } = config.mixer(layer) { layers } else { 0 };
        if (0..config.num_hidden_layers).map(units).sum::<usize>() > tensors.len() {
            return Err(Error::input(
                format!("{place}: mixers"),
                format!("more layers of gru claimed than the {} tensors present", tensors.len()),
                "config and weights do not belong together, or the file is damaged",
            ));
        }
        if config.tie_word_embeddings {
            // Some writers store the tied matrix twice.
            tensors.remove(OUTPUT);
        }
        // Older files keep the rotary table, or GPT-2's causal mask, which the config determines.
        let unused = match config.architecture {
            Architecture::Gpt2 => &[".attn.bias", ".attn.masked_bias"][..],
            _ => &[".rotary_emb.inv_freq"],
        };
        tensors.retain(|name, _| !unused.iter().any(|end| name.ends_with(end)));
        let specs = config.tensor_specs();
        for spec in &specs {
            let at = || format!("{place}: {}", spec.name);
            let Some(stored) = tensors.get(&spec.name) else {
                return Err(Error::input(at(), "tensor missing", "restore the weights, or correct config.json"));
            };
            if stored.shape != spec.shape {
                return Err(Error::input(
                    at(),
                    format!("shape {:?} where the config asks for {:?}", stored.shape, spec.shape),
                    "config and weights do not belong together",
                ));
            }
        }
        // Blocks along a vector could not be put in another order, and no tool writes them.
        if let Some((name, _)) = tensors.iter().find(|(_, t)| t.shape.len() == 1 && t.dtype.is_blocks()) {
            return Err(Error::input(
                format!("{place}: {name}"),
                "a vector in a block format",
                "convert the model again",
            ));
        }
        if tensors.len() > specs.len() {
            let known: std::collections::HashSet<&str> = specs.iter().map(|s| s.name.as_str()).collect();
            let unknown = tensors.keys().filter(|name| !known.contains(name.as_str())).min();
            return Err(Error::input(
                format!("{place}: {}", unknown.map_or("", String::as_str)),
                "a tensor that the config has no place for",
                USE_A_KNOWN_ONE,
            ));
        }
        Ok(Self { files, tensors })
    }

    /// One tensor with its rows in Hugging Face's order.
    pub fn tensor(&self, name: &str) -> Result<TensorData<'_>> {
        // A tied output is the embedding, under either name.
        let stored = self.tensors.get(name).or_else(|| self.tensors.get(EMBEDDING).filter(|_| name == OUTPUT));
        let stored =
            stored.ok_or_else(|| Error::internal("formats::weights", format!("the model has no tensor `{name}`")))?;
        let bytes = &self.files[stored.file].bytes()[stored.range.clone()];
        let bytes = match stored.rows {
            RowOrder::HuggingFace => Cow::Borrowed(bytes),
            RowOrder::Turned => Cow::Owned(turned(bytes, stored.shape[0], stored.shape[1])),
            RowOrder::NegatedExponential => {
                let value = |b: &[u8; 4]| (-f32::from_le_bytes(*b)).ln().to_le_bytes();
                Cow::Owned(bytes.as_chunks::<4>().0.iter().flat_map(value).collect())
            }
            order @ (RowOrder::InterleavedHalves { .. } | RowOrder::PartialHalves { .. }) => {
                let rows = stored.shape[0];
                let row = bytes.len() / rows;
                let mut out = Vec::with_capacity(bytes.len());
                for to in 0..rows {
                    out.extend_from_slice(&bytes[order.stored(to, rows) * row..][..row]);
                }
                Cow::Owned(out)
            }
        };
        Ok(TensorData { dtype: stored.dtype, shape: stored.shape.clone(), bytes })
    }

    /// Length of all files together, as they lie on disk.
    pub fn bytes_on_disk(&self) -> u64 {
        self.files.iter().map(|f| f.stored).sum()
    }

    /// Number format of a tensor without reading it.
    pub fn dtype(&self, name: &str) -> Option<DType> {
        self.tensors.get(name).map(|s| s.dtype)
    }
}

/// A matrix `[out, in]` of plain numbers from its transpose, or the other way round with the sizes exchanged. As many numbers as
/// `bytes` holds; their size follows from it.
fn turned(bytes: &[u8], out: usize, into: usize) -> Vec<u8> {
    let size = bytes.len() / (out * into).max(1);
    let mut result = Vec::with_capacity(bytes.len());
    for row in 0..out {
        for column in 0..into {
            result.extend_from_slice(&bytes[(column * out + row) * size..][..size]);
        }
    }
    result
}

/// Where Hugging Face's row `row` lies when the halves of every head of `head_dim` rows are interleaved.
fn interleaved_row(row: usize, head_dim: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let half = head_dim / 2;
    head * head_dim + 2 * (within % half) + within / half
}

/// Where a row whose pair is `head_dim / 2` away lies when pairs are `rotated / 2` apart among the first `rotated` rows of each head.
fn partial_row(row: usize, head_dim: usize, rotated: usize) -> usize {
    let (head, within) = (row / head_dim, row % head_dim);
    let (pair, second) = (within % (head_dim / 2), within / (head_dim / 2));
    let place = match pair.checked_sub(rotated / 2) {
        None => pair + second * (rotated / 2),
        Some(still) => rotated + still + second * (head_dim - rotated) / 2,
    };
    head * head_dim + place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_that_rotates_in_part_has_its_pairs_half_a_head_apart() {
        let stored: Vec<usize> = (0..16).map(|row| partial_row(row, 8, 4)).collect();
        assert_eq!(stored, [0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15]);
        assert!((0..16).all(|row| partial_row(row, 8, 8) == row));
    }

    #[test]
    fn turning_twice_gives_the_matrix_back() {
        let bytes: Vec<u8> = (0..24).collect();
        assert_eq!(
            turned(&bytes, 3, 4),
            [0, 1, 6, 7, 12, 13, 18, 19, 2, 3, 8, 9, 14, 15, 20, 21, 4, 5, 10, 11, 16, 17, 22, 23]
        );
        assert_eq!(turned(&turned(&bytes, 3, 4), 4, 3), bytes);
    }

    #[test]
    fn interleaving_is_what_convert_hf_to_gguf_does() {
        // numpy: arange(16).reshape(2, 2, 4).swapaxes(1, 2).reshape(16)
        let interleaved = [0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15];
        for (to, from) in interleaved.into_iter().enumerate() {
            assert_eq!(interleaved_row(from, 8), to);
        }
    }
}
