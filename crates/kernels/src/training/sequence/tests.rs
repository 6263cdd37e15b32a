//! Every operation at once: its gradients are those of its values, chunks continue each other, packed items never meet, and nothing
//! looks ahead.

use super::super::attention::Span;
use super::*;

/// An operation with the inputs it takes: how many values a row or in all, and between which bounds.
struct Case {
    operation: Box<dyn SequenceOperation>,
    by_row: Vec<(usize, f32, f32)>,
    fixed: Vec<(usize, f32, f32)>,
}

fn cases() -> Vec<Case> {
    fn case(
        operation: impl SequenceOperation + 'static,
        by_row: &[(usize, f32, f32)],
        fixed: &[(usize, f32, f32)],
    ) -> Case {
        Case { operation: Box::new(operation), by_row: by_row.to_vec(), fixed: fixed.to_vec() }
    }
    let plain = |n| (n, -1.0, 1.0);
    vec![
        case(TimeShift { width: 5 }, &[plain(5)], &[]),
        case(ShortConvolution { channels: 7, kernel: 4, silu: true }, &[plain(7)], &[plain(28), plain(7)]),
        case(ShortConvolution { channels: 3, kernel: 3, silu: false }, &[plain(3)], &[plain(9), plain(3)]),
        case(
            LinearAttention { heads: 4, groups: 2, key: 5, value: 18 },
            &[plain(10), plain(10), plain(72), (4, -1.0, 0.0)],
            &[],
        ),
        case(
            LinearAttention { heads: 1, groups: 1, key: 17, value: 3 },
            &[plain(17), plain(17), plain(3), (1, -0.1, 0.0)],
            &[],
        ),
        case(Favor { heads: 2, width: 4, features: 9 }, &[plain(24)], &[plain(36)]),
        case(Favor { heads: 1, width: 17, features: 20 }, &[plain(51)], &[plain(340)]),
        case(Retention { heads: 2, key: 6, value: 5, epsilon: 0.1 }, &[plain(24), plain(20)], &[]),
        case(Retention { heads: 3, key: 2, value: 17, epsilon: 0.1 }, &[plain(12), plain(102)], &[]),
        case(Lstm { hidden: 9 }, &[(36, -2.0, 2.0)], &[plain(36 * 9), plain(36)]),
        case(Gru { hidden: 17 }, &[(51, -2.0, 2.0)], &[plain(51 * 17), plain(51)]),
        case(Wkv4 { width: 19 }, &[(19, -3.0, 3.0), plain(19)], &[(19, -2.0, 1.0), plain(19)]),
        case(
            Wkv7 { heads: 2, head_width: 6 },
            &[plain(12), (12, 0.3, 1.0), plain(12), plain(12), (12, -0.5, 0.5), (12, -0.5, 0.5)],
            &[],
        ),
        case(S4d { channels: 18, states: 3 }, &[plain(18)], &[(108, -0.6, 0.6), plain(108)]),
        case(LongConvolution { channels: 18 }, &[plain(18)], &[plain(LONG * 18)]),
    ]
}

fn noise(n: usize, low: f32, high: f32, seed: &mut u64) -> Vec<f32> {
    let mut value = || {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (*seed >> 40) as f32 / (1u64 << 24) as f32
    };
    (0..n).map(|_| value()).collect()
}

impl Case {
    fn inputs(&self, rows: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut seed = seed;
        let by_row = self.by_row.iter().map(|&(n, low, high)| (n * rows, low, high));
        by_row.chain(self.fixed.iter().copied()).map(|(n, low, high)| noise(n, low, high, &mut seed)).collect()
    }

    /// The inputs of some rows alone.
    fn rows_of(&self, inputs: &[Vec<f32>], span: Span) -> Vec<Vec<f32>> {
        let widths = self.by_row.iter().map(|&(n, ..)| Some(n)).chain(self.fixed.iter().map(|_| None));
        let of = |(x, width): (&Vec<f32>, Option<usize>)| match width {
            Some(width) => rows_of(x, span, width).to_vec(),
            None => x.clone(),
        };
        inputs.iter().zip(widths).map(of).collect()
    }

    fn forward(&self, inputs: &[Vec<f32>], rows: usize, spans: &[Span], initial: Option<&[f32]>) -> Forward {
        let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
        self.operation.forward(&inputs, Items { rows, spans, initial })
    }
}

fn spans(spans: &[(usize, usize)]) -> Vec<Span> {
    spans.iter().map(|&(start, len)| Span { start, len }).collect()
}

fn close(a: &[f32], b: &[f32], tolerance: f32, what: &dyn Debug) {
    assert_eq!(a.len(), b.len(), "{what:?}");
    let scale = b.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance * scale, "{what:?}: {x} {y} (scale {scale})");
    }
}

/// Items of lengths around the strides of what is kept, out of order, with rows that belong to none.
const ROWS: usize = 70;
const SPANS: [(usize, usize); 5] = [(0, 1), (1, 16), (19, 33), (52, 5), (57, 12)];
/// An item of several chunks.
const LONG: usize = 150;

#[test]
fn gradients_are_those_of_the_values() {
    gradients_of(ROWS, &spans(&SPANS));
}

#[test]
fn gradients_of_long_items_are_those_of_the_values() {
    gradients_of(LONG + 1, &spans(&[(1, LONG)]));
}

fn gradients_of(rows: usize, spans: &[Span]) {
    for case in cases() {
        for initial in [false, true] {
            let state = noise(spans.len() * case.operation.state_size(), 0.1, 0.9, &mut 5);
            let initial = initial.then_some(state.as_slice());
            let inputs = case.inputs(rows, 3);
            let upstream = noise(rows * case.operation.width(), -1.0, 1.0, &mut 11);
            let loss = |inputs: &[Vec<f32>]| -> f64 {
                let out = case.forward(inputs, rows, spans, initial).out;
                let values = |s: &Span| s.start * case.operation.width()..(s.start + s.len) * case.operation.width();
                spans.iter().flat_map(values).map(|i| f64::from(out[i]) * f64::from(upstream[i])).sum()
            };
            let forward = case.forward(&inputs, rows, spans, initial);
            let kept = Kept { out: &forward.out, saved: &forward.saved };
            let given: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
            let gradients = case.operation.backward(&given, kept, &upstream, Items { rows, spans, initial });
            assert_eq!(gradients.len(), inputs.len());
            for (at, gradient) in gradients.iter().enumerate().filter(|(_, gradient)| !gradient.is_empty()) {
                let direction = noise(inputs[at].len(), -1.0, 1.0, &mut (17 + at as u64));
                let moved = |by: f32| {
                    let mut inputs = inputs.clone();
                    inputs[at].iter_mut().zip(&direction).for_each(|(x, d)| *x += by * d);
                    loss(&inputs)
                };
                let numeric = (moved(5e-3) - moved(-5e-3)) / 1e-2;
                let product = |(g, d): (&f32, &f32)| f64::from(*g) * f64::from(*d);
                let analytic: f64 = gradient.iter().zip(&direction).map(product).sum();
                let scale = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
                assert!(
                    (numeric - analytic).abs() < 5e-3 * scale.max(0.1),
                    "{:?}, input {at}, state {}: {numeric} {analytic} (scale {scale})",
                    case.operation,
                    initial.is_some()
                );
            }
        }
    }
}

#[test]
fn chunks_continue_each_other() {
    for case in cases().iter().filter(|c| c.operation.state_size() > 0) {
        let rows = LONG;
        let inputs = case.inputs(rows, 7);
        let whole = case.forward(&inputs, rows, &spans(&[(0, rows)]), None);
        for cuts in [vec![1, 149], vec![16, 17, 117], vec![65, 2, 83]] {
            let (mut out, mut state, mut start) = (Vec::new(), None::<Vec<f32>>, 0);
            for len in cuts {
                let part = case.rows_of(&inputs, Span { start, len });
                let forward = case.forward(&part, len, &spans(&[(0, len)]), state.as_deref());
                out.extend(forward.out);
                state = Some(forward.last);
                start += len;
            }
            close(&out, &whole.out, 1e-5, &case.operation);
            close(&state.unwrap(), &whole.last, 1e-5, &case.operation);
        }
    }
}

#[test]
fn packed_items_are_as_if_alone_and_rows_of_none_are_zeros() {
    for case in cases() {
        let spans = spans(&SPANS);
        let inputs = case.inputs(ROWS, 9);
        let packed = case.forward(&inputs, ROWS, &spans, None);
        let width = case.operation.width();
        for (i, &span) in spans.iter().enumerate() {
            let whole = Span { start: 0, len: span.len };
            let alone = case.forward(&case.rows_of(&inputs, span), span.len, &[whole], None);
            close(rows_of(&packed.out, span, width), &alone.out, 1e-6, &case.operation);
            let size = case.operation.state_size();
            close(&packed.last[i * size..][..size], &alone.last, 1e-6, &case.operation);
        }
        for row in [17, 18, 69] {
            assert!(packed.out[row * width..][..width].iter().all(|&v| v == 0.0), "{:?}", case.operation);
        }
    }
}

#[test]
fn what_comes_later_changes_nothing_before() {
    for case in cases() {
        let (rows, from) = (37, 21);
        let inputs = case.inputs(rows, 13);
        let mut other = case.inputs(rows, 14);
        for ((changed, kept), &(width, ..)) in other.iter_mut().zip(&inputs).zip(&case.by_row) {
            changed[..from * width].copy_from_slice(&kept[..from * width]);
        }
        other.truncate(case.by_row.len());
        other.extend_from_slice(&inputs[case.by_row.len()..]);
        let of = |inputs: &[Vec<f32>]| case.forward(inputs, rows, &spans(&[(0, rows)]), None).out;
        let (a, b) = (of(&inputs), of(&other));
        let width = case.operation.width();
        assert_eq!(a[..from * width], b[..from * width], "{:?}", case.operation);
        assert_ne!(a[from * width..], b[from * width..], "{:?}", case.operation);
    }
}
