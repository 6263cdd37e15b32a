//! Number formats of weights on disk: how a row of f32 becomes bytes and back.
//!
//! [`DType`] names them all. ggml's block formats have a file for each family and implement [`BlockFormat`].

mod block;
mod dtype;
pub mod float16;
pub mod nf4;
mod q4;
mod q4_k;
mod q5;
mod q5_k;
mod q6_k;
mod q8_0;
mod rounding;
mod scale_search;
mod super_block;

pub use block::{BlockFormat, PAIR};
pub use dtype::DType;
pub use q4::{Q4_0, Q4_1};
pub use q4_k::Q4K;
pub use q5::{Q5_0, Q5_1};
pub use q5_k::Q5K;
pub use q6_k::Q6K;
pub use q8_0::Q8_0;
pub(crate) use super_block::sub_scales;
