//! Rotary frequencies: the plain ones and the ways of stretching them that config files name.

use bantam_core::{Error, Result};

/// How rotary frequencies are changed for longer sequences.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Every frequency divided by `factor` (position interpolation).
    Linear {
        /// The divisor.
        factor: f64,
    },
    /// Llama 3.1's rule: low frequencies divided by `factor`, high ones kept, those between blended.
    Llama3 {
        /// Divisor of the low frequencies.
        factor: f64,
        /// Wavelengths above `original_max_position_embeddings / low_freq_factor` count as low.
        low_freq_factor: f64,
        /// Wavelengths under `original_max_position_embeddings / high_freq_factor` count as high.
        high_freq_factor: f64,
        /// Length the model was first trained on.
        original_max_position_embeddings: usize,
    },
    /// Only the first so many of a head's values are rotated, as if they were the whole head (`partial_rotary_factor`); the
    /// others stay as they are.
    Partial {
        /// Share of the head.
        factor: f64,
    },
    /// One divisor for each frequency, `head_dim / 2` of them: how GGUF stores Llama 3.1's rule (`rope_freqs.weight`).
    Divisors(Vec<f32>),
}

impl RopeScaling {
    pub(crate) fn validate(&self, place: &str, head_dim: usize) -> Result<()> {
        let bad = |what: String| Err(Error::input(format!("{place}: rope_scaling"), what, "correct the value"));
        let positive = |v: f64| v.is_finite() && v > 0.0;
        match self {
            Self::Linear { factor } if !positive(*factor) => bad(format!("factor {factor} is not positive")),
            Self::Llama3 { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings } => {
                if ![*factor, *low, *high].into_iter().all(positive) || *original_max_position_embeddings == 0 {
                    return bad("a factor or the original length is not positive".into());
                }
                if high <= low {
                    return bad(format!("high_freq_factor {high} is not above low_freq_factor {low}"));
                }
                Ok(())
            }
            Self::Partial { factor } => match rotated(head_dim, *factor) {
                n if (2..=head_dim).contains(&n) && n.is_multiple_of(2) => Ok(()),
                n => bad(format!("partial_rotary_factor {factor} rotates {n} of a head's {head_dim} values")),
            },
            Self::Divisors(d) if d.len() != head_dim / 2 => {
                bad(format!("{} frequency divisors where head_dim asks for {}", d.len(), head_dim / 2))
            }
            Self::Divisors(d) if !d.iter().all(|v| v.is_finite() && *v > 0.0) => {
                bad("a frequency divisor is not positive".into())
            }
            _ => Ok(()),
        }
    }

    /// The divisor of every frequency, in f32 as GGUF keeps them; `None` for the rules that GGUF names instead.
    pub(crate) fn divisors(&self, head_dim: usize, theta: f64) -> Option<Vec<f32>> {
        match self {
            Self::Linear { .. } | Self::Partial { .. } => None,
            Self::Divisors(d) => Some(d.clone()),
            Self::Llama3 { .. } => {
                let plain = inverse_frequencies(head_dim, theta, None);
                let scaled = inverse_frequencies(head_dim, theta, Some(self));
                Some(plain.iter().zip(scaled).map(|(p, s)| p / s).collect())
            }
        }
    }
}

/// Values of a head that rotate.
pub(crate) fn rotated(head_dim: usize, factor: f64) -> usize {
    (head_dim as f64 * factor) as usize
}

/// Inverse frequencies `theta^(-2i / head_dim)` for i in `0..head_dim / 2`, in f32 step by step as `transformers` makes them,
/// then scaled. A position's angle is position times these; the pair rotated together is (i, i + head_dim / 2).
pub fn inverse_frequencies(head_dim: usize, theta: f64, scaling: Option<&RopeScaling>) -> Vec<f32> {
    let plain = (0..head_dim / 2).map(|i| 1.0 / (theta as f32).powf(2.0 * i as f32 / head_dim as f32));
    match scaling {
        None => plain.collect(),
        Some(RopeScaling::Partial { factor }) => {
            let mut frequencies = inverse_frequencies(rotated(head_dim, *factor), theta, None);
            frequencies.resize(head_dim / 2, 0.0);
            frequencies
        }
        Some(RopeScaling::Linear { factor }) => plain.map(|f| f / *factor as f32).collect(),
        Some(RopeScaling::Divisors(divisors)) => plain.zip(divisors).map(|(f, d)| f / d).collect(),
        Some(RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_position_embeddings }) => {
            let (factor, low, high) = (*factor as f32, *low_freq_factor as f32, *high_freq_factor as f32);
            let original = *original_max_position_embeddings as f32;
            plain
                .map(|f| {
                    let wavelength = 2.0 * std::f32::consts::PI / f;
                    if wavelength < original / high {
                        f
                    } else if wavelength > original / low {
                        f / factor
                    } else {
                        let smooth = (original / wavelength - low) / (high - low);
                        (1.0 - smooth) * f / factor + smooth * f
                    }
                })
                .collect()
        }
    }
}
