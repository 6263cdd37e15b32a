//! A loaded token model: embedding, blocks of mixer and feed-forward, output, ready to run.

use std::sync::{Arc, Mutex, PoisonError};

use bantam_core::{Error, Result};
use bantam_formats::{
    Architecture, EMBEDDING, EMBEDDING_NORM, FINAL_NORM, MixerConfig, ModelArtifact, ModelConfig, OUTPUT, POSITIONS,
    TensorData, TensorSpec,
};
use bantam_kernels::inference::rope::RotaryTable;
use bantam_kernels::inference::{CacheFormat, Isa, PackedMatrix, Pool, WeightMemory};

use crate::block::{Block, FeedForward, Norm, Second};
use crate::linear::{Linear, from_f32, pack_rows};
use crate::mixers::{self, AnyState, Attention, ChannelMix, HeadNorms, MixerTensors};

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
    pub(crate) embedding_norm: Option<Norm>,
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
        let dtype = tensor(EMBEDDING)?.dtype;
        let quantized = dtype.is_blocks();
        // Where the formats are mixed or stored tensors are not packed it is not exact, and need not be.
        let bytes = |spec: TensorSpec| dtype.bytes_for(&spec.shape).unwrap_or(0);
        let memory = WeightMemory::new(config.tensor_specs().into_iter().map(bytes).sum());
        let by_weights = if quantized { CacheFormat::F16 } else { CacheFormat::F32 };
        let source = Source { config, tensor, memory: &memory, cache: options.cache.unwrap_or(by_weights) };
        let width = config.hidden_size;
        let rows = |name: &str| pack_rows(&[tensor(name)?], width, &memory);
        let blocks = (0..config.num_hidden_layers).map(|layer| source.block(layer)).collect::<Result<Vec<_>>>()?;
        let positions = config.architecture.learns_positions().then(|| rows(POSITIONS)).transpose()?;
        let output = (!config.tie_word_embeddings).then(|| rows(OUTPUT)).transpose()?;
        let normed = config.architecture.mixes_channels();
        let attends = |layer| config.mixer(layer) == MixerConfig::Attention;
        let rotates = positions.is_none() && (0..config.num_hidden_layers).any(attends);
        let mut model = Self {
            bytes_per_token: 0,
            config: config.clone(),
            isa: Isa::best(),
            pool: Pool::new(threads),
            solo: Pool::new(1),
            embedding: rows(EMBEDDING)?,
            embedding_norm: normed.then(|| source.norm(EMBEDDING_NORM)).transpose()?,
            inverse_frequencies: if rotates { config.rope_inverse_frequencies() } else { Vec::new() },
            positions,
            blocks,
            final_norm: source.norm(FINAL_NORM)?,
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
            + self.embedding_norm.as_ref().map_or(0, Norm::byte_len)
            + self.final_norm.byte_len()
    }

    /// Bytes of weights that reading one token takes: all but looked-up rows.
    pub fn bytes_per_token(&self) -> usize {
        self.bytes_per_token
    }

    /// The states before the first token: of every layer's mixer, then of every layer's channel mixing.
    pub(crate) fn new_states(&self) -> Vec<Box<dyn AnyState>> {
        let mixers = self.blocks.iter().map(|block| block.mixer.as_ref());
        mixers.chain(self.blocks.iter().filter_map(Block::channel_mix)).map(|mixer| mixer.new_state()).collect()
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
    memory: &'s WeightMemory,
    cache: CacheFormat,
}

impl<'a> Source<'_, 'a> {
    fn values(&self, name: &str) -> Result<Vec<f32>> {
        (self.tensor)(name).map(|t| t.to_f32())
    }

    fn norm(&self, name: &str) -> Result<Norm> {
        let gain = self.values(&format!("{name}.weight"))?;
        let epsilon = self.config.rms_norm_eps as f32;
        Ok(match self.config.architecture.has_layer_norms() {
            true => Norm::Layer { gain, bias: self.values(&format!("{name}.bias"))?, epsilon },
            false => Norm::Rms { gain, epsilon },
        })
    }

    /// Matrices one above the other, each with its name and whether it has a bias.
    fn linear(&self, names: &[(String, bool)], cols: usize) -> Result<Linear> {
        let weight = |(name, _): &(String, bool)| (self.tensor)(&format!("{name}.weight"));
        let bias = |(name, has): &(String, bool)| has.then(|| self.values(&format!("{name}.bias"))).transpose();
        let weights = names.iter().map(weight).collect::<Result<Vec<_>>>()?;
        let biases = names.iter().map(bias).collect::<Result<Vec<_>>>()?;
        Linear::pack(&weights, &biases, cols, self.memory)
    }

    /// A block, with any mixer.
    fn block(&self, layer: usize) -> Result<Block> {
        let config = self.config;
        let at = |part: &str| format!("model.layers.{layer}.{part}");
        let mixer = match config.mixer(layer) {
            MixerConfig::Attention => Box::new(self.attention(&at)?),
            other => {
                let lookup = |name: &str| (self.tensor)(&at(&format!("mixer.{name}")));
                mixers::build(&other, config, &MixerTensors(&lookup, self.memory))?
            }
        };
        let mixer_norm = self.norm(&at("input_layernorm"))?;
        let second = match config.intermediate_size {
            0 => None,
            _ => Some((self.norm(&at("post_attention_layernorm"))?, self.second(&at)?)),
        };
        Ok(Block { mixer_norm, mixer, second })
    }

    fn second(&self, at: &dyn Fn(&str) -> String) -> Result<Second> {
        let (width, inner) = (self.config.hidden_size, self.config.intermediate_size);
        let linear = |parts: &[&str], bias: bool, cols| {
            self.linear(&parts.iter().map(|part| (at(part), bias)).collect::<Vec<_>>(), cols)
        };
        Ok(match self.config.architecture {
            Architecture::Gpt2 => Second::FeedForward(FeedForward::Gelu {
                up: linear(&["mlp.up_proj"], true, width)?,
                down: linear(&["mlp.down_proj"], true, inner)?,
            }),
            Architecture::Llama | Architecture::Qwen2 | Architecture::Qwen3 => {
                Second::FeedForward(FeedForward::SwiGlu {
                    gate_up: linear(&["mlp.gate_proj", "mlp.up_proj"], false, width)?,
                    down: linear(&["mlp.down_proj"], false, inner)?,
                })
            }
            architecture @ (Architecture::Rwkv4 | Architecture::Rwkv7) => {
                let lookup = |name: &str| (self.tensor)(&at(&format!("mlp.{name}")));
                Second::ChannelMix(Box::new(ChannelMix::new(
                    &MixerTensors(&lookup, self.memory),
                    architecture,
                    width,
                    inner,
                )?))
            }
        })
    }

    /// Attention of the layer that `at` names.
    fn attention(&self, at: &dyn Fn(&str) -> String) -> Result<Attention> {
        let config = self.config;
        let stored: &[&str] = match config.architecture {
            Architecture::Gpt2 => &["qkv_proj"],
            _ => &["q_proj", "k_proj", "v_proj"],
        };
        let projections: Vec<_> =
            stored.iter().map(|part| (at(&format!("self_attn.{part}")), config.attention_bias)).collect();
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
            rotates: !config.architecture.learns_positions(),
        })
    }
}
