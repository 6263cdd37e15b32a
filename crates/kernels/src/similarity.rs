//! Which vector is nearest to a given one? By the cosine of the angle between them.

/// The cosine; 0 where a vector has no length, NaN where a component is no number.
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths == 0.0 { 0.0 } else { dot(a, b) / lengths }
}

/// Of each of `predicted` whether its own of `wanted` (both `[rows, size]`) is the nearest to it of them all. One that is the same
/// vector as another's counts as found with it.
pub fn finds_own(predicted: &[f32], wanted: &[f32], size: usize) -> Vec<bool> {
    let nearest = |(answer, own): (&[f32], &[f32])| {
        let own = cosine(answer, own);
        own.is_finite() && wanted.chunks_exact(size).all(|other| own >= cosine(answer, other))
    };
    predicted.chunks_exact(size).zip(wanted.chunks_exact(size)).map(nearest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_the_one_in_the_same_direction() {
        let wanted = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0];
        assert_eq!(finds_own(&[5.0, 0.1, 3.0, 2.0, -1.0, 0.5], &wanted, 2), [true, false, true]);
        assert_eq!(finds_own(&[f32::NAN; 6], &wanted, 2), [false; 3]);
        // Equal vectors cannot be told apart, and that is no mistake.
        assert_eq!(finds_own(&[1.0, 0.0, 1.0, 0.0], &[2.0, 0.0, 2.0, 0.0], 2), [true, true]);
        assert!((cosine(&[1.0, 1.0], &[1.0, 0.0]) - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 0.0]), 0.0);
    }
}
