//! Fused forward and backward kernels of training.
