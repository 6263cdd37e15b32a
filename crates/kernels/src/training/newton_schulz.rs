//! Newton-Schulz iterations that move a matrix's singular values towards one, as Muon wants its updates (Jordan et al. 2024, "Muon: An optimizer
//! for hidden layers in neural networks").
//!
//! `A = X X^T` and `A A` are symmetric: what lies below the diagonal is computed and copied over it, so that two of an iteration's three products
//! cost little more than half.

use rayon::prelude::*;

use super::left::{LeftRoom, Strided};
use super::panels::{Onto, Panels, Part, Precision, multiply};
use super::tile::TILE;

/// Fewest rows of a symmetric product that one thread makes at a time, whole tiles.
const FEWEST_ROWS: usize = 4 * TILE;

/// Chunks of rows that a symmetric product is cut into where there are enough: the more, the less is computed above the diagonal.
const CHUNKS: usize = 8;

/// `X <- a X + (b A + c A A) X` with `A = X X^T`, `iterations` times, for a row-major `x` of `rows` rows, which should not be more than its columns:
/// products of `rows` by `rows` are the cheap ones. The singular values should be at most one at first. In bf16, as the method's authors run it, each
/// iteration begins from the f32 result of the one before, and only its products are rounded.
///
/// The result does not depend on the number of threads.
///
/// # Panics
/// If `x` does not consist of whole rows.
pub fn newton_schulz(x: &mut [f32], rows: usize, (a, b, c): (f32, f32, f32), iterations: usize, precision: Precision) {
    if x.is_empty() {
        return;
    }
    assert!(rows > 0 && x.len().is_multiple_of(rows), "whole rows");
    let columns = x.len() / rows;
    let (mut gram, mut polynomial) = (vec![0.0; rows * rows], vec![0.0; rows * rows]);
    for _ in 0..iterations {
        let transposed = Panels::of_columns(precision, &rows_of(x, columns));
        below_diagonal(x, transposed.all(), &mut gram, rows);
        mirror(&mut gram, rows);
        let panels = Panels::of_rows(precision, &rows_of(&gram, rows));
        below_diagonal(&gram, panels.all(), &mut polynomial, rows);
        polynomial.iter_mut().zip(&gram).for_each(|(p, g)| *p = b * g + c * *p);
        mirror(&mut polynomial, rows);
        let panels = Panels::of_rows(precision, &rows_of(x, columns));
        let chunk = chunk_of(rows);
        let left = polynomial.par_chunks(chunk * rows);
        x.par_chunks_mut(chunk * columns).zip(left).with_max_len(1).for_each_init(LeftRoom::default, |room, (x, p)| {
            x.iter_mut().for_each(|x| *x *= a);
            multiply(p.len() / rows, Strided::rows(p, rows), panels.all(), x, columns, Onto::Add, room);
        });
    }
}

fn rows_of(x: &[f32], columns: usize) -> Vec<&[f32]> {
    x.chunks_exact(columns).collect()
}

/// Rows that one thread multiplies at a time.
fn chunk_of(rows: usize) -> usize {
    rows.div_ceil(CHUNKS).next_multiple_of(TILE).max(FEWEST_ROWS)
}

/// The product `[rows, rows]` of `left` (row-major) with a right operand that makes it symmetric: right on and below the diagonal, elsewhere what it was or right.
fn below_diagonal(left: &[f32], right: Part<'_>, out: &mut [f32], rows: usize) {
    let (chunk, width) = (chunk_of(rows), left.len() / rows);
    let chunks = out.par_chunks_mut(chunk * rows).zip(left.par_chunks(chunk * width)).enumerate();
    chunks.with_max_len(1).for_each_init(LeftRoom::default, |room, (i, (out, left))| {
        let count = left.len() / width;
        let right = right.first_columns(i * chunk + count);
        multiply(count, Strided::rows(left, width), right, out, rows, Onto::Replace, room);
    });
}

/// Copies what is below the diagonal over it, block by block, so that the rows and the columns of a block stay in the cache together.
fn mirror(x: &mut [f32], rows: usize) {
    const BLOCK: usize = 16;
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..=top).step_by(BLOCK) {
            for i in top..rows.min(top + BLOCK) {
                for j in left..i.min(left + BLOCK) {
                    x[j * rows + i] = x[i * rows + j];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, in f64.
    fn plainly(x: &[f32], rows: usize, (a, b, c): (f32, f32, f32), iterations: usize) -> Vec<f64> {
        let columns = x.len() / rows;
        let mut x: Vec<f64> = x.iter().map(|&v| v.into()).collect();
        let product = |left: &[f64], right: &dyn Fn(usize, usize) -> f64, inner: usize, columns: usize| -> Vec<f64> {
            let at = |i: usize| {
                let (row, column) = (i / columns, i % columns);
                (0..inner).map(|k| left[row * inner + k] * right(k, column)).sum()
            };
            (0..rows * columns).map(at).collect()
        };
        for _ in 0..iterations {
            let gram = product(&x, &|k, j| x[j * columns + k], columns, rows);
            let square = product(&gram, &|k, j| gram[k * rows + j], rows, rows);
            let polynomial: Vec<f64> =
                gram.iter().zip(square).map(|(g, s)| f64::from(b) * g + f64::from(c) * s).collect();
            let moved = product(&polynomial, &|k, j| x[k * columns + j], rows, columns);
            x = x.iter().zip(moved).map(|(x, m)| f64::from(a) * x + m).collect();
        }
        x
    }

    #[test]
    fn equals_the_definition_at_odd_shapes() {
        const QUINTIC: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);
        for (rows, columns) in [(1, 1), (1, 9), (5, 7), (24, 24), (25, 70), (67, 67), (100, 131), (193, 200)] {
            let values: Vec<f32> = (0..rows * columns).map(|i| ((i * 7_919) % 1_009) as f32 / 504.0 - 1.0).collect();
            let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
            let mut x: Vec<f32> = values.iter().map(|v| v / norm).collect();
            let expected = plainly(&x, rows, QUINTIC, 3);
            let rounded = {
                let mut x = x.clone();
                newton_schulz(&mut x, rows, QUINTIC, 3, Precision::Bf16);
                x
            };
            newton_schulz(&mut x, rows, QUINTIC, 3, Precision::F32);
            for (i, ((got, near), want)) in x.iter().zip(rounded).zip(expected).enumerate() {
                assert!((f64::from(*got) - want).abs() < 2e-5, "{rows} x {columns}, {i}: {got} for {want}");
                assert!((f64::from(near) - want).abs() < 0.06, "{rows} x {columns}, {i}, bf16: {near} for {want}");
            }
        }
        newton_schulz(&mut [], 0, QUINTIC, 1, Precision::F32);
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let (rows, columns) = (90, 110);
        let values: Vec<f32> = (0..rows * columns).map(|i| ((i * 31) % 101) as f32 / 5_000.0 - 0.01).collect();
        let with = |threads: usize, precision: Precision| {
            let mut x = values.clone();
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
            pool.install(|| newton_schulz(&mut x, rows, (3.4445, -4.7750, 2.0315), 5, precision));
            x
        };
        for precision in [Precision::F32, Precision::Bf16] {
            assert_eq!(with(1, precision), with(3, precision));
        }
    }
}
