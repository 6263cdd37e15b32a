//! Linear attention one position after the other: slow and obviously right.

/// The output of one head, and its state after the last position.
pub(super) fn attend(q: &[f32], k: &[f32], v: &[f32], log_decay: &[f32], state: &mut [f64]) -> Vec<f64> {
    let rows = log_decay.len();
    let (key, value) = (q.len() / rows, v.len() / rows);
    let mut out = vec![0.0; v.len()];
    for t in 0..rows {
        for i in 0..key {
            for j in 0..value {
                let s = &mut state[i * value + j];
                *s = f64::from(log_decay[t]).exp() * *s + f64::from(k[t * key + i]) * f64::from(v[t * value + j]);
                out[t * value + j] += f64::from(q[t * key + i]) * *s;
            }
        }
    }
    out
}

/// The gradients of `q`, `k` and `v` of one head that begins with `state`.
pub(super) fn gradients([q, k, v, log_decay]: [&[f32]; 4], mut state: Vec<f64>, d_out: &[f32]) -> [Vec<f64>; 3] {
    let rows = log_decay.len();
    let (key, value) = (q.len() / rows, v.len() / rows);
    let (mut d_q, mut d_k, mut d_v) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
    let at = |x: &[f32], i: usize| f64::from(x[i]);
    for t in 0..rows {
        for i in 0..key {
            for j in 0..value {
                let s = &mut state[i * value + j];
                *s = at(log_decay, t).exp() * *s + at(k, t * key + i) * at(v, t * value + j);
                d_q[t * key + i] += *s * at(d_out, t * value + j);
            }
        }
    }
    // The gradient of the state after position t.
    let mut g = vec![0.0; key * value];
    for t in (0..rows).rev() {
        let decay = if t + 1 < rows { at(log_decay, t + 1).exp() } else { 0.0 };
        for i in 0..key {
            for j in 0..value {
                let g = &mut g[i * value + j];
                *g = decay * *g + at(q, t * key + i) * at(d_out, t * value + j);
                d_k[t * key + i] += *g * at(v, t * value + j);
                d_v[t * value + j] += *g * at(k, t * key + i);
            }
        }
    }
    [d_q, d_k, d_v]
}
