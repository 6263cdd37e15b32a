//! Kernels of the forward pass for one token and for batches, without gradients.
//!
//! Weights are repacked once into panels of 16 rows ([`PackedMatrix`]), so that one vector register holds the same
//! column of 16 rows and no product needs a horizontal sum. The attention cache uses the same panels. Every product
//! accumulates over columns in one fixed order whatever the number of tokens, so that a prefill and the same tokens
//! given one by one agree bit for bit on one machine.

pub mod activation;
pub mod attention;
pub mod bandwidth;
mod cache;
mod isa;
mod lines;
pub mod norm;
mod packed;
mod panel_blocks;
mod pool;
mod products;
pub mod recurrence;
pub mod rope;
mod weight_memory;

pub use cache::{CacheFormat, KeyValueCache};
pub use isa::Isa;
pub use lines::Lines;
pub use packed::{PackedMatrix, PackedRows};
pub use pool::Pool;
pub use products::{ProductInput, multiply};
pub use weight_memory::WeightMemory;

/// Rows of one panel: the lanes of a 512-bit register of f32.
pub const PANEL: usize = 16;
