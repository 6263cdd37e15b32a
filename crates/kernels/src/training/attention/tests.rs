//! The fused attention against attention written out in f64, and its gradients against finite differences.

use super::*;

struct Case {
    heads: usize,
    kv_heads: usize,
    dim: usize,
    spans: Vec<Span>,
    rotary: RotaryTable,
}

/// Spans of these lengths with one row between them that belongs to none.
fn case(heads: usize, kv_heads: usize, dim: usize, lengths: &[usize]) -> Case {
    let mut start = 0;
    let mut next = |len: usize| {
        let span = Span { start, len };
        start += len + 1;
        span
    };
    let spans = lengths.iter().map(|&len| next(len)).collect();
    let frequencies: Vec<f32> = (0..dim / 2).map(|i| 1e4f64.powf(-2.0 * i as f64 / dim as f64) as f32).collect();
    Case { heads, kv_heads, dim, spans, rotary: RotaryTable::new(&frequencies, 200) }
}

impl Case {
    fn shape(&self) -> Shape<'_> {
        Shape {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.dim,
            spans: &self.spans,
            rotary: &self.rotary,
            precision: Precision::F32,
        }
    }

    fn rows(&self) -> usize {
        let last = self.spans.last().unwrap();
        last.start + last.len + 1
    }

    fn qkv(&self) -> Vec<f32> {
        values(self.rows() * self.shape().qkv_width(), 1)
    }

    /// Attention as its definition says, in f64.
    fn written_out(&self, qkv: &[f32]) -> Vec<f64> {
        let (dim, group, shape) = (self.dim, self.heads / self.kv_heads, self.shape());
        let rotate = |x: &[f32], position: usize| -> Vec<f64> {
            (0..dim)
                .map(|i| {
                    let pair = i % (dim / 2);
                    let angle = position as f64 * 1e4f64.powf(-2.0 * pair as f64 / dim as f64);
                    let other = if i < dim / 2 { -x[i + dim / 2] as f64 } else { x[i - dim / 2] as f64 };
                    x[i] as f64 * angle.cos() + other * angle.sin()
                })
                .collect()
        };
        let mut out = vec![0.0; self.rows() * shape.width()];
        for s in &self.spans {
            for head in 0..self.heads {
                for i in 0..s.len {
                    let at = ((s.start + i) * self.heads + head) * dim;
                    let query = rotate(&qkv[shape.query(s.start + i, head)..][..dim], i);
                    let scores: Vec<f64> = (0..=i)
                        .map(|j| {
                            let key = rotate(&qkv[shape.key(s.start + j, head / group)..][..dim], j);
                            query.iter().zip(&key).map(|(a, b)| a * b).sum::<f64>() / (dim as f64).sqrt()
                        })
                        .collect();
                    let maximum = scores.iter().cloned().fold(f64::NEG_INFINITY, f64::max);
                    let sum: f64 = scores.iter().map(|s| (s - maximum).exp()).sum();
                    for (j, score) in scores.iter().enumerate() {
                        let value = &qkv[shape.value(s.start + j, head / group)..];
                        for d in 0..dim {
                            out[at + d] += (score - maximum).exp() / sum * value[d] as f64;
                        }
                    }
                }
            }
        }
        out
    }
}

fn values(n: usize, seed: u32) -> Vec<f32> {
    (0..n as u32)
        .map(|i| ((i.wrapping_add(seed * 7919).wrapping_mul(2654435761) >> 12) as f32 / 524288.0) - 1.0)
        .collect()
}

fn cases() -> Vec<Case> {
    vec![case(2, 2, 8, &[5]), case(4, 2, 16, &[1, 70, 33]), case(6, 3, 12, &[3, 50, 117])]
}

#[test]
fn forward_equals_the_definition() {
    for c in cases() {
        let qkv = c.qkv();
        let (out, _) = forward(&c.shape(), &qkv);
        for (got, want) in out.iter().zip(c.written_out(&qkv)) {
            assert!((*got as f64 - want).abs() < 2e-5, "{got} {want}");
        }
    }
}

#[test]
fn gradients_match_finite_differences() {
    for c in cases() {
        let qkv = c.qkv();
        let (out, log_sum_exp) = forward(&c.shape(), &qkv);
        let d_out = values(out.len(), 4);
        let saved = Saved { qkv: &qkv, out: &out, log_sum_exp: &log_sum_exp };
        let d_qkv = backward(&c.shape(), saved, &d_out);
        let objective =
            |qkv: &[f32]| -> f64 { c.written_out(qkv).iter().zip(&d_out).map(|(o, d)| o * *d as f64).sum() };
        let step = 1.0 / 256.0;
        for probe in 0..36 {
            let at = (probe * 7919 + 13) % qkv.len();
            let moved = |sign: f32| {
                let mut qkv = qkv.clone();
                qkv[at] += sign * step;
                objective(&qkv)
            };
            let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * step as f64);
            let analytic = d_qkv[at] as f64;
            assert!((numeric - analytic).abs() < 2e-3 * (1.0 + numeric.abs()), "{at}: {numeric} {analytic}");
        }
    }
}

#[test]
fn bf16_stays_near_f32() {
    for c in cases() {
        let qkv = c.qkv();
        let d_out = values(c.rows() * c.shape().width(), 4);
        let both = |precision| {
            let shape = Shape { precision, ..c.shape() };
            let (out, log_sum_exp) = forward(&shape, &qkv);
            let d_qkv = backward(&shape, Saved { qkv: &qkv, out: &out, log_sum_exp: &log_sum_exp }, &d_out);
            [out, d_qkv, log_sum_exp]
        };
        for (near, exact) in both(Precision::Bf16).iter().zip(&both(Precision::F32)) {
            let root_mean_square = |values: &mut dyn Iterator<Item = f32>| -> f64 {
                let (sum, n) = values.fold((0.0, 0), |(sum, n), v| (sum + f64::from(v).powi(2), n + 1));
                (sum / f64::from(n)).sqrt()
            };
            let off = root_mean_square(&mut near.iter().zip(exact).map(|(a, b)| a - b));
            let size = root_mean_square(&mut exact.iter().copied());
            assert!(off > 0.0 && off < 0.01 * size, "off by {off} of {size}");
        }
    }
}

#[test]
fn a_changed_future_or_neighbour_leaves_the_output_exactly_alone() {
    let c = case(4, 2, 16, &[40, 60]);
    for precision in [Precision::F32, Precision::Bf16] {
        let shape = Shape { precision, ..c.shape() };
        let (before, _) = forward(&shape, &c.qkv());
        let mut changed = c.qkv();
        let width = shape.qkv_width();
        changed[30 * width..40 * width].iter_mut().for_each(|x| *x += 3.0);
        let (after, _) = forward(&shape, &changed);
        assert_eq!(before[..30 * 64], after[..30 * 64]);
        assert_ne!(before[30 * 64..40 * 64], after[30 * 64..40 * 64]);
        assert_eq!(before[40 * 64..], after[40 * 64..]);
    }
}
