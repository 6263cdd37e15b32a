use bantam_kernels::training::panels::*;
use std::time::Instant;
fn main() {
    bantam_kernels::memory::keep_freed_memory();
    for (k, n) in [(128usize, 128usize), (128, 384), (128, 688), (344, 128), (128, 2048), (2048, 128)] {
        let rows = 4096;
        let c = 128;
        let x = vec![0.5f32; rows * k];
        let b = vec![0.25f32; k * n];
        let mut y = vec![0f32; rows * n];
        let cols: Vec<&[f32]> = b.chunks(k).collect();
        let p = Panels::of_columns(Precision::F32, &cols);
        let mut room = LeftRoom::default();
        let t = |f: &mut dyn FnMut()| {
            let mut best = f64::MAX;
            let begin = Instant::now();
            while begin.elapsed().as_secs_f64() < 0.8 {
                let s = Instant::now();
                f();
                best = best.min(s.elapsed().as_secs_f64());
            }
            2.0 * (rows * n * k) as f64 / best / 1e9
        };
        let full = t(&mut || {
            for i in 0..rows / c {
                multiply(
                    c,
                    Strided::rows(&x[i * c * k..], k),
                    p.all(),
                    &mut y[i * c * n..],
                    n,
                    Onto::Replace,
                    &mut room,
                );
            }
        });
        let same_out = t(&mut || {
            for i in 0..rows / c {
                multiply(c, Strided::rows(&x[i * c * k..], k), p.all(), &mut y[..], n, Onto::Replace, &mut room);
            }
        });
        let same_in = t(&mut || {
            for i in 0..rows / c {
                multiply(c, Strided::rows(&x[..], k), p.all(), &mut y[i * c * n..], n, Onto::Replace, &mut room);
            }
        });
        let same = t(&mut || {
            for _ in 0..rows / c {
                multiply(c, Strided::rows(&x[..], k), p.all(), &mut y[..], n, Onto::Replace, &mut room);
            }
        });
        // dW: M = n outputs, K = c rows, N = k inputs
        let mut dw = vec![0f32; n * k];
        let mut px = Panels::empty(Precision::F32);
        let dwt = t(&mut || {
            for i in 0..rows / c {
                let r: Vec<&[f32]> = x[i * c * k..][..c * k].chunks(k).collect();
                px.set_rows(&r);
                multiply(n, Strided::columns(&y[i * c * n..], n), px.all(), &mut dw, k, Onto::Add, &mut room);
            }
        });
        let dwt2 = t(&mut || {
            for i in 0..rows / c {
                let _ = i;
                multiply(n, Strided::columns(&y[..], n), px.all(), &mut dw, k, Onto::Add, &mut room);
            }
        });
        println!(
            "k{k} n{n}: full {full:.0} same_out {same_out:.0} same_in {same_in:.0} same {same:.0} dW {dwt:.0} dW hot, no pack {dwt2:.0}"
        );
    }
}
