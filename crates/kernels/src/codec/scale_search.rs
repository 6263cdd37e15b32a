//! The searches by which ggml's K-quants find a group's scale and minimum: several tries, each followed by a weighted least-squares fit.
//!
//! Sums run in ggml's order and without fused operations, so that the bits are the same.

use super::rounding::nearest;

/// Groups whose largest magnitude is below this count as zero.
pub(super) const ZERO: f32 = 1e-15;

/// How [`scale_and_minimum`] searches.
pub(super) struct Tries {
    /// Largest quant.
    pub levels: i32,
    /// The first try's addition to `levels`; further ones add `step` to it.
    pub first: f32,
    /// See `first`.
    pub step: f32,
    /// Number of tries after the first fit.
    pub count: i32,
}

/// Scale and minimum (as a number to take off, not negative) of a group of 32 and its quants, such that `scale * q - minimum` is near
/// the values (ggml's `make_qkx2_quants`, squared errors).
pub(super) fn scale_and_minimum(values: &[f32], weights: &[f32], tries: &Tries, quants: &mut [u8]) -> (f32, f32) {
    let Tries { levels, first, step, count } = *tries;
    let (mut low, mut high) = (values[0], values[0]);
    let (mut sum_w, mut sum_x) = (weights[0], weights[0] * values[0]);
    for (&x, &w) in values.iter().zip(weights).skip(1) {
        low = if x < low { x } else { low };
        high = if x > high { x } else { high };
        sum_w += w;
        sum_x += w * x;
    }
    low = if low > 0.0 { 0.0 } else { low };
    if high == low {
        quants.fill(0);
        return (0.0, -low);
    }
    let error = |quants: &[u8], scale: f32, minimum: f32| {
        values.iter().zip(weights).zip(quants).fold(0f32, |sum, ((&x, &w), &q)| {
            let difference = scale * f32::from(q) + minimum - x;
            sum + w * (difference * difference)
        })
    };
    let fill = |quants: &mut [u8], inverse: f32, low: f32| {
        for (q, &x) in quants.iter_mut().zip(values) {
            *q = nearest(inverse * (x - low)).clamp(0, levels) as u8;
        }
    };
    let inverse = levels as f32 / (high - low);
    let mut scale = 1.0 / inverse;
    fill(quants, inverse, low);
    let mut best = error(quants, scale, low);
    let mut tried = [0u8; 32];
    for index in 0..=count {
        // From the minimum found best so far, not the smallest value, as in ggml.
        let inverse = (first + step * index as f32 + levels as f32) / (high - low);
        fill(&mut tried, inverse, low);
        let (mut sum_l, mut sum_l2, mut sum_xl) = (0f32, 0f32, 0f32);
        for ((&x, &w), &q) in values.iter().zip(weights).zip(&tried) {
            let l = f32::from(q);
            sum_l += w * l;
            sum_l2 += w * l * l;
            sum_xl += w * l * x;
        }
        let determinant = sum_w * sum_l2 - sum_l * sum_l;
        if determinant > 0.0 {
            let mut fitted = (sum_w * sum_xl - sum_x * sum_l) / determinant;
            let mut minimum = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
            if minimum > 0.0 {
                minimum = 0.0;
                fitted = sum_xl / sum_l2;
            }
            let now = error(&tried, fitted, minimum);
            if now < best {
                quants.copy_from_slice(&tried);
                (best, scale, low) = (now, fitted, minimum);
            }
        }
    }
    (scale, -low)
}

/// Scale of a group such that `scale * q` is near the values for q in `-levels..levels` (ggml's `make_qx_quants`, errors weighted
/// by the squared value), and the quants, `levels` added.
pub(super) fn symmetric_scale(values: &[f32], levels: i32, quants: &mut [u8]) -> f32 {
    let extreme = super::rounding::extreme(values);
    if extreme.abs() < ZERO {
        quants.fill(0);
        return 0.0;
    }
    let quant = |inverse: f32, x: f32| nearest(inverse * x).clamp(-levels, levels - 1);
    let fit = |inverse: f32| {
        values.iter().fold((0f32, 0f32), |(sum_lx, sum_l2), &x| {
            let (l, w) = (quant(inverse, x) as f32, x * x);
            (sum_lx + w * x * l, sum_l2 + w * l * l)
        })
    };
    let keep = |inverse: f32, quants: &mut [u8]| {
        for (q, &x) in quants.iter_mut().zip(values) {
            *q = (quant(inverse, x) + levels) as u8;
        }
    };
    let inverse = -levels as f32 / extreme;
    let (sum_lx, sum_l2) = fit(inverse);
    keep(inverse, quants);
    let mut scale = if sum_l2 == 0.0 { 0.0 } else { sum_lx / sum_l2 };
    let mut best = scale * sum_lx;
    for index in (-9..=9).filter(|&i| i != 0) {
        let inverse = -(levels as f32 + 0.1 * index as f32) / extreme;
        let (sum_lx, sum_l2) = fit(inverse);
        if sum_l2 > 0.0 && sum_lx * sum_lx > best * sum_l2 {
            keep(inverse, quants);
            scale = sum_lx / sum_l2;
            best = scale * sum_lx;
        }
    }
    scale
}
