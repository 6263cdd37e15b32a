//! How is noise turned into vectors? From the noisiest step to the least, deterministically (Song, Meng and Ermon 2021), guided away from what
//! would be said without a context (classifier-free guidance, Ho and Salimans 2022).

use bantam_core::seed;
use burn::tensor::{Tensor, TensorData};
use rand_distr::{Distribution, StandardNormal};

use super::denoiser::Denoising;
use super::schedule::{STEPS, noise_level};

/// How vectors are drawn. The defaults are those of the paper as we know them; its text was not at hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// Steps, 1 to [`STEPS`], spread evenly over those of training.
    pub steps: usize,
    /// How far the answer is moved from the one without a context; 1 leaves it, 0 takes the other.
    pub guidance: f64,
    /// Share of the guided answer that is brought back to the spread of the unguided one (Lin et al. 2024).
    pub rescale: f64,
    /// Factor of the noise that it starts from.
    pub initial_noise: f64,
    /// Divides the noise that an answer leaves, so that errors do not add up (Ning et al. 2024).
    pub noise_scaling: f64,
    /// The noise follows from it.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { steps: 40, guidance: 3.0, rescale: 0.7, initial_noise: 0.6, noise_scaling: 1.00045, seed: 0 }
    }
}

/// Normal values `[rows, size]`, the first rows the same whatever comes behind them.
pub(crate) fn noise(rows: usize, size: usize, seed: u64, name: &str) -> TensorData {
    let mut rng = seed::rng(seed, name);
    TensorData::new((0..rows * size).map(|_| StandardNormal.sample(&mut rng)).collect::<Vec<f32>>(), [rows, size])
}

impl Sampling {
    /// Vectors `[rows, size]` from noise of that shape. `denoise` says what a noisy vector was.
    pub(crate) fn draw(&self, noise: Tensor<2>, denoise: impl Fn(&Denoising<'_>) -> Tensor<2>) -> Tensor<2> {
        let rows = noise.dims()[0];
        let blind = Tensor::<2>::zeros([rows, 1], &noise.device());
        let mut x = noise * self.initial_noise as f32;
        let steps = self.steps.clamp(1, STEPS);
        // The last of n evenly spread steps is the noisiest.
        let step = |i: usize| (i + 1) * STEPS / steps - 1;
        for i in (0..steps).rev() {
            let (level, at) = (noise_level(step(i)), vec![step(i); rows]);
            let answer = |sees| denoise(&Denoising { noisy: x.clone(), steps: &at, sees });
            let seeing = answer(None);
            let clean = match self.guidance {
                1.0 => seeing,
                g => guided(seeing, answer(Some(blind.clone())), g as f32, self.rescale as f32),
            };
            if i == 0 {
                return clean;
            }
            let left = (x - clean.clone() * level.signal as f32) / (level.noise * self.noise_scaling) as f32;
            let next = noise_level(step(i - 1));
            x = clean * next.signal as f32 + left * next.noise as f32;
        }
        x
    }
}

/// `blind + guidance (seeing - blind)`, a share of it with the standard deviation, row by row, of `seeing`.
fn guided(seeing: Tensor<2>, blind: Tensor<2>, guidance: f32, rescale: f32) -> Tensor<2> {
    let moved = blind.clone() + (seeing.clone() - blind) * guidance;
    let spread = |x: Tensor<2>| (x.clone() - x.mean_dim(1)).square().mean_dim(1).sqrt();
    let back = moved.clone() * (spread(seeing) / (spread(moved.clone()) + 1e-8));
    back * rescale + moved * (1.0 - rescale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    fn values(x: Tensor<2>) -> Vec<f32> {
        x.into_data().try_into_vec().unwrap()
    }

    #[test]
    fn a_denoiser_that_knows_the_vector_leads_to_it_and_one_that_knows_the_distribution_draws_from_it() {
        let device = Device::flex();
        let start = |rows| Tensor::<2>::from_data(noise(rows, 2, 5, "t"), &device);
        let wanted = Tensor::<2>::from_data(TensorData::new(vec![1.0f32, -2.0, 0.5, 3.0], [2, 2]), &device);
        for steps in [1, 7, 40, 100] {
            let sampling = Sampling { steps, guidance: 1.0, ..Sampling::default() };
            assert_eq!(values(sampling.draw(start(2), |_| wanted.clone())), values(wanted.clone()));
        }
        // The best denoiser of vectors with mean m and deviation s says m + s^2 a (x - a m) / (s^2 a^2 + b^2): what is drawn has both.
        let (mean, spread) = (0.7f32, 0.5f32);
        let best = |d: &Denoising<'_>| {
            let level = noise_level(d.steps[0]);
            let (a, b) = (level.signal as f32, level.noise as f32);
            (d.noisy.clone() - a * mean) * (spread * spread * a / (spread * spread * a * a + b * b)) + mean
        };
        let sampling =
            Sampling { steps: 100, guidance: 1.0, initial_noise: 1.0, noise_scaling: 1.0, ..Sampling::default() };
        let drawn = values(sampling.draw(start(4000), best));
        let n = drawn.len() as f32;
        let m = drawn.iter().sum::<f32>() / n;
        let s = (drawn.iter().map(|v| (v - m).powi(2)).sum::<f32>() / n).sqrt();
        assert!((m - mean).abs() < 0.03 && (s - spread).abs() < 0.03, "{m} {s}");
    }

    #[test]
    fn guidance_moves_away_from_the_blind_answer() {
        let of = |v: Vec<f32>| Tensor::<2>::from_data(TensorData::new(v, [1, 2]), &Device::flex());
        let (seeing, blind) = (of(vec![1.0, -1.0]), of(vec![0.5, 0.0]));
        assert_eq!(values(guided(seeing.clone(), blind.clone(), 3.0, 0.0)), [2.0, -3.0]);
        // Wholly rescaled: the deviation of (1, -1) is 1, that of (2, -3) is 2.5.
        assert!(values(guided(seeing, blind, 3.0, 1.0)).iter().zip([0.8, -1.2]).all(|(a, b)| (a - b).abs() < 1e-5));
    }
}
