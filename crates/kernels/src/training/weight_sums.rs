//! How are the gradients of weights summed over rows? `d_y^T x`, chunk by chunk on each thread, and over the threads at the end.
//!
//! One operand of the product is packed as it lies, the other one is turned, which takes several times as long. So the narrower is turned, and where
//! that is `x`, the sum is the transpose, `x^T d_y`, until the end.

use rayon::prelude::*;

use super::disjoint::{Disjoint, Unfilled};
use super::left::{LeftRoom, Strided};
use super::pack::{SIDE, transposed};
use super::panels::{Onto, Panels, Precision, multiply};
use super::parts::sum;
use crate::multiversion::multiversion;

/// One thread's sum.
pub(super) struct WeightSums {
    /// Outputs of each weight; they lie side by side in `d_y`.
    outputs: Vec<usize>,
    /// Inputs of all of them.
    inputs: usize,
    /// Which operand is packed: `d_y`, or `x`.
    packs_outputs: bool,
    packed: Panels,
    /// `[inputs, outputs in all]` if outputs are packed, else the transpose; empty before the first rows.
    sum: Vec<f32>,
}

impl WeightSums {
    /// The wider operand is packed.
    pub(super) fn new(precision: Precision, outputs: &[usize], inputs: usize) -> Self {
        let packs_outputs = outputs.iter().sum::<usize>() > inputs;
        Self { outputs: outputs.to_vec(), inputs, packs_outputs, packed: Panels::empty(precision), sum: Vec::new() }
    }

    /// `d_y` is packed.
    pub(super) fn packing_outputs(precision: Precision, outputs: &[usize], inputs: usize) -> Self {
        Self { packs_outputs: true, ..Self::new(precision, outputs, inputs) }
    }

    /// `x` is packed.
    pub(super) fn packing_inputs(precision: Precision, outputs: &[usize], inputs: usize) -> Self {
        Self { packs_outputs: false, ..Self::new(precision, outputs, inputs) }
    }

    /// Width of what is packed, and of what is turned.
    fn widths(&self) -> (usize, usize) {
        let outputs = self.outputs.iter().sum();
        if self.packs_outputs { (outputs, self.inputs) } else { (self.inputs, outputs) }
    }

    /// Makes room for `rows` rows of what is packed.
    pub(super) fn begin(&mut self, rows: usize) {
        self.packed.begin(rows, self.widths().0);
    }

    /// Packs rows from `at` on, an even number except for the last ones.
    pub(super) fn pack(&mut self, at: usize, rows: &[f32]) {
        let rows: Vec<&[f32]> = rows.chunks_exact(self.widths().0).collect();
        self.packed.set_some_rows(at, &rows);
    }

    /// Adds the product of the `rows` packed rows with these of the other operand.
    pub(super) fn add_turned(&mut self, rows: usize, turned: &[f32], room: &mut LeftRoom) {
        let (packed, width) = self.widths();
        let left = Strided::columns(&turned[..rows * width], width);
        let mut add = |to: &Disjoint<'_>, onto| {
            // SAFETY: the whole buffer, which this thread alone holds.
            let to = unsafe { to.range(0, width * packed) };
            multiply(width, left, self.packed.all(), to, packed, onto, room);
        };
        if self.sum.is_empty() {
            let mut fresh = Unfilled::new(width * packed);
            add(&fresh.room(), Onto::Replace);
            // SAFETY: a product that replaces writes every value.
            self.sum = unsafe { fresh.filled() };
        } else {
            add(&Disjoint::new(&mut self.sum), Onto::Add);
        }
    }

    /// Adds `rows` rows: `d_y` `[rows, outputs in all]`, `x` `[rows, inputs]`.
    pub(super) fn add(&mut self, rows: usize, d_y: &[f32], x: &[f32], room: &mut LeftRoom) {
        let (packed, turned) = if self.packs_outputs { (d_y, x) } else { (x, d_y) };
        self.begin(rows);
        self.pack(0, &packed[..rows * self.widths().0]);
        self.add_turned(rows, turned, room);
    }

    /// The sums of all threads, added in their order: `[outputs, inputs]` of each weight; zeros if no rows came.
    pub(super) fn finish(parts: Vec<Self>) -> Vec<Vec<f32>> {
        let Some(Self { outputs, inputs, packs_outputs, .. }) = parts.first() else { return Vec::new() };
        let (outputs, inputs, packs_outputs) = (outputs.clone(), *inputs, *packs_outputs);
        let sums: Vec<Vec<f32>> = parts.into_iter().map(|p| p.sum).filter(|s| !s.is_empty()).collect();
        if sums.is_empty() {
            return outputs.iter().map(|n| vec![0.0; n * inputs]).collect();
        }
        if packs_outputs {
            let width = outputs.iter().sum();
            let ends = outputs.iter().scan(0, |end, n| {
                *end += n;
                Some(*end)
            });
            return ends.zip(&outputs).map(|(end, n)| turned_sum(&sums, width, end - n, *n, inputs)).collect();
        }
        let mut rest = sum(sums);
        let mut weights = Vec::with_capacity(outputs.len());
        for n in &outputs[..outputs.len() - 1] {
            let behind = rest.split_off(n * inputs);
            weights.push(std::mem::replace(&mut rest, behind));
        }
        weights.push(rest);
        weights
    }
}

/// Columns that a task turns: four cache lines of each row.
const STRIP: usize = 4 * SIDE;

/// The sum of the buffers' columns `first..first + n`, as rows of `rows` values; buffers are `[rows, width]`.
fn turned_sum(buffers: &[Vec<f32>], width: usize, first: usize, n: usize, rows: usize) -> Vec<f32> {
    let mut out = Unfilled::new(n * rows);
    let room = out.room();
    (0..n.div_ceil(STRIP)).into_par_iter().for_each(|strip| {
        let columns = STRIP.min(n - strip * STRIP);
        // SAFETY: strips are disjoint, and each value of one is written below.
        let out = unsafe { room.range(strip * STRIP * rows, columns * rows) };
        turn_strip(buffers, width, first + strip * STRIP, rows, out);
    });
    // SAFETY: the strips cover all columns.
    unsafe { out.filled() }
}

multiversion! { fn turn_strip(buffers: &[Vec<f32>], width: usize, first: usize, rows: usize, out: &mut [f32]) = turn_strip_body }

#[inline(always)]
fn turn_strip_body<const FMA: bool, const LANES: usize>(
    buffers: &[Vec<f32>],
    width: usize,
    first: usize,
    rows: usize,
    out: &mut [f32],
) {
    let columns = out.len() / rows;
    for top in (0..rows).step_by(SIDE) {
        let height = SIDE.min(rows - top);
        for left in (0..columns).step_by(SIDE) {
            let breadth = SIDE.min(columns - left);
            let mut block = [[0f32; SIDE]; SIDE];
            for buffer in buffers {
                for (i, to) in block.iter_mut().take(height).enumerate() {
                    let from = &buffer[(top + i) * width + first + left..];
                    match from.first_chunk::<SIDE>() {
                        Some(from) => to.iter_mut().zip(from).for_each(|(t, f)| *t += f),
                        None => to.iter_mut().zip(from).for_each(|(t, f)| *t += f),
                    }
                }
            }
            let block = transposed::<FMA, LANES>(bytemuck::cast_ref(&block));
            for (row, out) in block.iter().zip(out[left * rows..].chunks_exact_mut(rows)).take(breadth) {
                let out = &mut out[top..top + height];
                match out.first_chunk_mut::<SIDE>() {
                    Some(out) => *out = bytemuck::cast(*row),
                    None => out.copy_from_slice(&bytemuck::cast_slice(row)[..height]),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values(n: usize, seed: u32) -> Vec<f32> {
        let value = |i: u32| (i.wrapping_add(seed * 97).wrapping_mul(2_654_435_761) >> 16) as f32 / 65536.0 - 0.5;
        (0..n as u32).map(value).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn either_operand_packed_gives_the_sum_of_outer_products(
            outputs in proptest::collection::vec(1usize..90, 1..4),
            inputs in 1usize..90,
            chunks in proptest::collection::vec((0usize..2, 0usize..40), 0..5),
            kind in 0usize..3,
        ) {
            let width: usize = outputs.iter().sum();
            let make = [WeightSums::new, WeightSums::packing_outputs, WeightSums::packing_inputs][kind];
            let mut parts = [(); 2].map(|()| make(Precision::F32, &outputs, inputs));
            let mut want = vec![0f64; width * inputs];
            let mut room = LeftRoom::default();
            for (i, &(part, rows)) in chunks.iter().enumerate() {
                let (d_y, x) = (values(rows * width, i as u32), values(rows * inputs, i as u32 + 50));
                for (d, x) in d_y.chunks_exact(width).zip(x.chunks_exact(inputs)) {
                    for (want, d) in want.chunks_exact_mut(inputs).zip(d) {
                        want.iter_mut().zip(x).for_each(|(w, x)| *w += f64::from(*d) * f64::from(*x));
                    }
                }
                if rows > 0 {
                    parts[part].add(rows, &d_y, &x, &mut room);
                }
            }
            let got = WeightSums::finish(parts.into());
            prop_assert_eq!(got.len(), outputs.len());
            prop_assert!(got.iter().zip(&outputs).all(|(g, n)| g.len() == n * inputs));
            for (got, want) in got.concat().iter().zip(&want) {
                prop_assert!((f64::from(*got) - want).abs() < 1e-4, "{} {}", got, want);
            }
        }
    }

    #[test]
    fn rows_packed_in_pieces_are_the_rows_packed_at_once() {
        for precision in [Precision::F32, Precision::Bf16] {
            let (outputs, inputs, rows) = (70, 33, 101);
            let (d_y, x) = (values(rows * outputs, 1), values(rows * inputs, 2));
            let mut room = LeftRoom::default();
            let mut whole = WeightSums::packing_outputs(precision, &[outputs], inputs);
            whole.add(rows, &d_y, &x, &mut room);
            let mut pieces = WeightSums::packing_outputs(precision, &[outputs], inputs);
            // More rows first, so that what they leave behind would be seen.
            pieces.begin(2 * rows);
            pieces.pack(0, &values(2 * rows * outputs, 3));
            pieces.begin(rows);
            for (i, rows) in d_y.chunks(32 * outputs).enumerate() {
                pieces.pack(32 * i, rows);
            }
            pieces.add_turned(rows, &x, &mut room);
            assert_eq!(WeightSums::finish(vec![whole]), WeightSums::finish(vec![pieces]));
        }
    }
}
