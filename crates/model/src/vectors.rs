//! Vectors by number: what items of numbers stand for where a model reads vectors.

use bantam_core::hash;
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::context::SequenceContext;

/// Vectors of one size, a domain code for each, and what a model must know of them before it learns. To a vector model this is
/// what an embedding is to a token model, given and not learned: the same items, order, batches and checks serve both.
#[derive(Clone, PartialEq)]
pub struct Vectors {
    size: usize,
    values: Vec<f32>,
    domains: Vec<u32>,
    hash: String,
}

impl Vectors {
    /// Vectors of `size` components one after the other; `domains` has a code for each, or none at all.
    ///
    /// # Panics
    /// If the values are no whole vectors, or the codes are not as many.
    pub fn new(size: usize, values: Vec<f32>, domains: Vec<u32>) -> Self {
        assert!(size > 0 && values.len().is_multiple_of(size), "vectors of another size");
        assert!(domains.is_empty() || domains.len() == values.len() / size, "a domain code for each vector");
        let codes = domains.iter().flat_map(|d| d.to_le_bytes());
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).chain(codes).collect();
        Self { size, values, domains, hash: hash::bytes(&bytes) }
    }

    /// None yet, for a model that is only given vectors themselves.
    pub fn none(size: usize) -> Self {
        Self::new(size, Vec::new(), Vec::new())
    }

    /// Components of a vector.
    pub fn size(&self) -> usize {
        self.size
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.size
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// One of them.
    pub fn get(&self, number: usize) -> &[f32] {
        &self.values[number * self.size..][..self.size]
    }

    /// These of them, one after the other.
    pub fn gather(&self, numbers: impl IntoIterator<Item = usize>) -> Vec<f32> {
        numbers.into_iter().flat_map(|n| self.get(n)).copied().collect()
    }

    /// The domain codes of these; none where there are none.
    pub(crate) fn codes(&self, numbers: &[usize]) -> Vec<u32> {
        if self.domains.is_empty() { Vec::new() } else { numbers.iter().map(|&n| self.domains[n]).collect() }
    }

    /// These of them as rows `[numbers, size]`.
    pub fn rows(&self, numbers: impl IntoIterator<Item = usize>, device: &Device) -> Tensor<2> {
        let values = self.gather(numbers);
        let rows = values.len() / self.size;
        Tensor::from_data(TensorData::new(values, [rows, self.size]), device)
    }
}

/// Their number, size and hash: what tells them from others.
impl std::fmt::Debug for Vectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vectors({} of {}, {})", self.len(), self.size, self.hash)
    }
}

/// The numbers in a batch of items, in row-major order.
pub(crate) fn numbers(tokens: Tensor<2, Int>) -> Vec<usize> {
    tokens.into_data().iter::<i64>().map(|n| n as usize).collect()
}

/// What is known of the vectors of each row of a batch that came before: their sum and number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    /// `[batch * size]`; empty before the first.
    sums: Vec<f64>,
    count: usize,
}

impl Seen {
    /// The mean of each item's vectors up to and with each of `x` (`[batch * time, size]`); zeros outside items. Takes `x` in where every
    /// row is one item, as a carried state needs.
    ///
    /// # Panics
    /// If vectors came before and rows of the batch are not one item each.
    pub(crate) fn running_mean(&mut self, x: &[f32], size: usize, context: &SequenceContext) -> Vec<f32> {
        assert!(self.count == 0 || context.is_whole_rows(), "a carried mean needs one item a row");
        let mut means = vec![0f32; x.len()];
        let mut sums = Vec::new();
        for (at, span) in context.spans().iter().enumerate() {
            let mut sum = self.sums.get(at * size..(at + 1) * size).map_or(vec![0f64; size], <[f64]>::to_vec);
            for t in 0..span.len {
                let row = (span.start + t) * size..(span.start + t + 1) * size;
                let seen = (self.count + t + 1) as f64;
                for ((mean, value), sum) in means[row.clone()].iter_mut().zip(&x[row]).zip(&mut sum) {
                    *sum += f64::from(*value);
                    *mean = (*sum / seen) as f32;
                }
            }
            sums.extend(sum);
        }
        if context.is_whole_rows() {
            *self = Self { sums, count: self.count + context.time() };
        }
        means
    }
}
