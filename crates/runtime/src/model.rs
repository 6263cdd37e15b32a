//! A loaded token model: embedding, blocks of mixer and feed-forward, output, ready to run.

use std::sync::{Arc, Mutex, PoisonError};

use bantam_core::{Error, Result};
use bantam_formats::{Architecture, FINAL_NORM, MixerConfig, ModelArtifact, ModelConfig, OUTPUT, TensorData};
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{CacheFormat, Isa, PackedMatrix, Pool};

use crate::block::{Block, FeedForward, Norm};
use crate::linear::{Linear, from_f32, pack_rows};
use crate::mixers::{self, Attention, HeadNorms, MixerTensors};

/// Bytes of weights, times tokens, from which on a pass is divided among threads. Measured at 1.1 MB: 22,000 tokens a second by one thread,
/// 15,000 by two.
const WORTH_DIVIDING: usize = 2_000_000;

/// How a model is loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadOptions {
    /// Threads that divide large products; 0 means one for each processor. A product too small to gain stays on one.
    pub threads: usize,
    /// How attention keeps keys and values. By default halves where the weights are quantized, else 32-bit floats.
    pub cache: Option<CacheFormat>,
}

/// A model in memory. Weights keep the number format they are stored in. Shared by any number of sessions.
pub struct Model {
    pub(crate) config: ModelConfig,
    pub(crate) isa: Isa,
    pool: Pool,
    /// The calling thread alone.
    solo: Pool,
    pub(crate) embedding: PackedMatrix,
    /// `[positions, width]`, added to the embedding, where positions are learned.
    pub(crate) positions: Option<PackedMatrix>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) final_norm: Norm,
    /// Absent when the output is the embedding.
    pub(crate) output: Option<PackedMatrix>,
    /// Bytes of weights that reading one token takes; every pass asks.
    bytes_per_token: usize,
    /// Empty where no layer turns by position.
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
        let quantized = tensor(config.architecture.embedding())?.dtype.is_blocks();
        let by_weights = if quantized { CacheFormat::F16 } else { CacheFormat::F32 };
        let source = Source { config, tensor, cache: options.cache.unwrap_or(by_weights) };
        let width = config.hidden_size;
        let block = |layer| match config.architecture {
            Architecture::Gpt2 => source.gpt2_block(layer),
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => source.llama_block(layer),
        };
        let blocks = (0..config.num_hidden_layers).map(block).collect::<Result<Vec<_>>>()?;
        let (final_norm, positions) = match config.architecture {
            Architecture::Gpt2 => {
                let positions = pack_rows(&[tensor("transformer.wpe.weight")?], width)?;
                (source.layer_norm("transformer.ln_f")?, Some(positions))
            }
            _ => (source.rms_norm(FINAL_NORM)?, None),
        };
        let output = match config.tie_word_embeddings {
            true => None,
            false => Some(pack_rows(&[tensor(OUTPUT)?], width)?),
        };
        let attends = |layer| config.mixer(layer) == MixerConfig::Attention;
        let rotates = positions.is_none() && (0..config.num_hidden_layers).any(attends);
        let mut model = Self {
            bytes_per_token: 0,
            config: config.clone(),
            isa: Isa::best(),
            pool: Pool::new(threads),
            solo: Pool::new(1),
            embedding: pack_rows(&[tensor(config.architecture.embedding())?], width)?,
            inverse_frequencies: if rotates { config.rope_inverse_frequencies() } else { Vec::new() },
            positions,
            blocks,
            final_norm,
            output,
            rotary: Mutex::new(Arc::new(RotaryTable::default())),
        };
        let looked_up = if model.output.is_some() { model.embedding.byte_len() } else { 0 };
        let positions = model.positions.as_ref().map_or(0, PackedMatrix::byte_len);
        model.bytes_per_token = model.weight_bytes() - positions - looked_up;
        Ok(model)
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

    /// Threads that large products are divided among; see [`LoadOptions::threads`].
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// The threads for a pass over `tokens` tokens: only the calling one where all weights are read in less time than handing out their products
    /// takes and a core's own cache holds them.
    pub(crate) fn pool(&self, tokens: usize) -> &Pool {
        if tokens.saturating_mul(self.bytes_per_token) < WORTH_DIVIDING { &self.solo } else { &self.pool }
    }

    /// The instruction set in use, by name.
    pub fn instruction_set(&self) -> &'static str {
        self.isa.name()
    }

    /// Bytes of memory that the weights take.
    pub fn weight_bytes(&self) -> usize {
        let blocks: usize = self.blocks.iter().map(Block::byte_len).sum();
        let optional = |matrix: &Option<PackedMatrix>| matrix.as_ref().map_or(0, PackedMatrix::byte_len);
        blocks
            + optional(&self.output)
            + optional(&self.positions)
            + self.embedding.byte_len()
            + self.final_norm.byte_len()
    }

    /// Bytes of weights that reading one token takes: all but looked-up rows.
    pub fn bytes_per_token(&self) -> usize {
        self.bytes_per_token
    }

    /// Rotary angles of at least `positions` positions; none where nothing turns by them. Grown when asked for and shared by all sessions, so that neither
    /// loading nor forking pays for positions that are not reached.
    pub(crate) fn rotary(&self, positions: usize) -> Arc<RotaryTable> {
        // The table is replaced whole: a panic elsewhere cannot leave it half-made.
        let mut table = self.rotary.lock().unwrap_or_else(PoisonError::into_inner);
        if table.positions() < positions && !self.inverse_frequencies.is_empty() {
            let size = positions.next_power_of_two().max(256).min(self.context_length()).max(positions);
            *table = Arc::new(RotaryTable::new(&self.inverse_frequencies, size));
        }
        Arc::clone(&table)
    }
}

/// Where a model's tensors come from while it is built.
struct Source<'s, 'a> {
    config: &'s ModelConfig,
    tensor: &'s dyn Fn(&str) -> Result<TensorData<'a>>,
    cache: CacheFormat,
}

impl<'a> Source<'_, 'a> {
    fn values(&self, name: &str) -> Result<Vec<f32>> {
        (self.tensor)(name).map(|t| t.to_f32())
    }

    fn rms_norm(&self, weight: &str) -> Result<Norm> {
        Ok(Norm::Rms { gain: self.values(weight)?, epsilon: self.config.rms_norm_eps as f32 })
    }

    fn layer_norm(&self, name: &str) -> Result<Norm> {
        let (gain, bias) = (self.values(&format!("{name}.weight"))?, self.values(&format!("{name}.bias"))?);
        Ok(Norm::Layer { gain, bias, epsilon: self.config.rms_norm_eps as f32 })
    }

    /// Matrices one above the other, each with its name and whether it has a bias.
    fn linear(&self, names: &[(String, bool)], cols: usize) -> Result<Linear> {
        let weight = |(name, _): &(String, bool)| (self.tensor)(&format!("{name}.weight"));
        let bias = |(name, has): &(String, bool)| has.then(|| self.values(&format!("{name}.bias"))).transpose();
        let weights = names.iter().map(weight).collect::<Result<Vec<_>>>()?;
        let biases = names.iter().map(bias).collect::<Result<Vec<_>>>()?;
        Linear::pack(&weights, &biases, cols)
    }

    /// Llama's block with any mixer, Qwen2's with its biases, Qwen3's with its norms of queries and keys.
    fn llama_block(&self, layer: usize) -> Result<Block> {
        let config = self.config;
        let at = |part: &str| format!("model.layers.{layer}.{part}");
        let mixer = match config.mixer(layer) {
            MixerConfig::Attention => Box::new(self.llama_attention(&at)?),
            other => {
                let lookup = |name: &str| (self.tensor)(&at(&format!("mixer.{name}")));
                mixers::build(&other, config, &MixerTensors(&lookup))?
            }
        };
        let mixer_norm = self.rms_norm(&at("input_layernorm.weight"))?;
        if config.intermediate_size == 0 {
            return Ok(Block { mixer_norm, mixer, feed_forward: None });
        }
        let gate_up = ["mlp.gate_proj", "mlp.up_proj"].map(|p| (at(p), false));
        let feed_forward = FeedForward::SwiGlu {
            gate_up: self.linear(&gate_up, config.hidden_size)?,
            down: self.linear(&[(at("mlp.down_proj"), false)], config.intermediate_size)?,
        };
        let norm = self.rms_norm(&at("post_attention_layernorm.weight"))?;
        Ok(Block { mixer_norm, mixer, feed_forward: Some((norm, feed_forward)) })
    }

    /// Llama's attention, of the layer that `at` names.
    fn llama_attention(&self, at: &dyn Fn(&str) -> String) -> Result<Attention> {
        let config = self.config;
        let projections =
            ["q_proj", "k_proj", "v_proj"].map(|p| (at(&format!("self_attn.{p}")), config.attention_bias));
        let head_norms = match config.architecture.normalizes_queries_and_keys() {
            false => None,
            true => Some(HeadNorms {
                query: self.values(&at("self_attn.q_norm.weight"))?,
                key: self.values(&at("self_attn.k_norm.weight"))?,
                epsilon: config.rms_norm_eps as f32,
            }),
        };
        Ok(Attention {
            qkv: self.linear(&projections, config.hidden_size)?,
            output: self.linear(&[(at("self_attn.o_proj"), config.output_projection_bias())], config.query_width())?,
            query_heads: config.num_attention_heads,
            key_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            head_norms,
            cache: self.cache,
            rotates: true,
        })
    }

    fn gpt2_block(&self, layer: usize) -> Result<Block> {
        let config = self.config;
        let width = config.hidden_size;
        let at = |part: &str| format!("transformer.h.{layer}.{part}");
        let linear = |part: &str, cols| self.linear(&[(at(part), true)], cols);
        let mixer = Attention {
            qkv: linear("attn.c_attn", width)?,
            output: linear("attn.c_proj", width)?,
            query_heads: config.num_attention_heads,
            key_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            head_norms: None,
            cache: self.cache,
            rotates: false,
        };
        Ok(Block {
            mixer_norm: self.layer_norm(&at("ln_1"))?,
            mixer: Box::new(mixer),
            feed_forward: Some((
                self.layer_norm(&at("ln_2"))?,
                FeedForward::Gelu {
                    up: linear("mlp.c_fc", width)?,
                    down: linear("mlp.c_proj", config.intermediate_size)?,
                },
            )),
        })
    }
}
