//! Dropout (Srivastava et al. 2014): in training a share of the values is zero and the rest scaled up, so that no value
//! can be relied on alone. Applied to the embedding and to what each mixer adds to the residual stream.
//!
//! Which values are dropped follows from a seed and a place alone: a step that is run again, after a crash or by gradient
//! checkpointing, drops the same ones.

use bantam_core::seed;
use burn::tensor::{Tensor, TensorData};
use rand::Rng as _;

/// What one pass drops.
#[derive(Clone, Debug, PartialEq)]
pub struct Dropout {
    /// Share of the values that become zero, 0 to below 1.
    pub rate: f32,
    /// Another seed drops other values.
    pub seed: u64,
}

impl Dropout {
    /// `x` with its share of zeros, drawn for `place`.
    pub(crate) fn apply<const D: usize>(&self, x: Tensor<D>, place: &str) -> Tensor<D> {
        let shape = x.shape();
        let mut words = vec![0u8; 2 * shape.num_elements()];
        seed::rng(self.seed, place).fill_bytes(&mut words);
        let (kept, least) = (1.0 / (1.0 - self.rate), (self.rate * 65_536.0).round() as u32);
        let scale = |word: &[u8]| if u32::from(u16::from_le_bytes([word[0], word[1]])) < least { 0.0 } else { kept };
        let mask: Vec<f32> = words.chunks_exact(2).map(scale).collect();
        let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn its_share_is_zero_the_mean_stays_and_the_place_decides() {
        let ones = || Tensor::<2>::ones([200, 100], &Device::flex());
        let of = |seed, place: &str| -> Vec<f32> {
            Dropout { rate: 0.3, seed }.apply(ones(), place).into_data().try_into_vec().unwrap()
        };
        let values = of(1, "a");
        let zeros = values.iter().filter(|&&v| v == 0.0).count() as f64 / values.len() as f64;
        assert!((zeros - 0.3).abs() < 0.02, "{zeros}");
        assert!(values.iter().all(|&v| v == 0.0 || v == 1.0 / 0.7));
        assert_eq!(values, of(1, "a"));
        assert_ne!(values, of(1, "b"));
        assert_ne!(values, of(2, "a"));
    }
}
