//! Chunks beside the recurrence as it stands.

use super::*;

fn noise(n: usize, seed: u32) -> Vec<f32> {
    let value = |i: usize| {
        ((i as u32 + 1).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 8) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..n).map(value).collect()
}

fn close(a: &[f32], b: &[f64]) -> bool {
    let scale = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-5 * scale)
}

/// One head of an item, as it lies in rows that hold other things too.
struct Head {
    key: usize,
    value: usize,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
    log_decay: Vec<f32>,
    steady: bool,
    begin: Vec<f32>,
}

/// Columns around those of the values.
const AROUND: usize = 3;

impl Head {
    fn new(rows: usize, key: usize, value: usize, log_decay: Vec<f32>, steady: bool) -> Self {
        let (q, k, v) = (noise(rows * key, 1), noise(rows * key, 2), noise(rows * value, 3));
        Self { key, value, q, k, v, log_decay, steady, begin: noise(key * value, 5) }
    }

    fn decay(&self, first: usize) -> Decay<'_> {
        if self.steady { Decay::Steady(self.log_decay[0]) } else { Decay::Each(&self.log_decay[first..]) }
    }

    /// The same values in wider rows.
    fn apart(values: &[f32], width: usize) -> Vec<f32> {
        let row = |row: &[f32]| [&[7.0; AROUND], row, &[-7.0; AROUND]].concat();
        values.chunks_exact(width).flat_map(row).collect()
    }

    fn attended<'a>(&'a self, v: &'a [f32], first: usize, len: usize) -> Attended<'a> {
        let wide = self.value + 2 * AROUND;
        Attended {
            q: Rows::adjacent(&self.q[first * self.key..], self.key),
            k: Rows::adjacent(&self.k[first * self.key..], self.key),
            v: Rows::apart(&v[first * wide + AROUND..], wide, self.value),
            len,
        }
    }

    /// The output, and the memories before each chunk and after the last one.
    fn attend(&self, mut memory: Memory) -> (Vec<f32>, Vec<f32>, Vec<Memory>) {
        let (rows, v) = (self.log_decay.len(), Self::apart(&self.v, self.value));
        let mut chunks = Chunks::new(self.key, self.value);
        let (mut out, mut totals) = (vec![0.0; rows * self.value], vec![0.0; rows]);
        let mut memories = vec![memory.clone()];
        for (first, len) in chunks_of(rows) {
            let out = &mut out[first * self.value..][..len * self.value];
            let totals = &mut totals[first..first + len];
            chunks.attend(self.attended(&v, first, len), self.decay(first), &mut memory, out, totals);
            memories.push(memory.clone());
        }
        (out, totals, memories)
    }

    /// The gradients of queries, keys and values.
    fn gradients(&self, memories: &[Memory], d_out: &[f32], d_totals: &[f32]) -> [Vec<f32>; 3] {
        let (rows, v) = (self.log_decay.len(), Self::apart(&self.v, self.value));
        let mut chunks = Chunks::new(self.key, self.value);
        let mut g = Memory::empty(self.key, self.value, !d_totals.is_empty());
        let (mut d_q, mut d_k, mut d_v) = (self.q.clone(), self.k.clone(), self.v.clone());
        for ((first, len), before) in chunks_of(rows).zip(memories).rev() {
            let range = |width: usize| first * width..(first + len) * width;
            let up = Upstream {
                out: Rows::adjacent(&d_out[range(self.value)], self.value),
                totals: if d_totals.is_empty() { d_totals } else { &d_totals[range(1)] },
            };
            let down = Downstream {
                q: &mut d_q[range(self.key)],
                k: &mut d_k[range(self.key)],
                v: &mut d_v[range(self.value)],
            };
            chunks.gradients(self.attended(&v, first, len), self.decay(first), before, up, &mut g, down);
        }
        [d_q, d_k, d_v]
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&s| f64::from(s)).collect()
}

#[test]
fn chunks_are_the_recurrence_at_any_length_and_decay() {
    for (rows, key, value) in [(1, 3, 2), (63, 17, 33), (64, 8, 5), (65, 5, 18), (200, 16, 16)] {
        for (steepest, steady) in
            [(0.0f32, false), (0.1, false), (2.0, false), (5_000.0, false), (0.0, true), (0.03, true)]
        {
            let mut log_decay: Vec<f32> = noise(rows, 4).iter().map(|d| -0.1f32.min(steepest) * d.abs()).collect();
            // Now and then everything is forgotten.
            log_decay.iter_mut().skip(7).step_by(29).for_each(|d| *d = -steepest);
            if steady {
                log_decay.fill(-steepest);
            }
            let head = Head::new(rows, key, value, log_decay, steady);
            let (mut memory, d_out) = (Memory::empty(key, value, false), noise(rows * value, 6));
            memory.read(&head.begin);
            let (out, _, memories) = head.attend(memory);
            let mut exact = wide(&head.begin);
            let expected = recurrence::attend(&head.q, &head.k, &head.v, &head.log_decay, &mut exact);
            assert!(close(&out, &expected), "{rows} {key} {value} {steepest}");
            assert!(close(&memories[memories.len() - 1].values, &exact), "{rows} {key} {value} {steepest}");
            let found = head.gradients(&memories, &d_out, &[]);
            let inputs: [&[f32]; 4] = [&head.q, &head.k, &head.v, &head.log_decay];
            let expected = recurrence::gradients(inputs, wide(&head.begin), &d_out);
            for (name, (found, expected)) in ["q", "k", "v"].iter().zip(found.iter().zip(&expected)) {
                assert!(close(found, expected), "d {name}: {rows} {key} {value} {steepest}");
            }
        }
    }
}

#[test]
fn totals_are_a_column_of_ones() {
    for (rows, key, value) in [(1, 3, 2), (64, 8, 5), (150, 16, 17)] {
        for steepest in [0.0, 0.05] {
            let log_decay = vec![-steepest; rows];
            let head = Head::new(rows, key, value, log_decay, true);
            let mut memory = Memory::empty(key, value, true);
            memory.values.copy_from_slice(&head.begin);
            memory.keys.copy_from_slice(&noise(key, 8));
            // The same with the ones where they stand for themselves.
            let with = |rows: &[f32], more: &[f32]| -> Vec<f32> {
                rows.chunks_exact(value).zip(more).flat_map(|(row, m)| [row, &[*m]].concat()).collect()
            };
            let mut joined = Head {
                v: with(&head.v, &vec![1.0; rows]),
                value: value + 1,
                ..Head::new(rows, key, value, vec![-steepest; rows], true)
            };
            joined.begin = with(&head.begin, &memory.keys);
            let mut of_joined = Memory::empty(key, value + 1, false);
            of_joined.read(&joined.begin);
            let (out, totals, memories) = head.attend(memory);
            let (expected, _, joined_memories) = joined.attend(of_joined);
            assert!(close(&with(&out, &totals), &wide(&expected)));
            let (d_out, d_totals) = (noise(rows * value, 6), noise(rows, 7));
            let found = head.gradients(&memories, &d_out, &d_totals);
            let expected = joined.gradients(&joined_memories, &with(&d_out, &d_totals), &[]);
            let without: Vec<f32> = expected[2].chunks_exact(value + 1).flat_map(|row| row[..value].to_vec()).collect();
            for (found, expected) in found.iter().zip([&expected[0], &expected[1], &without]) {
                assert!(close(found, &wide(expected)), "{rows} {key} {value} {steepest}");
            }
        }
    }
}
