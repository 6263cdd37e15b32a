//! The rotation of neighbouring pairs by a row's position: pair j of a width of d by `position * 10000^{-j / (d/2 - 1)}`.

use std::ops::Range;

use super::super::chunk::Rows;
use crate::multiversion::multiversion;

/// Cosines and sines of an item's positions, `[positions, width]` each: both of a pair have the same ones, the sines with the sign that the
/// other of the pair is taken with. So rows turn without taking pairs apart.
pub(super) struct Angles {
    cos: Vec<f32>,
    sin: Vec<f32>,
    width: usize,
}

/// How rows are turned.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Their positions.
    pub positions: Range<usize>,
    /// Back.
    pub inverse: bool,
    /// A factor for all.
    pub scale: f32,
}

impl Angles {
    /// For `len` positions of which `before` came earlier.
    pub(super) fn new(width: usize, before: f32, len: usize) -> Self {
        let half = width / 2;
        let frequency = |j: usize| if half == 1 { 1.0 } else { 10_000f64.powf(-(j as f64) / (half - 1) as f64) };
        let (mut cos, mut sin) = (vec![0.0; len * width], vec![0.0; len * width]);
        for j in 0..half {
            let (mut s, mut c) = (f64::from(before) * frequency(j)).sin_cos();
            let (ds, dc) = frequency(j).sin_cos();
            let pairs = cos.as_chunks_mut::<2>().0.iter_mut().zip(sin.as_chunks_mut::<2>().0);
            for (cos, sin) in pairs.skip(j).step_by(half) {
                (*cos, *sin) = ([c as f32; 2], [-s as f32, s as f32]);
                // One angle further: in 64 bits the roundings of a million steps do not reach an f32.
                (c, s) = (c * dc - s * ds, s * dc + c * ds);
            }
        }
        Self { cos, sin, width }
    }

    /// Turns rows; `to` is `[positions, width]`.
    pub(super) fn turn(&self, turn: Turn, rows: Rows<'_>, to: &mut Vec<f32>) {
        let Turn { positions, inverse, scale } = turn;
        to.resize(positions.len() * self.width, 0.0);
        let range = positions.start * self.width..positions.end * self.width;
        let signed = if inverse { -scale } else { scale };
        turn_rows(&self.cos[range.clone()], &self.sin[range], [scale, signed], rows, to);
    }
}

multiversion! { fn turn_rows(cos: &[f32], sin: &[f32], scales: [f32; 2], rows: Rows<'_>, to: &mut [f32]) = turn_rows_body }

/// Values that turn at a time.
const TOGETHER: usize = 8;

#[inline(always)]
fn turn_rows_body<const FMA: bool, const LANES: usize>(
    cos: &[f32],
    sin: &[f32],
    scales: [f32; 2],
    rows: Rows<'_>,
    to: &mut [f32],
) {
    let width = rows.width();
    let angles = cos.chunks_exact(width).zip(sin.chunks_exact(width));
    for (i, (to, (cos, sin))) in to.chunks_exact_mut(width).zip(angles).enumerate() {
        let (to, rest) = to.as_chunks_mut::<TOGETHER>();
        let (x, x_rest) = rows.row(i).as_chunks::<TOGETHER>();
        let (cos, cos_rest) = cos.as_chunks::<TOGETHER>();
        let (sin, sin_rest) = sin.as_chunks::<TOGETHER>();
        for ((to, x), (cos, sin)) in to.iter_mut().zip(x).zip(cos.iter().zip(sin)) {
            *to = turned(x, cos, sin, scales);
        }
        let x = x_rest.as_chunks::<2>().0;
        let (cos, sin) = (cos_rest.as_chunks::<2>().0, sin_rest.as_chunks::<2>().0);
        for ((to, x), (cos, sin)) in rest.as_chunks_mut::<2>().0.iter_mut().zip(x).zip(cos.iter().zip(sin)) {
            *to = turned(x, cos, sin, scales);
        }
    }
}

/// `x cos + x' sin`, `x'` being the other of the pair.
#[inline(always)]
fn turned<const N: usize>(x: &[f32; N], cos: &[f32; N], sin: &[f32; N], [of_cos, of_sin]: [f32; 2]) -> [f32; N] {
    let other: [f32; N] = std::array::from_fn(|i| x[i ^ 1]);
    std::array::from_fn(|i| x[i] * (cos[i] * of_cos) + other[i] * (sin[i] * of_sin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_turn_by_their_position_and_back() {
        for (width, before, len) in [(2, 0.0, 5), (6, 3.0, 40), (32, 100_000.0, 300)] {
            let angles = Angles::new(width, before, len);
            let x: Vec<f32> = (0..len * width).map(|i| ((i * 7 + 3) % 11) as f32 / 5.0 - 1.0).collect();
            let (mut turned, mut back) = (Vec::new(), Vec::new());
            angles.turn(Turn { positions: 0..len, inverse: false, scale: 0.5 }, Rows::adjacent(&x, width), &mut turned);
            angles.turn(
                Turn { positions: 0..len, inverse: true, scale: 2.0 },
                Rows::adjacent(&turned, width),
                &mut back,
            );
            for (i, pair) in x.chunks_exact(2).enumerate() {
                let (t, j, half) = (i / (width / 2), i % (width / 2), width / 2);
                let frequency = if half == 1 { 1.0 } else { 10_000f64.powf(-(j as f64) / (half as f64 - 1.0)) };
                let angle = (f64::from(before) + t as f64) * frequency;
                let [a, b] = [pair[0], pair[1]].map(f64::from);
                let want = [a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()];
                for (c, want) in want.into_iter().enumerate() {
                    assert!((f64::from(turned[2 * i + c]) - want / 2.0).abs() < 1e-6, "{width} {t} {j}");
                    assert!((back[2 * i + c] - pair[c]).abs() < 1e-6);
                }
            }
        }
    }
}
