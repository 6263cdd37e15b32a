//! Training speed on random or given batches of a Llama-shaped model, step by step, for comparison with a peer.
//!
//! The optimizer is `torch.optim.AdamW` with its defaults (betas 0.9 and 0.999, epsilon 1e-8, decay 0.01 on every
//! parameter), after clipping the global norm to 1, at a constant rate, so that a peer can be written in four lines.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bantam_core::{Error, Result, files, seed};
use bantam_formats::{Architecture, ModelArtifact, ModelConfig};
use bantam_model::context::Precision;
use bantam_model::mixers::ParameterGroup;
use bantam_model::ports::Targets;
use bantam_model::{SequenceContext, TokenModel, weights};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::Rng;
use safetensors::SafeTensors;
use safetensors::tensor::Dtype;

use crate::accumulation::accumulate;
use crate::objective::{Inputs, NextToken};
use crate::optimizer::{AdamWConfig, Method, Optimizer};
use crate::step::{PassRule, StepReport, StepRule, train_step};

/// Shape of a benchmark model: Llama's architecture, tied embeddings.
pub fn shape(width: usize, layers: usize, heads: usize, ffn: usize, vocab: usize, context: usize) -> ModelConfig {
    ModelConfig {
        architecture: Architecture::Llama,
        vocab_size: vocab,
        hidden_size: width,
        intermediate_size: ffn,
        num_hidden_layers: layers,
        num_attention_heads: heads,
        num_key_value_heads: heads,
        head_dim: width / heads.max(1),
        rms_norm_eps: 1e-5,
        rope_theta: 1e4,
        rope_scaling: None,
        tie_word_embeddings: true,
        max_position_embeddings: context,
        attention_bias: false,
        bos_token_id: None,
        eos_token_ids: vec![0],
        pad_token_id: None,
        mixers: Vec::new(),
    }
}

/// Batches of `[batch, time]` token ids. Every position whose successor is known is a target.
#[derive(Clone, Debug)]
pub struct Batches {
    /// One vector for each step, row-major; the last column is only a target.
    pub steps: Vec<Vec<u32>>,
    /// Rows.
    pub batch: usize,
    /// Columns, the last one included.
    pub columns: usize,
}

impl Batches {
    /// Random tokens: `context + 1` columns, so that all `context` positions have a target.
    pub fn random(steps: usize, batch: usize, context: usize, vocab: usize) -> Self {
        let mut rng = seed::rng(0, "bench/batches");
        let columns = context + 1;
        let mut draw = || (0..batch * columns).map(|_| rng.next_u32() % vocab as u32).collect();
        Self { steps: (0..steps).map(|_| draw()).collect(), batch, columns }
    }

    /// Reads the file's only tensor, or the one called `tokens`: integers `[steps, batch, columns]`. Each row's last
    /// column is only a target.
    pub fn read(path: &Path, vocab: usize) -> Result<Self> {
        let bytes = files::read(path)?;
        let wrong = |what: String| {
            Error::input(path.display(), what, "give a tensor `tokens` of I32 or I64, [steps, batch, context + 1]")
        };
        let file = SafeTensors::deserialize(&bytes).map_err(|e| wrong(e.to_string()))?;
        let names = file.names();
        let name = if names.len() == 1 { names[0].to_string() } else { "tokens".to_string() };
        let view = file.tensor(&name).map_err(|e| wrong(e.to_string()))?;
        let &[steps, batch, columns] = view.shape() else {
            return Err(wrong(format!("tensor {name} has {} dimensions", view.shape().len())));
        };
        if steps == 0 || batch == 0 || columns < 2 {
            return Err(wrong(format!("tensor {name} is empty or has rows without a target")));
        }
        let ids: Vec<i64> = match view.dtype() {
            Dtype::I64 => view.data().as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect(),
            Dtype::I32 => view.data().as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
            other => return Err(wrong(format!("tensor {name} is {other:?}"))),
        };
        if let Some(id) = ids.iter().find(|&&id| id < 0 || id >= vocab as i64) {
            return Err(wrong(format!("token id {id} is outside the vocabulary of {vocab}")));
        }
        let row = |c: &[i64]| c.iter().map(|&i| i as u32).collect();
        Ok(Self { steps: ids.chunks_exact(batch * columns).map(row).collect(), batch, columns })
    }
}

/// A model and optimizer to be stepped by a caller that holds the clock.
pub struct Bench {
    model: Option<TokenModel>,
    optimizer: Optimizer,
    device: Device,
    batches: Batches,
    learning_rate: f64,
    precision: Precision,
    next: usize,
}

impl Bench {
    /// On `device`: random weights of `config`, or those of the Hugging Face folder `init` (then its configuration counts).
    pub fn new(
        config: &ModelConfig,
        init: Option<&ModelArtifact>,
        batches: Batches,
        learning_rate: f64,
        precision: Precision,
        device: &Device,
    ) -> Result<Self> {
        let device = device.clone().autodiff();
        let config = init.map_or(config, |a| a.config());
        config.validate("bench train")?;
        let model = match init {
            Some(artifact) => weights::load_artifact(artifact, &device)?,
            None => weights::initialize(TokenModel::new(config, &device), config, 0),
        };
        Self::of_model(model, config, batches, learning_rate, precision)
    }

    /// The given model of `config`, on a device with gradients.
    pub fn of_model(
        model: TokenModel,
        config: &ModelConfig,
        batches: Batches,
        learning_rate: f64,
        precision: Precision,
    ) -> Result<Self> {
        let device = model.devices().into_iter().next().unwrap_or_else(|| Device::flex().autodiff());
        if batches.columns - 1 > config.max_position_embeddings {
            return Err(Error::input(
                "bench train",
                format!(
                    "batches of {} positions exceed the model's {}",
                    batches.columns - 1,
                    config.max_position_embeddings
                ),
                "shorten the batches",
            ));
        }
        let uniform = |g: ParameterGroup| ParameterGroup { decays: true, learning_rate_scale: 1.0, ..g };
        let groups = weights::parameter_groups(&model, config).into_iter().map(uniform).collect();
        let constants = AdamWConfig { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
        let optimizer = Optimizer::new(Method::AdamW(constants), 0.01, groups);
        Ok(Self { model: Some(model), optimizer, device, batches, learning_rate, precision, next: 0 })
    }

    /// The gradients, by parameter name, that the next step would take.
    pub fn gradients(&self) -> HashMap<String, Vec<f32>> {
        let model = self.model.as_ref().expect("put back after every step");
        let inputs = [self.inputs()];
        let found = accumulate(model, &NextToken::default(), &inputs, &self.pass());
        found.expect("batches have targets").gradients
    }

    /// One step on the next batch, beginning again after the last.
    pub fn step(&mut self) -> StepReport {
        let inputs = self.inputs();
        self.next += 1;
        let model = self.model.take().expect("put back after every step");
        let rule = StepRule { learning_rate: self.learning_rate, clip_norm: 1.0, pass: self.pass() };
        let step = train_step(model, &mut self.optimizer, &NextToken::default(), &[inputs], rule);
        let (model, report) = step.expect("batches have targets");
        self.model = Some(model);
        report
    }

    fn pass(&self) -> PassRule {
        PassRule { precision: self.precision, ..PassRule::default() }
    }

    /// The next batch.
    fn inputs(&self) -> Inputs {
        let (batch, columns) = (self.batches.batch, self.batches.columns);
        let time = columns - 1;
        let ids = &self.batches.steps[self.next % self.batches.steps.len()];
        let inputs: Vec<i32> = ids.chunks_exact(columns).flat_map(|r| r[..time].iter().map(|&t| t as i32)).collect();
        let targets: Vec<u32> = ids.chunks_exact(columns).flat_map(|r| r[1..].iter().copied()).collect();
        let rows: Arc<[u32]> = (0..(batch * time) as u32).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(inputs, [batch, time]), &self.device);
        let context = SequenceContext::whole_rows(batch, time);
        Inputs { tokens, context, targets: Targets { rows, tokens: targets.into() }, seed: 0 }
    }
}
