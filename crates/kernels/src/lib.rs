//! CPU kernels and block codecs on plain slices, chosen at run time. No tensor framework, no I/O, no other Bantam crate.

pub mod codec;
pub mod inference;
pub mod memory;
pub mod multiversion;
pub mod ridge;
pub mod similarity;
pub mod training;
