//! `bantam-kernels`.
