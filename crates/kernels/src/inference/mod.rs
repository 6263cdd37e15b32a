//! Kernels of the forward pass for one token and for batches, without gradients.
