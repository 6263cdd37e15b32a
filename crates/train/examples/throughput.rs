//! scratch
use bantam_train::bench::*;
fn main() {
    let a: Vec<usize> = std::env::args().skip(1).map(|x| x.parse().unwrap()).collect();
    let c = shape(a[0], a[1], a[2], a[3], a[4], a[6]);
    let mut b = Bench::new(&c, None, Batches::random(4, a[5], a[6], a[4]), 1e-3).unwrap();
    let mut t = vec![];
    for _ in 0..a[7] { let s = std::time::Instant::now(); let r = b.step(); t.push(s.elapsed().as_secs_f64()); eprintln!("{:.4} {:.4} {:.3}", r.loss, r.gradient_norm, t.last().unwrap()); }
    t.sort_by(f64::total_cmp);
    println!("{} params, {:.0} tok/s", c.parameter_count(), (a[5]*a[6]) as f64 / t[t.len()/2]);
}
