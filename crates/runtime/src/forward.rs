//! The way of tokens through all blocks to logits, whatever the sequences they belong to.

use bantam_kernels::inference::multiply;

use crate::block::{Inner, Second};
use crate::mixers::{AnyMixer, Scratch, room};
use crate::model::Model;

/// Tokens that run through all layers at once: bounds the buffers, large enough to reuse weights well.
pub(crate) const CHUNK: usize = 128;

/// Activations, kept between tokens.
#[derive(Default)]
pub(crate) struct Buffers {
    x: Vec<f32>,
    normed: Vec<f32>,
    mixed: Vec<f32>,
    inner: Inner,
    /// The last logits asked for.
    pub logits: Vec<f32>,
    pub scratch: Scratch,
}

impl Buffers {
    /// All blocks over `tokens`, whose positions `position(row)` tells; `mix(place, mixer, x, scratch, out)` runs a mixer, whose state
    /// stands at `place` among those of [`Model::new_states`].
    /// Leaves the final hidden states for [`project`](Self::project).
    pub fn forward(
        &mut self,
        model: &Model,
        tokens: &[u32],
        position: impl Fn(usize) -> usize,
        mut mix: impl FnMut(usize, &dyn AnyMixer, &[f32], &mut Scratch, &mut [f32]),
    ) {
        let (n, width) = (tokens.len(), model.config.hidden_size);
        let (isa, pool) = (model.isa, model.pool(n));
        let Self { x, normed, mixed, inner, scratch, .. } = self;
        let (x, normed, mixed) = (room(x, n * width), room(normed, n * width), room(mixed, n * width));
        for (token, row) in tokens.iter().zip(x.chunks_exact_mut(width)) {
            model.embedding.read_row(*token as usize, row);
        }
        if let Some(positions) = &model.positions {
            for (index, row) in x.chunks_exact_mut(width).enumerate() {
                let learned = &mut normed[..width];
                positions.read_row(position(index), learned);
                row.iter_mut().zip(learned).for_each(|(x, p)| *x += *p);
            }
        }
        if let Some(norm) = &model.embedding_norm {
            norm.apply(isa, x, normed);
            x.copy_from_slice(normed);
        }
        for (layer, block) in model.blocks.iter().enumerate() {
            block.mixer_norm.apply(isa, x, normed);
            mix(layer, block.mixer.as_ref(), normed, scratch, mixed);
            x.iter_mut().zip(&*mixed).for_each(|(x, y)| *x += y);
            if let Some((norm, second)) = &block.second {
                norm.apply(isa, x, normed);
                match second {
                    Second::FeedForward(maps) => maps.apply(isa, pool, normed, n, &mut scratch.product, inner, mixed),
                    Second::ChannelMix(mixer) => {
                        mix(model.blocks.len() + layer, mixer.as_ref(), normed, scratch, mixed);
                    }
                }
                x.iter_mut().zip(&*mixed).for_each(|(x, y)| *x += y);
            }
        }
    }

    /// Logits of rows `first..first + rows` of the last tokens, into `logits` from `at` on (`[rows, vocab_size]`).
    pub fn project(&mut self, model: &Model, first: usize, rows: usize, at: usize) {
        let (width, vocab) = (model.config.hidden_size, model.config.vocab_size);
        let Self { x, normed, logits, scratch, .. } = self;
        let normed = room(normed, rows * width);
        model.final_norm.apply(model.isa, &x[first * width..(first + rows) * width], normed);
        let output = model.output.as_ref().unwrap_or(&model.embedding);
        let logits = &mut logits[at..at + rows * vocab];
        multiply(model.isa, model.pool(rows), output, normed, rows, &mut scratch.product, logits, vocab);
    }
}
