//! Fused forward and backward kernels of training, on row-major f32 slices.
//!
//! Every kernel is deterministic for a given number of threads or fewer: work is cut by shape, never by timing, and
//! partial sums are added in a fixed order.

pub mod adamw;
pub mod attention;
pub mod cross_entropy;
mod disjoint;
pub mod feed_forward;
pub mod gates;
pub mod left;
pub mod linear;
pub mod newton_schulz;
mod pack;
#[cfg(target_arch = "x86_64")]
mod pairs;
pub mod panels;
mod parts;
mod prefetch;
pub mod projected_attention;
pub mod rms_norm;
pub mod sequence;
pub mod sum_of_squares;
mod sums;
pub mod swiglu;
mod tile;
mod weight_sums;
