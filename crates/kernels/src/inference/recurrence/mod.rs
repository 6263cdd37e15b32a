//! One position of the mixers that carry a state: what their inner loops do, on plain slices.

mod diagonal;
mod features;
mod gates;
mod long_convolution;
mod memory;
mod short_convolution;
mod wkv;

pub use diagonal::{Diagonal, diagonal};
pub use features::positive_features;
pub use gates::{gru, lstm, sigmoid, silu, silu_gate, tanh};
pub use long_convolution::long_convolution;
pub use memory::{Memory, remember};
pub use short_convolution::short_convolution;
pub use wkv::{Delta, wkv4, wkv7};

#[cfg(test)]
mod tests {
    /// Values between `-scale` and `scale`.
    pub fn noise(n: usize, seed: u32, scale: f32) -> Vec<f32> {
        let value =
            |i: u32| (i.wrapping_mul(2_654_435_761).wrapping_add(seed * 40_503) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        (1..=n as u32).map(|i| value(i) * scale).collect()
    }

    /// Compares with values in f64, to one part in a hundred thousand.
    pub fn close(got: &[f32], want: impl Iterator<Item = f64>, what: &str) {
        let want: Vec<f64> = want.collect();
        assert_eq!(got.len(), want.len(), "{what}");
        for (i, (got, want)) in got.iter().zip(want).enumerate() {
            assert!((f64::from(*got) - want).abs() < 1e-5 * (1.0 + want.abs()), "{what} {i}: {got} {want}");
        }
    }
}
