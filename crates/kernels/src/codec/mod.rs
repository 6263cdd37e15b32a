//! Number formats of weights on disk: how a row of f32 becomes bytes and back.

pub mod float16;
pub mod nf4;
pub mod q8_0;
