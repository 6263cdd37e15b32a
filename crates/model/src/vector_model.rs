//! A vector model: in-port, backbone, out-port.

use std::sync::Arc;

use bantam_core::seed;
use bantam_formats::{VectorConfig, VectorPorts};
use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt as _;

use crate::backbone::Backbone;
use crate::block::BlockState;
use crate::context::SequenceContext;
use crate::diffusion::{Denoiser, Denoising, NoiseLevel, STEPS, Sampling, noise, noise_level};
use crate::ports::{Targets, index};
use crate::vector_ports::{VectorInPort, VectorOutPort};
use crate::vectors::{Seen, Vectors, numbers};

/// Vectors to vectors: each answer says what comes next, or what is asked for.
#[derive(Module, Debug)]
pub struct VectorModel {
    in_port: VectorInPort,
    backbone: Backbone,
    denoiser: Option<Denoiser>,
    out_port: VectorOutPort,
    #[module(skip)]
    adds_mean: bool,
    #[module(skip)]
    sampling: Sampling,
    #[module(skip)]
    vectors: Arc<Vectors>,
}

/// What a model carries from one chunk of a sequence to the next.
#[derive(Clone, Debug, Default)]
pub struct VectorState {
    blocks: Vec<BlockState>,
    seen: Seen,
    /// What the blocks made of all vectors so far, `[batch, time, width]`, for a denoiser.
    encoded: Option<Tensor<3>>,
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
            denoiser: (config.ports == VectorPorts::Diffusion).then(|| Denoiser::new(config, device)),
            out_port: VectorOutPort::new(config, device),
            adds_mean: config.ports == VectorPorts::Residual,
            sampling: Sampling::default(),
            vectors,
        }
    }

    /// The same model that draws vectors in another way, where its ports are diffusion's.
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
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
        let y = match &self.denoiser {
            Some(_) => {
                let before = state.encoded.as_ref().map_or(0, |all| all.dims()[1]);
                let all = Tensor::cat(state.encoded.take().into_iter().chain([hidden]).collect(), 1);
                state.encoded = context.is_whole_rows().then(|| all.clone());
                self.drawn(all.reshape([batch * (before + time), width]), before, context)
            }
            None => {
                let scaler = self.in_port.scaler.as_ref();
                self.out_port.forward(hidden.reshape([batch * time, width]), base, scaler, context.precision())
            }
        };
        y.reshape([batch, time, size])
    }

    /// Vectors drawn from noise for every row, `[batch * time, size]`. The noise of a row follows from its place in its item alone.
    fn drawn(&self, hidden: Tensor<2>, before: usize, context: &SequenceContext) -> Tensor<2> {
        let (device, size) = (hidden.device(), self.vectors.size());
        let places: Vec<i32> = context.positions(before).into_iter().map(|p| p as i32).collect();
        let (rows, longest) = (places.len(), places.iter().max().map_or(0, |p| *p as usize + 1));
        let noise = Tensor::<2>::from_data(noise(longest, size, self.sampling.seed, "sampling"), &device);
        let noise = noise.select(0, Tensor::<1, Int>::from_data(TensorData::new(places, [rows]), &device));
        let drawn = self.sampling.draw(noise, |d| self.denoised(d, hidden.clone(), before, context));
        self.in_port.scaler.as_ref().map_or(drawn.clone(), |scaler| scaler.restored(drawn))
    }

    /// What noisy vectors were, as the scaler normalizes them; `[rows, size]`.
    fn denoised(
        &self,
        denoising: &Denoising<'_>,
        hidden: Tensor<2>,
        before: usize,
        context: &SequenceContext,
    ) -> Tensor<2> {
        let Some(denoiser) = &self.denoiser else { return denoising.noisy.clone() };
        let y = denoiser.forward(denoising, hidden, before, context);
        self.out_port.forward(y, None, None, context.precision())
    }

    /// Mean squared error of the targets as they are told from noisy ones, each at a step of its own; a share `blind` of them is told without
    /// the context. What is drawn follows from `seed`. `hidden` is [`hidden`](Self::hidden) of the same numbers.
    ///
    /// # Panics
    /// If the model's ports are not diffusion's.
    pub fn diffusion_loss(
        &self,
        hidden: Tensor<2>,
        context: &SequenceContext,
        targets: &Targets,
        blind: f64,
        seed: u64,
    ) -> Tensor<1> {
        assert!(self.denoiser.is_some(), "diffusion without a denoiser");
        let (device, size) = (hidden.device(), self.vectors.size());
        let rows = context.batch() * context.time();
        let mut wanted = vec![0f32; rows * size];
        for (&row, &number) in targets.rows.iter().zip(targets.tokens.iter()) {
            wanted[row as usize * size..][..size].copy_from_slice(self.vectors.get(number as usize));
        }
        let wanted = Tensor::<2>::from_data(TensorData::new(wanted, [rows, size]), &device);
        let clean = self.in_port.scaler.as_ref().map_or(wanted.clone(), |scaler| scaler.normalized(wanted));
        let mut rng = seed::rng(seed, "diffusion");
        let steps: Vec<usize> = (0..rows).map(|_| rng.random_range(0..STEPS)).collect();
        let sees: Vec<f32> = (0..rows).map(|_| f32::from(u8::from(rng.random::<f64>() >= blind))).collect();
        let column = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [rows, 1]), &device);
        let level = |of: fn(NoiseLevel) -> f64| column(steps.iter().map(|&s| of(noise_level(s)) as f32).collect());
        let noise = Tensor::<2>::from_data(noise(rows, size, seed, "diffusion/noise"), &device);
        let noisy = clean.clone() * level(|l| l.signal) + noise * level(|l| l.noise);
        let denoising = Denoising { noisy, steps: &steps, sees: Some(column(sees)) };
        let error = self.denoised(&denoising, hidden, 0, context) - clean;
        error.select(0, index(&targets.rows, &device)).square().mean()
    }

    /// What the blocks make of vectors, `[batch, time, size] -> [batch, time, width]`.
    pub fn encoded(&self, x: Tensor<3>, codes: &[u32], context: &SequenceContext) -> Tensor<3> {
        let [batch, time, size] = x.dims();
        let x = self.entered(x.reshape([batch * time, size]), codes, context);
        self.backbone.forward(x, context, &mut Vec::new())
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
        let chosen = index(&targets.rows, &device);
        if self.denoiser.is_some() {
            return self.drawn(hidden, 0, context).select(0, chosen);
        }
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
