//! Multi-query associative recall over vectors: as MQAR, with keys and values that are drawn at random for every item, so that nothing
//! about them can be learned but how to look one up by the other.

use std::collections::HashMap;

use bantam_core::seed::Rng;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::{Mqar, Wrong};
use crate::packing::Example;

/// The places of [`Mqar`]. A key is `size` components from a normal distribution followed by as many zeros, a value the reverse, both of an
/// expected length of 1; all other positions are zeros. The answer to a key is right when its value is the nearest of the item's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorMqar {
    /// Components of a key, and of a value.
    pub size: usize,
    /// Vectors of a sequence; even.
    pub length: usize,
    /// Pairs, and so questions.
    pub pairs: usize,
    /// `a` of the power law by which questions follow.
    pub power: f64,
}

/// The number of the vector of zeros.
const EMPTY: u32 = 0;

impl VectorMqar {
    /// The same places, with a token for each key and value.
    fn places(&self) -> Mqar {
        let vocabulary = self.pairs.saturating_add(1).saturating_mul(2);
        Mqar { vocabulary, length: self.length, pairs: self.pairs, power: self.power, random_elsewhere: false }
    }

    /// Components of a vector.
    pub fn vector_size(&self) -> usize {
        2 * self.size
    }

    pub(super) fn wrong(&self) -> Wrong {
        if self.size == 0 || self.size > 4096 {
            return Some((format!("keys of {} components", self.size), "give 1 to 4096; usual are 8 to 64"));
        }
        self.places().wrong()
    }

    /// An item, whose vectors are appended to `vectors`; the first there is that of zeros.
    pub(super) fn item(&self, rng: &mut Rng, vectors: &mut Vec<f32>) -> Example {
        let size = self.vector_size();
        if vectors.is_empty() {
            vectors.resize(size, 0.0);
        }
        let places = self.places();
        let drawn = places.item(rng);
        let mut numbers: HashMap<u32, u32> = [(0, EMPTY)].into();
        let mut number = |token: u32| {
            *numbers.entry(token).or_insert_with(|| {
                let next = (vectors.len() / size) as u32;
                let is_key = (token as usize) < places.vocabulary / 2;
                let first = vectors.len() + if is_key { 0 } else { self.size };
                vectors.resize(vectors.len() + size, 0.0);
                vectors[first..first + self.size].fill_with(|| normal(rng) / (self.size as f32).sqrt());
                next
            })
        };
        let tokens = drawn.tokens.iter().map(|t| number(*t)).collect();
        let labels = drawn.labels.iter().map(|t| number(*t)).collect();
        // There is no text: nothing is counted in bytes.
        Example { tokens, labels, answer_bytes: 0, ..drawn }
    }
}

/// A normal value, by Box and Muller.
fn normal(rng: &mut Rng) -> f32 {
    let (u, v): (f64, f64) = (1.0 - rng.random::<f64>(), rng.random());
    ((-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    #[test]
    fn an_item_has_vectors_of_its_own_and_each_key_asks_for_its_value() {
        let task = VectorMqar { size: 8, length: 24, pairs: 5, power: 0.01 };
        let (mut rng, mut vectors) = (seed::rng(1, "t"), Vec::new());
        let items: Vec<Example> = (0..20).map(|_| task.item(&mut rng, &mut vectors)).collect();
        assert_eq!(vectors.len() / 16, 1 + 20 * 10);
        let vector = |n: u32| &vectors[n as usize * 16..][..16];
        assert!(vector(EMPTY).iter().all(|v| *v == 0.0));
        for item in &items {
            for pair in 0..5 {
                let (key, value) = (item.tokens[2 * pair], item.tokens[2 * pair + 1]);
                assert!(vector(key)[8..].iter().all(|v| *v == 0.0) && vector(value)[..8].iter().all(|v| *v == 0.0));
                let asked = item.asked().find(|(at, _)| item.tokens[at - 1] == key).unwrap();
                assert_eq!(asked.1, value);
            }
            assert_eq!(item.asked().count(), 5);
        }
        let square: f32 = vectors.iter().map(|v| v * v).sum::<f32>() / 200.0;
        assert!((square - 1.0).abs() < 0.1, "{square}");
    }
}
