//! Complex states that decay and turn, several for each channel: S4D.

use crate::inference::isa::per_isa;
use crate::multiversion::mul_add;

/// The numbers of a diagonal state space; each is `[states, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Diagonal<'a> {
    /// What a state is multiplied by at each position, real part.
    pub decay_re: &'a [f32],
    /// The imaginary part.
    pub decay_im: &'a [f32],
    /// What a state counts for in the output, real part.
    pub read_re: &'a [f32],
    /// The imaginary part.
    pub read_im: &'a [f32],
}

#[inline(always)]
fn diagonal_body<const FMA: bool>(space: Diagonal<'_>, x: &[f32], state: &mut [f32], out: &mut [f32]) {
    let n = x.len();
    let out = &mut out[..n];
    out.fill(0.0);
    let row = |of: &'_ [f32], i: usize| -> std::ops::Range<usize> { i * n..((i + 1) * n).min(of.len()) };
    for (i, state) in state.chunks_exact_mut(2 * n).enumerate() {
        let (re, im) = state.split_at_mut(n);
        let (decay_re, decay_im) = (&space.decay_re[row(space.decay_re, i)], &space.decay_im[row(space.decay_im, i)]);
        let (read_re, read_im) = (&space.read_re[row(space.read_re, i)], &space.read_im[row(space.read_im, i)]);
        let (decay_re, decay_im) = (&decay_re[..n], &decay_im[..n]);
        let (read_re, read_im) = (&read_re[..n], &read_im[..n]);
        let im = &mut im[..n];
        for c in 0..n {
            let next_re = mul_add::<FMA>(decay_re[c], re[c], mul_add::<FMA>(-decay_im[c], im[c], x[c]));
            let next_im = mul_add::<FMA>(decay_re[c], im[c], decay_im[c] * re[c]);
            (re[c], im[c]) = (next_re, next_im);
            out[c] = mul_add::<FMA>(read_re[c], next_re, mul_add::<FMA>(-read_im[c], next_im, out[c]));
        }
    }
}

per_isa! {
    /// `h = decay h + x` for every complex state, then `out = Re(sum over states of read h)`. `x` and `out` are `[channels]`, `state` is
    /// `[states, 2, channels]`, real parts before imaginary ones.
    pub fn diagonal(space: Diagonal<'_>, x: &[f32], state: &mut [f32], out: &mut [f32]) = diagonal_body;
}

#[cfg(test)]
mod tests {
    use super::super::tests::{close, noise};
    use super::*;
    use crate::inference::Isa;

    #[test]
    fn every_instruction_set_matches_the_definition_in_f64() {
        let (channels, states) = (19, 3);
        let [decay_re, decay_im, read_re, read_im] = [1, 2, 3, 4].map(|s| noise(states * channels, s, 1.0));
        let space = Diagonal { decay_re: &decay_re, decay_im: &decay_im, read_re: &read_re, read_im: &read_im };
        let (x, before) = (noise(channels, 5, 1.0), noise(states * 2 * channels, 6, 1.0));
        for isa in Isa::available() {
            let (mut state, mut out) = (before.clone(), vec![f32::NAN; channels]);
            diagonal(isa, space, &x, &mut state, &mut out);
            let at = |of: &[f32], s: usize, c: usize| f64::from(of[s * channels + c]);
            let after = |s: usize, c: usize| {
                let (re, im) = (at(&before, 2 * s, c), at(&before, 2 * s + 1, c));
                let (a, b) = (at(&decay_re, s, c), at(&decay_im, s, c));
                [a * re - b * im + f64::from(x[c]), a * im + b * re]
            };
            let places = 0..states * 2 * channels;
            close(&state, places.map(|i| after(i / channels / 2, i % channels)[i / channels % 2]), "state");
            let read = |c: usize| -> f64 {
                (0..states).map(|s| at(&read_re, s, c) * after(s, c)[0] - at(&read_im, s, c) * after(s, c)[1]).sum()
            };
            close(&out, (0..channels).map(read), "out");
        }
    }
}
