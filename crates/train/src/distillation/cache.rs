//! A teacher's answers on disk: for every target its likeliest tokens, and what is left for all others together.
//!
//! One safetensors file. Its metadata name teacher, data, temperature, classes and format. `keys` (U8 `[items, 16]`) are
//! the first bytes of SHA-256 over an item's tokens and targets, `starts` (U64 `[items]`) the row of its first target;
//! `tokens` (U32 `[targets, k]`) and `log_p` (F32 `[targets, k + 1]`) the softened log-probabilities, the last of each
//! row that of all other tokens. A target takes `8 k + 4` bytes; the file is held in memory while it is used.

use std::collections::HashMap;
use std::path::Path;

use bantam_core::{Error, Result, files, hash};
use bantam_data::packing::{Batch, Example};
use bantam_model::TokenModel;
use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::objective::Inputs;

const FORMAT: &str = "bantam teacher cache 1";
/// A probability of nothing would make a divergence infinite that the student's f32 cannot even express.
const LEAST: f32 = -27.631;

/// Of what a cache is.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheIdentity {
    /// Hash of the teacher's weights.
    pub teacher_sha256: String,
    /// The temperature.
    pub temperature: f32,
    /// Tokens kept for each target; at most the vocabulary.
    pub top_k: usize,
    /// Tokens that the teacher tells apart.
    pub vocabulary: usize,
}

impl CacheIdentity {
    fn metadata(&self, examples: &[Example]) -> HashMap<String, String> {
        let mut keys: Vec<u8> = examples.iter().flat_map(key_of).collect();
        keys.push(0);
        [
            ("format", FORMAT.to_owned()),
            ("teacher_sha256", self.teacher_sha256.clone()),
            ("data_sha256", hash::bytes(&keys)),
            ("temperature", format!("{:?}", self.temperature)),
            ("top_k", self.top_k.to_string()),
            ("vocabulary", self.vocabulary.to_string()),
        ]
        .map(|(k, v)| (k.to_owned(), v))
        .into()
    }

    /// A file name that tells caches of other teachers, data and settings apart.
    pub fn file_name(&self, examples: &[Example]) -> String {
        let mut parts: Vec<(String, String)> = self.metadata(examples).into_iter().collect();
        parts.sort();
        format!("teacher-{}.safetensors", &hash::bytes(format!("{parts:?}").as_bytes())[..16])
    }
}

/// An opened cache.
#[derive(Debug)]
pub struct Cache {
    top_k: usize,
    starts: HashMap<[u8; 16], usize>,
    tokens: Vec<u32>,
    log_p: Vec<f32>,
}

/// What a teacher said of a batch's targets.
pub struct Said {
    /// `[targets, k]`.
    tokens: Tensor<2, Int>,
    /// `[targets, k + 1]`: of those tokens, and of all others.
    pub log_p: Tensor<2>,
}

impl Said {
    /// A student's log-probabilities `[targets, vocabulary]` as those of the same classes.
    pub fn classes_of(&self, log_q: Tensor<2>) -> Tensor<2> {
        let top = log_q.gather(1, self.tokens.clone());
        let rest = (top.clone().exp().sum_dim(1).neg() + 1.0).clamp_min(LEAST.exp()).log();
        Tensor::cat(vec![top, rest], 1)
    }
}

/// An item by its tokens and which of them are targets.
fn key_of(example: &Example) -> [u8; 16] {
    let targets: Vec<u32> = example.targets().map(|t| t as u32).collect();
    key(&example.tokens, &targets)
}

fn key(tokens: &[u32], targets: &[u32]) -> [u8; 16] {
    let numbers = [&[tokens.len() as u32], tokens, targets].concat();
    let hex = hash::bytes(&numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<u8>>());
    let mut key = [0; 16];
    for (byte, pair) in key.iter_mut().zip(hex.as_bytes().as_chunks::<2>().0) {
        let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
        *byte = digit(pair[0]) << 4 | digit(pair[1]);
    }
    key
}

impl Cache {
    /// Asks `teacher` (on a device without gradients) for every target of `examples`, in batches of `batch_tokens`, and
    /// writes the file.
    pub fn write(
        path: &Path,
        identity: &CacheIdentity,
        teacher: &TokenModel,
        device: &Device,
        examples: &[Example],
        batch_tokens: usize,
    ) -> Result<()> {
        let (mut keys, mut starts, mut tokens, mut log_p) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut targets = 0;
        for example in examples {
            keys.extend(key_of(example));
            starts.push(targets as u64);
            targets += example.targets().count();
        }
        for batch in Batch::all(examples, batch_tokens) {
            let inputs = Inputs::new(&batch, device);
            let logits = teacher.target_logits(inputs.tokens, &inputs.context, &inputs.targets);
            let classes = logits.dims()[1];
            let rows = activation::log_softmax(logits / identity.temperature, 1).into_data();
            let rows: Vec<f32> = rows.try_into_vec().map_err(|e| Error::internal("teacher", format!("{e:?}")))?;
            for row in rows.chunks_exact(classes) {
                keep(row, identity.top_k, &mut tokens, &mut log_p);
            }
        }
        let k = identity.top_k;
        let view = |dtype, shape, bytes| TensorView::new(dtype, shape, bytes).map_err(|e| Error::internal("cache", e));
        let views = [
            ("keys", view(Dtype::U8, vec![examples.len(), 16], &keys)?),
            ("starts", view(Dtype::U64, vec![examples.len()], bytemuck::cast_slice(&starts))?),
            ("tokens", view(Dtype::U32, vec![targets, k], bytemuck::cast_slice(&tokens))?),
            ("log_p", view(Dtype::F32, vec![targets, k + 1], bytemuck::cast_slice(&log_p))?),
        ];
        let bytes = safetensors::serialize(views, Some(identity.metadata(examples)));
        files::write(path, &bytes.map_err(|e| Error::internal("cache", e))?)
    }

    /// Opens a cache and checks that it is of this teacher, these settings and these items.
    ///
    /// # Errors
    /// An input error for a damaged file or another identity.
    pub fn read(path: &Path, identity: &CacheIdentity, examples: &[Example]) -> Result<Self> {
        let bytes = files::read(path)?;
        let wrong = |what: &str| Error::input(path.display(), what, "remove it, and it is made again");
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| wrong(&e.to_string()))?;
        if header.metadata().as_ref() != Some(&identity.metadata(examples)) {
            return Err(wrong("the cache is of another teacher, other data or other settings"));
        }
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(&e.to_string()))?;
        let data = |name: &str, dtype, columns: usize| -> Result<(usize, Vec<u8>)> {
            let tensor = file.tensor(name).map_err(|e| wrong(&e.to_string()))?;
            let rows = tensor.shape().first().copied().unwrap_or(0);
            let fits = tensor.dtype() == dtype && tensor.shape().iter().skip(1).product::<usize>() == columns;
            if fits { Ok((rows, tensor.data().to_vec())) } else { Err(wrong(&format!("{name} is of another kind"))) }
        };
        let k = identity.top_k;
        let ((items, keys), (n, starts)) = (data("keys", Dtype::U8, 16)?, data("starts", Dtype::U64, 1)?);
        let ((a, tokens), (b, log_p)) = (data("tokens", Dtype::U32, k)?, data("log_p", Dtype::F32, k + 1)?);
        let starts: Vec<u64> = starts.as_chunks::<8>().0.iter().map(|b| u64::from_le_bytes(*b)).collect();
        let tokens: Vec<u32> = tokens.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)).collect();
        let fits = items == n
            && a == b
            && starts.iter().all(|&s| s <= a as u64)
            && tokens.iter().all(|&t| (t as usize) < identity.vocabulary);
        if !fits {
            return Err(wrong("its parts do not fit together"));
        }
        Ok(Self {
            top_k: k,
            starts: keys.as_chunks::<16>().0.iter().copied().zip(starts.iter().map(|&s| s as usize)).collect(),
            tokens,
            log_p: log_p.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        })
    }

    /// What the teacher said of a batch's targets.
    ///
    /// # Errors
    /// If the batch has an item that the cache was not made of.
    pub fn look_up(&self, inputs: &Inputs, device: &Device) -> Result<Said> {
        let ids: Vec<u32> = inputs.tokens.to_data().iter::<i64>().map(|t| t as u32).collect();
        let (mut tokens, mut log_p) = (Vec::<i32>::new(), Vec::new());
        let mut rows = inputs.targets.rows.iter().copied().peekable();
        for span in inputs.context.spans() {
            let mut targets = Vec::new();
            while let Some(row) = rows.next_if(|&r| (r as usize) < span.start + span.len) {
                // A row predicts the token after it.
                targets.push(row + 1 - span.start as u32);
            }
            let found = self.starts.get(&key(&ids[span.start..span.start + span.len], &targets));
            let (k, n) = (self.top_k, targets.len());
            let told = found.and_then(|&at| Some((self.tokens.get(at * k..(at + n) * k)?, at)));
            let told = told.and_then(|(t, at)| Some((t, self.log_p.get(at * (k + 1)..(at + n) * (k + 1))?)));
            let Some((t, p)) = told else {
                return Err(Error::internal("teacher cache", "an item of the batch is not in it"));
            };
            tokens.extend(t.iter().map(|&t| t as i32));
            log_p.extend_from_slice(p);
        }
        let n = inputs.targets.rows.len();
        Ok(Said {
            tokens: Tensor::from_data(TensorData::new(tokens, [n, self.top_k]), device),
            log_p: Tensor::from_data(TensorData::new(log_p, [n, self.top_k + 1]), device),
        })
    }
}

/// Appends the `k` likeliest of a row of log-probabilities, ties by token, and the rest's.
fn keep(row: &[f32], k: usize, tokens: &mut Vec<u32>, log_p: &mut Vec<f32>) {
    let mut order: Vec<u32> = (0..row.len() as u32).collect();
    let likelier = |&a: &u32, &b: &u32| row[b as usize].total_cmp(&row[a as usize]).then(a.cmp(&b));
    if k < order.len() {
        order.select_nth_unstable_by(k, likelier);
    }
    let (top, rest) = order.split_at_mut(k.min(row.len()));
    top.sort_unstable_by(likelier);
    // In the order of their ids, so that their sum repeats.
    rest.sort_unstable();
    tokens.extend_from_slice(top);
    log_p.extend(top.iter().map(|&t| row[t as usize]));
    let rest: f64 = rest.iter().map(|&t| f64::from(row[t as usize]).exp()).sum();
    log_p.push((rest.ln() as f32).max(LEAST));
}
