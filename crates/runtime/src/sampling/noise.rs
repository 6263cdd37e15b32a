//! The randomness of sampling: a number for every place in the text and every token.
//!
//! A token is drawn by a race (Gumbel 1954; Efraimidis and Spirakis 2006): every token gets an exponential time divided by its
//! weight, and the first one wins, each with its probability. The time depends on nothing but the seed, the place and the
//! token. So a draft model that races with the same times often names the very token that the model will draw (Daliri,
//! Musco and Suresh 2024), and what the model draws does not depend on whether anything was drafted.

use bantam_core::seed;
use rand::RngExt as _;

/// The noise of one generation.
pub(super) struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed::rng(seed, "sampling").random())
    }

    /// The noise at a place in the text.
    pub fn at(&self, place: usize) -> PlaceNoise {
        PlaceNoise(mix(self.0.wrapping_add((place as u64).wrapping_mul(GOLDEN))))
    }
}

/// The noise of all tokens at one place.
#[derive(Clone, Copy)]
pub(super) struct PlaceNoise(u64);

impl PlaceNoise {
    /// Uniform in (0, 1]: a token's time is minus its logarithm.
    pub fn uniform(self, token: u32) -> f64 {
        let bits = mix(self.0.wrapping_add(u64::from(token).wrapping_mul(GOLDEN)));
        ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64
    }
}

/// 2^64 divided by the golden ratio: SplitMix64's step (Steele, Lea and Flood 2014).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's output function.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
