//! A loaded token model: embedding, blocks of mixer and feed-forward, output, ready to run.

use std::sync::{Arc, Mutex, PoisonError};

use bantam_core::{Error, Result};
use bantam_formats::{EMBEDDING, FINAL_NORM, ModelArtifact, ModelConfig, OUTPUT, TensorData};
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{Isa, PackedMatrix, Pool};

use crate::linear::{Linear, from_f32, pack_rows};
use crate::mixers::{AnyMixer, Attention};

/// How a model is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Threads that divide large products; 0 means one for each processor. A product too small to gain stays on one.
    pub threads: usize,
}

/// A block: norm, mixer, residual, norm, feed-forward, residual.
pub(crate) struct Block {
    pub mixer_norm: Vec<f32>,
    pub mixer: Box<dyn AnyMixer>,
    pub feed_forward_norm: Vec<f32>,
    pub gate_up: Linear,
    pub down: Linear,
}

/// A model in memory. Weights keep the number format they are stored in. Shared by any number of sessions.
pub struct Model {
    pub(crate) config: ModelConfig,
    pub(crate) isa: Isa,
    pub(crate) pool: Pool,
    pub(crate) embedding: PackedMatrix,
    pub(crate) blocks: Vec<Block>,
    pub(crate) final_norm: Vec<f32>,
    /// Absent when the output is the embedding.
    pub(crate) output: Option<PackedMatrix>,
    inverse_frequencies: Vec<f32>,
    rotary: Mutex<Arc<RotaryTable>>,
}

impl Model {
    /// Loads an opened artifact. Fails only as reading its tensors can.
    pub fn load(artifact: &ModelArtifact, options: LoadOptions) -> Result<Self> {
        Self::build(artifact.config(), &|name| artifact.tensor(name), options)
    }

    /// Builds a model from weights in memory, such as those of a training run: `(name, shape, values)` under Hugging Face's
    /// names. An internal error when one is missing or has another shape than the config asks for.
    pub fn from_tensors(
        config: &ModelConfig,
        tensors: &[(String, Vec<usize>, Vec<f32>)],
        options: LoadOptions,
    ) -> Result<Self> {
        config.validate("the model's config")?;
        for spec in config.tensor_specs() {
            let found = tensors.iter().find(|(name, ..)| *name == spec.name);
            if found.is_none_or(|(_, shape, v)| *shape != spec.shape || v.len() != shape.iter().product::<usize>()) {
                return Err(Error::internal("runtime::model", format!("no `{}` of shape {:?}", spec.name, spec.shape)));
            }
        }
        let lookup = |name: &str| match tensors.iter().find(|(n, ..)| n == name) {
            Some((_, shape, values)) => Ok(from_f32(shape, values)),
            None => Err(Error::internal("runtime::model", format!("no tensor `{name}`"))),
        };
        Self::build(config, &lookup, options)
    }

    fn build<'a>(
        config: &ModelConfig,
        tensor: &dyn Fn(&str) -> Result<TensorData<'a>>,
        options: LoadOptions,
    ) -> Result<Self> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let values = |name: &str| tensor(name).map(|t| t.to_f32());
        let mut blocks = Vec::with_capacity(config.num_hidden_layers);
        for layer in 0..config.num_hidden_layers {
            let at = |part: &str| format!("model.layers.{layer}.{part}");
            let weight = |part: &str| tensor(&at(&format!("{part}.weight")));
            let bias = |part: &str, has: bool| has.then(|| values(&at(&format!("{part}.bias")))).transpose();
            let projections = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"];
            let qkv = projections.into_iter().map(weight).collect::<Result<Vec<_>>>()?;
            let biases = projections.into_iter().map(|p| bias(p, config.attention_bias)).collect::<Result<Vec<_>>>()?;
            let mixer = Attention {
                qkv: Linear::pack(&qkv, &biases, width)?,
                output: Linear::pack(
                    &[weight("self_attn.o_proj")?],
                    &[bias("self_attn.o_proj", config.output_projection_bias())?],
                    config.query_width(),
                )?,
                query_heads: config.num_attention_heads,
                key_heads: config.num_key_value_heads,
                head_dim: config.head_dim,
            };
            blocks.push(Block {
                mixer_norm: values(&at("input_layernorm.weight"))?,
                mixer: Box::new(mixer),
                feed_forward_norm: values(&at("post_attention_layernorm.weight"))?,
                gate_up: Linear::pack(&[weight("mlp.gate_proj")?, weight("mlp.up_proj")?], &[None, None], width)?,
                down: Linear::pack(&[weight("mlp.down_proj")?], &[None], inner)?,
            });
        }
        let output = match config.tie_word_embeddings {
            true => None,
            false => Some(pack_rows(&[tensor(OUTPUT)?], width)?),
        };
        Ok(Self {
            config: config.clone(),
            isa: Isa::best(),
            pool: Pool::new(threads),
            embedding: pack_rows(&[tensor(EMBEDDING)?], width)?,
            blocks,
            final_norm: values(FINAL_NORM)?,
            output,
            inverse_frequencies: config.rope_inverse_frequencies(),
            rotary: Mutex::new(Arc::new(RotaryTable::default())),
        })
    }

    /// The hyper-parameters.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Longest sequence the model takes.
    pub fn context_length(&self) -> usize {
        self.config.max_position_embeddings
    }

    /// Logits per token; ids are smaller.
    pub fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    /// Threads that large products are divided among.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The instruction set in use, by name.
    pub fn instruction_set(&self) -> &'static str {
        self.isa.name()
    }

    /// Bytes of memory that the weights take.
    pub fn weight_bytes(&self) -> usize {
        let blocks: usize = self
            .blocks
            .iter()
            .map(|b| {
                let norms = (b.mixer_norm.len() + b.feed_forward_norm.len()) * 4;
                norms + b.mixer.weight_bytes() + b.gate_up.byte_len() + b.down.byte_len()
            })
            .sum();
        let output = self.output.as_ref().map_or(0, PackedMatrix::byte_len);
        blocks + output + self.embedding.byte_len() + self.final_norm.len() * 4
    }

    /// Rotary angles of at least `positions` positions. Grown when asked for and shared by all sessions, so that neither
    /// loading nor forking pays for positions that are not reached.
    pub(crate) fn rotary(&self, positions: usize) -> Arc<RotaryTable> {
        // The table is replaced whole: a panic elsewhere cannot leave it half-made.
        let mut table = self.rotary.lock().unwrap_or_else(PoisonError::into_inner);
        if table.positions() < positions {
            let size = positions.next_power_of_two().max(256).min(self.context_length()).max(positions);
            *table = Arc::new(RotaryTable::new(&self.inverse_frequencies, size));
        }
        Arc::clone(&table)
    }
}
