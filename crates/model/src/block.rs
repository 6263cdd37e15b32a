//! One block: norm, mixer, residual, and, where the model has one, norm, feed-forward, residual.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::RotaryTable;
use burn::module::{Module, Param};
use burn::tensor::{Device, IndexingUpdateOp, Tensor};

use crate::context::SequenceContext;
use crate::feed_forward::FeedForward;
use crate::linear::Linear;
use crate::mixers::{AnyMixer, Crossing, Mixer, MixerState};
use crate::ops;
use crate::ports::index;

/// Root-mean-square norm with a learned scale, or, with a bias, LayerNorm.
#[derive(Module, Debug)]
pub struct Norm {
    /// `[width]`.
    pub weight: Param<Tensor<1>>,
    /// `[width]`; its presence makes it a LayerNorm.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    pub(crate) epsilon: f32,
}

impl Norm {
    /// A norm of scale one, of the kind that the architecture has.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let has_bias = config.architecture.has_layer_norms();
        let bias = || Param::from_tensor(Tensor::zeros([config.hidden_size], device));
        Self { bias: has_bias.then(bias), ..Self::rms(config.hidden_size, config.rms_norm_eps, device) }
    }

    /// An RMS norm of scale one.
    pub fn rms(width: usize, epsilon: f64, device: &Device) -> Self {
        Self { weight: Param::from_tensor(Tensor::ones([width], device)), bias: None, epsilon: epsilon as f32 }
    }

    /// `[rows, width] -> [rows, width]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            None => ops::rms_norm(x, self.weight.val(), self.epsilon),
            Some(bias) => {
                let centred = x.clone() - x.mean_dim(1);
                ops::rms_norm(centred, self.weight.val(), self.epsilon) + bias.val().unsqueeze()
            }
        }
    }
}

/// What a block carries from one chunk of a sequence to the next.
#[derive(Clone, Debug, Default)]
pub struct BlockState {
    mixer: Option<MixerState>,
    /// Of channel mixing.
    feed_forward: Option<MixerState>,
}

/// A pre-norm residual block.
#[derive(Module, Debug)]
pub struct Block {
    mixer_norm: Norm,
    mixer: AnyMixer,
    feed_forward_norm: Option<Norm>,
    feed_forward: Option<FeedForward>,
    #[module(skip)]
    layer: usize,
    /// Whether no block reads what this one gives.
    #[module(skip)]
    is_last: bool,
}

impl Block {
    /// The block at place `layer` of the configured model, its matrices zero.
    pub fn new(layer: usize, config: &ModelConfig, rotary: Arc<RotaryTable>, device: &Device) -> Self {
        let norm = || Norm::new(config, device);
        let has_feed_forward = config.intermediate_size > 0;
        Self {
            mixer_norm: norm(),
            mixer: AnyMixer::new(&config.mixer(layer), config, rotary, device),
            feed_forward_norm: has_feed_forward.then(norm),
            feed_forward: has_feed_forward.then(|| FeedForward::new(config, device)),
            layer,
            is_last: layer + 1 == config.num_hidden_layers,
        }
    }

    /// The linear maps by their path within the block.
    pub(crate) fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let folder = self.mixer.folder();
        let mixer = self.mixer.linears_mut().into_iter();
        let mixer = mixer.map(|(name, linear)| (format!("mixer.{folder}{name}"), linear));
        let feed_forward = self.feed_forward.iter_mut().flat_map(FeedForward::linears_mut);
        mixer.chain(feed_forward.map(|(name, linear)| (format!("feed_forward.{name}"), linear))).collect()
    }

    /// The mixer, for its declared properties.
    pub fn mixer(&self) -> &AnyMixer {
        &self.mixer
    }

    /// What follows the mixer, where the model has it.
    pub fn feed_forward(&self) -> Option<&FeedForward> {
        self.feed_forward.as_ref()
    }

    /// `[batch, time, width] -> [batch, time, width]`, and the state after the last position. The last block of a model may give zeros in rows that
    /// the context does not want.
    pub fn forward(
        &self,
        x: Tensor<3>,
        context: &SequenceContext,
        state: BlockState,
        crossing: &mut Crossing,
    ) -> (Tensor<3>, BlockState) {
        let [batch, time, width] = x.dims();
        let flat = |x: Tensor<3>| x.reshape([batch * time, width]);
        let normed = self.mixer_norm.forward(flat(x.clone())).reshape([batch, time, width]);
        let (mut mixed, mixer) = self.mixer.forward(normed, context, state.mixer, crossing);
        if let Some(dropout) = context.dropout() {
            mixed = dropout.apply(mixed, &format!("layers.{}.mixer", self.layer));
        }
        let (x, mixed) = (flat(x), flat(mixed));
        let (x, feed_forward) = match (&self.feed_forward, &self.feed_forward_norm) {
            (Some(feed_forward), Some(norm)) => match context.wanted() {
                Some(rows) if self.is_last && feed_forward.is_positionwise() && !rows.is_empty() => {
                    let of = index(rows, &x.device());
                    let (few, mixed) = (x.clone().select(0, of.clone()), mixed.select(0, of.clone()));
                    let (y, none) = feed_forward.forward(few, mixed, norm, context, None);
                    (x.zeros_like().select_assign(0, of, y, IndexingUpdateOp::Add), none)
                }
                _ => feed_forward.forward(x, mixed, norm, context, state.feed_forward),
            },
            _ => (x + mixed, None),
        };
        (x.reshape([batch, time, width]), BlockState { mixer, feed_forward })
    }
}
