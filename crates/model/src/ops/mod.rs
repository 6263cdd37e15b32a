//! Operations that a CPU does much faster fused: each has a body of plain Burn operations, which every backend runs
//! and tests compare with, and a fused form for Burn's Flex backend (`flex.rs`) with its own backward pass
//! (`autodiff.rs`).
//!
//! Reduced precision is a property of the fused forms; the composed ones compute in their tensors' type.

mod attention;
mod autodiff;
mod cross_entropy;
mod feed_forward;
mod flex;
mod linear;
mod projected_attention;
mod rms_norm;
mod sequence;
mod swiglu;

pub use attention::{AttentionSpec, Segment, causal_attention, composed_attention, composed_causal_attention};
pub use cross_entropy::{composed_linear_cross_entropy, linear_cross_entropy, summed_cross_entropy};
pub use feed_forward::{GatedMaps, composed_feed_forward, feed_forward};
pub(crate) use flex::change_values;
pub use linear::{Map, composed_linear, linear};
pub use projected_attention::{composed_projected_attention, projected_attention};
pub use rms_norm::{composed_rms_norm, rms_norm};
pub use sequence::sequence;
pub use swiglu::{composed_swiglu, swiglu};

use burn::tensor::{Device, Tensor};

/// Whether the fused forms apply to this tensor: it is f32 on the Flex backend, with or without gradients.
pub(crate) fn is_flex<const D: usize>(x: &Tensor<D>) -> bool {
    // Devices compare without regard to autodiff.
    x.device() == Device::flex() && x.dtype() == burn::tensor::DType::F32
}
