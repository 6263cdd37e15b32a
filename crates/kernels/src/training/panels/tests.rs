use super::super::pack::rounded;
use super::*;
use proptest::prelude::*;

fn value(i: usize, seed: u32) -> f32 {
    (((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed * 97)) >> 16) as f32 / 65536.0 - 0.5
}

fn values(n: usize, seed: u32) -> Vec<f32> {
    (0..n).map(|i| value(i, seed)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn equals_the_triple_loop(
        m in 0usize..20, n in 0usize..140, k in 0usize..33, deep: bool, transposed: bool, from_columns: bool, add: bool,
        bf16: bool, seed in 0u32..1000,
    ) {
        // Beyond one block of steps, too.
        let k = if deep { k + 300 } else { k };
        let precision = if bf16 { Precision::Bf16 } else { Precision::F32 };
        let (a, b, start) = (values(m * k, seed), values(k * n, seed + 1), values(m * (n + 2), seed + 2));
        let left = if transposed { Strided::columns(&a, m) } else { Strided::rows(&a, k) };
        // b is [k, n] row-major, or its transpose.
        let right = if from_columns {
            Panels::of_columns(precision, &b.chunks(k.max(1)).collect::<Vec<_>>())
        } else {
            Panels::of_rows(precision, &b.chunks(n.max(1)).collect::<Vec<_>>())
        };
        let mut out = start.clone();
        let onto = if add { Onto::Add } else { Onto::Replace };
        multiply(m, left, right.all(), &mut out, n + 2, onto, &mut LeftRoom::default());
        let exact = |x: f32| if bf16 { half::bf16::from_f32(x).to_f64() } else { f64::from(x) };
        // An empty matrix does not know its other dimension, so that nothing is written.
        let empty = k == 0 || n == 0;
        for i in 0..m {
            for j in 0..n + 2 {
                let at = i * (n + 2) + j;
                let old = f64::from(start[at]);
                let want = if j >= n || empty { old } else {
                    let right = |p: usize| if from_columns { b[j * k + p] } else { b[p * n + j] };
                    let sum: f64 = (0..k).map(|p| exact(a[i * left.row_stride + p * left.column_stride]) * exact(right(p))).sum();
                    sum + if add { old } else { 0.0 }
                };
                prop_assert!((f64::from(out[at]) - want).abs() < 1e-6 * (20.0 + want.abs()), "{} {}", out[at], want);
            }
        }
    }
}

#[test]
fn a_part_is_the_upper_left_of_the_matrix() {
    let (m, k, n) = (5, 40, 70);
    let (a, b) = (values(m * k, 1), values(k * n, 2));
    let right = Panels::of_rows(Precision::F32, &b.chunks(n).collect::<Vec<_>>());
    let mut out = vec![0.0; m * 33];
    multiply(m, Strided::rows(&a, k), right.part(17, 33), &mut out, 33, Onto::Replace, &mut LeftRoom::default());
    for i in 0..m {
        for j in 0..33 {
            let want: f32 = (0..17).map(|p| a[i * k + p] * b[p * n + j]).sum();
            assert!((out[i * 33 + j] - want).abs() < 1e-5);
        }
    }
}

#[test]
fn reused_panels_forget_what_they_held() {
    let mut panels = Panels::empty(Precision::Bf16);
    let (wide, narrow) = (vec![7.0; 50], vec![1.0; 3]);
    panels.set_rows(&[&wide, &wide, &wide]);
    panels.set_rows(&[&narrow, &narrow, &narrow]);
    assert_eq!(panels.lines, Panels::of_rows(Precision::Bf16, &[&narrow, &narrow, &narrow]).lines);
    panels.set_columns(&[&wide]);
    assert_eq!(panels.lines, Panels::of_columns(Precision::Bf16, &[&wide]).lines);
}

#[test]
fn rounding_is_that_of_bfloat16() {
    for i in 0..100_000u32 {
        let x = f32::from_bits(i.wrapping_mul(42_949));
        let (ours, theirs) = (rounded(x), half::bf16::from_f32(x).to_f32());
        assert!(ours.to_bits() == theirs.to_bits() || (ours.is_nan() && theirs.is_nan()), "{x}");
    }
}

/// Every way in which this processor can multiply bfloat16, not its best alone, beyond one block of steps, rows and columns.
#[test]
fn all_layouts_of_bf16_give_the_same() {
    let mut layouts = vec![Layout::Rounded];
    #[cfg(target_arch = "x86_64")]
    {
        layouts.extend(tile::has_bf16().then_some(Layout::Pairs));
        layouts.extend(tile::has_tiles().then_some(Layout::Tiles));
    }
    println!("layouts of this processor: {layouts:?}");
    for (m, k, n) in [(1, 1, 1), (16, 32, 16), (17, 33, 97), (50, 1_100, 700), (300, 200, 40)] {
        let (a, b, start) = (values(m * k, 1), values(k * n, 2), values(m * n, 3));
        let exact = |values: &[f32]| -> Vec<f64> { values.iter().map(|&v| half::bf16::from_f32(v).to_f64()).collect() };
        let (exact_a, exact_b) = (exact(&a), exact(&b));
        for (&layout, by_columns) in layouts.iter().flat_map(|layout| [(layout, false), (layout, true)]) {
            let empty = || Panels { layout, k: 0, n: 0, lines: Vec::new() };
            let (mut right, mut turned) = (empty(), empty());
            right.set_rows(&b.chunks(n).collect::<Vec<_>>());
            let columns: Vec<Vec<f32>> = (0..n).map(|j| b[j..].iter().step_by(n).copied().collect()).collect();
            turned.set_columns(&columns.iter().map(Vec::as_slice).collect::<Vec<_>>());
            assert_eq!(right.lines, turned.lines, "{layout:?} {m} {k} {n}");
            let left_columns: Vec<f32> = (0..k).flat_map(|p| (0..m).map(move |i| i * k + p)).map(|at| a[at]).collect();
            let left = if by_columns { Strided::columns(&left_columns, m) } else { Strided::rows(&a, k) };
            let mut room = LeftRoom::default();
            let (mut replaced, mut added) = (start.clone(), start.clone());
            multiply(m, left, right.all(), &mut replaced, n, Onto::Replace, &mut room);
            multiply(m, left, right.all(), &mut added, n, Onto::Add, &mut room);
            for (at, (replaced, added)) in replaced.iter().zip(&added).enumerate() {
                let (i, j) = (at / n, at % n);
                let want: f64 = (0..k).map(|p| exact_a[i * k + p] * exact_b[p * n + j]).sum();
                let near = |got: f32, want: f64| (f64::from(got) - want).abs() < 1e-6 * (40.0 + want.abs());
                assert!(near(*replaced, want), "{layout:?} {m} {k} {n} at {i}, {j}: {replaced} for {want}");
                assert!(near(*added, want + f64::from(start[at])), "{layout:?} {m} {k} {n} at {i}, {j}, added");
            }
        }
    }
}
