//! A vector model: in-port, backbone, out-port.

use std::sync::Arc;

use bantam_formats::{VectorConfig, VectorPorts};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::backbone::Backbone;
use crate::block::BlockState;
use crate::context::SequenceContext;
use crate::ports::Targets;
use crate::vector_ports::{VectorInPort, VectorOutPort};
use crate::vectors::{Seen, Vectors, numbers};

/// Vectors to vectors: each answer says what comes next, or what is asked for.
#[derive(Module, Debug)]
pub struct VectorModel {
    in_port: VectorInPort,
    backbone: Backbone,
    out_port: VectorOutPort,
    #[module(skip)]
    adds_mean: bool,
    #[module(skip)]
    vectors: Arc<Vectors>,
}

/// What a model carries from one chunk of a sequence to the next.
#[derive(Clone, Debug, Default)]
pub struct VectorState {
    blocks: Vec<BlockState>,
    seen: Seen,
}

impl VectorModel {
    /// A model of the configured shape with matrices of zeros, for items of the numbers of `vectors`.
    ///
    /// # Panics
    /// If the vectors are of another size than the model's.
    pub fn new(config: &VectorConfig, vectors: Arc<Vectors>, device: &Device) -> Self {
        assert_eq!(vectors.size(), config.vector_size, "vectors of another size");
        Self {
            in_port: VectorInPort::new(config, device),
            backbone: Backbone::new(&config.blocks, device),
            out_port: VectorOutPort::new(config, device),
            adds_mean: config.ports == VectorPorts::Residual,
            vectors,
        }
    }

    /// The blocks between the ports.
    pub fn backbone(&self) -> &Backbone {
        &self.backbone
    }

    /// The vectors that its items' numbers stand for.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// Whether gradients are taken of the in-port.
    pub fn trains_in_port(&self) -> bool {
        self.in_port.is_trained()
    }

    /// Vectors `[batch, time, size]` to what is predicted at each, of the same shape. `codes` has a domain code for each position,
    /// row by row, where the model knows domains. `state` is that of the positions before, and then that of these.
    pub fn forward(
        &self,
        x: Tensor<3>,
        codes: &[u32],
        context: &SequenceContext,
        state: &mut VectorState,
    ) -> Tensor<3> {
        let [batch, time, size] = x.dims();
        let x: Tensor<2> = x.reshape([batch * time, size]);
        let base = self.adds_mean.then(|| self.mean(&x, context, &mut state.seen));
        let hidden = self.backbone.forward(self.entered(x, codes, context), context, &mut state.blocks);
        let width = hidden.dims()[2];
        let scaler = self.in_port.scaler.as_ref();
        let y = self.out_port.forward(hidden.reshape([batch * time, width]), base, scaler, context.precision());
        y.reshape([batch, time, size])
    }

    /// Rows `[batch * time, size]` to the first block's input.
    fn entered(&self, x: Tensor<2>, codes: &[u32], context: &SequenceContext) -> Tensor<3> {
        let x = self.in_port.forward(x, codes, context.precision());
        let x = x.reshape([context.batch() as i32, context.time() as i32, -1]);
        match context.dropout() {
            Some(dropout) => dropout.apply(x, "in_port"),
            None => x,
        }
    }

    /// The running mean of rows `[batch * time, size]`. Vectors are given and not learned: no gradient passes through it.
    fn mean(&self, x: &Tensor<2>, context: &SequenceContext, seen: &mut Seen) -> Tensor<2> {
        let ([rows, size], device) = (x.dims(), x.device());
        let values: Vec<f32> = x.clone().inner().into_data().try_into_vec().expect("vectors are f32");
        let means = seen.running_mean(&values, size, context);
        Tensor::from_data(TensorData::new(means, [rows, size]), &device)
    }

    /// `[batch, time]` numbers of vectors to the first block's input, `[batch, time, width]`.
    pub fn embed(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<3> {
        let device = tokens.device();
        let numbers = numbers(tokens);
        let codes = self.vectors.codes(&numbers);
        self.entered(self.vectors.rows(numbers, &device), &codes, context)
    }

    /// What the last block makes of numbers of vectors, before the final norm: `[batch, time] -> [batch * time, width]`.
    pub fn hidden(&self, tokens: Tensor<2, Int>, context: &SequenceContext) -> Tensor<2> {
        let x = self.backbone.forward(self.embed(tokens, context), context, &mut Vec::new());
        let [batch, time, width] = x.dims();
        x.reshape([batch * time, width])
    }

    /// What is predicted at the targets' rows, `[targets, size]`, from [`hidden`](Self::hidden) of the same numbers.
    pub fn target_predictions_of(
        &self,
        hidden: Tensor<2>,
        tokens: Tensor<2, Int>,
        context: &SequenceContext,
        targets: &Targets,
    ) -> Tensor<2> {
        let device = hidden.device();
        let chosen: Vec<i32> = targets.rows.iter().map(|&r| r as i32).collect();
        let chosen = Tensor::<1, Int>::from_data(TensorData::new(chosen, [targets.rows.len()]), &device);
        let base = self.adds_mean.then(|| {
            let x = self.vectors.rows(numbers(tokens), &device);
            self.mean(&x, context, &mut Seen::default()).select(0, chosen.clone())
        });
        let scaler = self.in_port.scaler.as_ref();
        self.out_port.forward(hidden.select(0, chosen), base, scaler, context.precision())
    }

    /// What the targets ask for, `[targets, size]`.
    pub fn wanted(&self, targets: &Targets, device: &Device) -> Tensor<2> {
        self.vectors.rows(targets.tokens.iter().map(|&t| t as usize), device)
    }
}
