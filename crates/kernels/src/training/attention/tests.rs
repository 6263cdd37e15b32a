//! The fused attention against attention written out in f64, and its gradients against finite differences.

use super::*;

struct Case {
    heads: usize,
    kv_heads: usize,
    dim: usize,
    segments: Vec<Segment>,
    rotary: RotaryTable,
}

fn case(heads: usize, kv_heads: usize, dim: usize, lengths: &[(usize, usize)]) -> Case {
    let mut segments = Vec::new();
    let (mut query_start, mut key_start) = (0, 0);
    for &(query_len, key_len) in lengths {
        segments.push(Segment { query_start, query_len, key_start, key_len });
        query_start += query_len;
        key_start += key_len;
    }
    let frequencies: Vec<f32> = (0..dim / 2).map(|i| 1e4f64.powf(-2.0 * i as f64 / dim as f64) as f32).collect();
    Case { heads, kv_heads, dim, segments, rotary: RotaryTable::new(&frequencies, 200) }
}

impl Case {
    fn shape(&self) -> Shape<'_> {
        Shape {
            heads: self.heads,
            kv_heads: self.kv_heads,
            head_dim: self.dim,
            segments: &self.segments,
            rotary: &self.rotary,
        }
    }

    fn rows(&self) -> (usize, usize) {
        let last = self.segments.last().unwrap();
        (last.query_start + last.query_len, last.key_start + last.key_len)
    }

    /// Attention as its definition says, in f64.
    fn written_out(&self, q: &[f32], k: &[f32], v: &[f32]) -> Vec<f64> {
        let (dim, group) = (self.dim, self.heads / self.kv_heads);
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
        let mut out = vec![0.0; q.len()];
        for s in &self.segments {
            for head in 0..self.heads {
                for i in 0..s.query_len {
                    let at = ((s.query_start + i) * self.heads + head) * dim;
                    let position = s.key_len - s.query_len + i;
                    let query = rotate(&q[at..at + dim], position);
                    let key_at = |j: usize| ((s.key_start + j) * self.kv_heads + head / group) * dim;
                    let scores: Vec<f64> = (0..=position)
                        .map(|j| {
                            let key = rotate(&k[key_at(j)..key_at(j) + dim], j);
                            query.iter().zip(&key).map(|(a, b)| a * b).sum::<f64>() / (dim as f64).sqrt()
                        })
                        .collect();
                    let maximum = scores.iter().cloned().fold(f64::NEG_INFINITY, f64::max);
                    let sum: f64 = scores.iter().map(|s| (s - maximum).exp()).sum();
                    for (j, score) in scores.iter().enumerate() {
                        for d in 0..dim {
                            out[at + d] += (score - maximum).exp() / sum * v[key_at(j) + d] as f64;
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
    vec![
        case(2, 2, 8, &[(5, 5)]),
        case(4, 2, 16, &[(1, 1), (70, 70), (33, 33)]),
        case(6, 3, 12, &[(3, 50), (50, 50), (17, 100)]),
    ]
}

#[test]
fn forward_equals_the_definition() {
    for c in cases() {
        let (rows, key_rows) = c.rows();
        let q = values(rows * c.heads * c.dim, 1);
        let k = values(key_rows * c.kv_heads * c.dim, 2);
        let v = values(key_rows * c.kv_heads * c.dim, 3);
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; rows * c.heads]);
        forward(&c.shape(), &q, &k, &v, &mut out, &mut lse);
        for (got, want) in out.iter().zip(c.written_out(&q, &k, &v)) {
            assert!((*got as f64 - want).abs() < 2e-5, "{got} {want}");
        }
    }
}

#[test]
fn gradients_match_finite_differences() {
    for c in cases() {
        let (rows, key_rows) = c.rows();
        let q = values(rows * c.heads * c.dim, 1);
        let k = values(key_rows * c.kv_heads * c.dim, 2);
        let v = values(key_rows * c.kv_heads * c.dim, 3);
        let d_out = values(q.len(), 4);
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; rows * c.heads]);
        forward(&c.shape(), &q, &k, &v, &mut out, &mut lse);
        let (mut d_q, mut d_k, mut d_v) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
        let saved = Saved { q: &q, k: &k, v: &v, out: &out, log_sum_exp: &lse };
        backward(&c.shape(), saved, &d_out, &mut d_q, &mut d_k, &mut d_v);
        let objective = |q: &[f32], k: &[f32], v: &[f32]| -> f64 {
            c.written_out(q, k, v).iter().zip(&d_out).map(|(o, d)| o * *d as f64).sum()
        };
        let step = 1.0 / 256.0;
        for probe in 0..12 {
            for (which, gradient) in [&d_q, &d_k, &d_v].into_iter().enumerate() {
                let at = (probe * 7919 + 13) % gradient.len();
                let moved = |sign: f32| {
                    let mut inputs = [q.clone(), k.clone(), v.clone()];
                    inputs[which][at] += sign * step;
                    objective(&inputs[0], &inputs[1], &inputs[2])
                };
                let numeric = (moved(1.0) - moved(-1.0)) / (2.0 * step as f64);
                let analytic = gradient[at] as f64;
                assert!(
                    (numeric - analytic).abs() < 2e-3 * (1.0 + numeric.abs()),
                    "{which} {at}: {numeric} {analytic}"
                );
            }
        }
    }
}

#[test]
fn a_changed_future_or_neighbour_leaves_the_output_exactly_alone() {
    let c = case(4, 2, 16, &[(40, 40), (60, 60)]);
    let q = values(100 * 64, 1);
    let (k, v) = (values(100 * 32, 2), values(100 * 32, 3));
    let run = |k: &[f32], v: &[f32]| {
        let (mut out, mut lse) = (vec![0.0; q.len()], vec![0.0; 400]);
        forward(&c.shape(), &q, k, v, &mut out, &mut lse);
        out
    };
    let before = run(&k, &v);
    let (mut k2, mut v2) = (k.clone(), v.clone());
    for x in k2[30 * 32..40 * 32].iter_mut().chain(&mut v2[30 * 32..40 * 32]) {
        *x += 3.0;
    }
    let after = run(&k2, &v2);
    assert_eq!(before[..30 * 64], after[..30 * 64]);
    assert_ne!(before[30 * 64..40 * 64], after[30 * 64..40 * 64]);
    assert_eq!(before[40 * 64..], after[40 * 64..]);
}
