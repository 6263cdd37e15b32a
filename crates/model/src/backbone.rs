//! A stack of blocks: vectors in, vectors out. Knows nothing of tokens.

use std::sync::Arc;

use bantam_formats::ModelConfig;
use bantam_kernels::training::attention::RotaryTable;
use burn::module::Module;
use burn::tensor::{Device, Tensor};

use crate::block::{Block, BlockState};
use crate::context::SequenceContext;
use crate::mixers::Crossing;

/// Blocks in order.
#[derive(Module, Debug)]
pub struct Backbone {
    blocks: Vec<Block>,
}

impl Backbone {
    /// A backbone of the configured shape; matrices are zero.
    pub fn new(config: &ModelConfig, device: &Device) -> Self {
        let frequencies = match config.architecture.learns_positions() {
            // Nothing turns.
            true => vec![0.0; config.head_dim / 2],
            false => config.rope_inverse_frequencies(),
        };
        let rotary = Arc::new(RotaryTable::new(&frequencies, config.max_position_embeddings));
        let blocks =
            (0..config.num_hidden_layers).map(|layer| Block::new(layer, config, rotary.clone(), device)).collect();
        Self { blocks }
    }

    /// The blocks, to change them.
    pub(crate) fn blocks_mut(&mut self) -> &mut [Block] {
        &mut self.blocks
    }

    /// The blocks.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// `[batch, time, width] -> [batch, time, width]`. `states`, one for each block, is read and replaced; pass an
    /// empty vector to start.
    pub fn forward(&self, mut x: Tensor<3>, context: &SequenceContext, states: &mut Vec<BlockState>) -> Tensor<3> {
        states.resize(self.blocks.len(), BlockState::default());
        let mut crossing = Crossing::default();
        for (block, state) in self.blocks.iter().zip(states) {
            (x, *state) = block.forward(x, context, std::mem::take(state), &mut crossing);
        }
        x
    }
}
