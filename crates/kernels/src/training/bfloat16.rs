//! How are values kept as bfloat16, and restored?

use super::pack::rounded;
use crate::multiversion::multiversion;

multiversion! {
    /// Rounds the values to the nearest bfloat16 (ties to even) where they are, and keeps them in `kept` as well. Of the same length.
    pub(super) fn round_and_keep(values: &mut [f32], kept: &mut [u16]) = round_and_keep_body
}
multiversion! {
    /// The values that were kept. Of the same length.
    pub(super) fn restore(kept: &[u16], values: &mut [f32]) = restore_body
}

#[inline(always)]
fn round_and_keep_body<const FMA: bool, const LANES: usize>(values: &mut [f32], kept: &mut [u16]) {
    for (value, kept) in values.iter_mut().zip(kept) {
        *value = rounded(*value);
        *kept = (value.to_bits() >> 16) as u16;
    }
}

#[inline(always)]
fn restore_body<const FMA: bool, const LANES: usize>(kept: &[u16], values: &mut [f32]) {
    for (value, kept) in values.iter_mut().zip(kept) {
        *value = f32::from_bits(u32::from(*kept) << 16);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_rounded() {
        // Halfway to an even and to an odd neighbour, just above halfway, the largest number, and no number.
        let bits = [0x3f80_8000, 0x3f81_8000, 0x3f80_8001, 0x7f7f_ffff, 0xbf80_0000, 0x7fc0_0001];
        let want = [0x3f80_0000, 0x3f82_0000, 0x3f81_0000, 0x7f80_0000, 0xbf80_0000, 0x7fc0_0000];
        let mut values: Vec<f32> = bits.iter().cycle().take(37).map(|&b| f32::from_bits(b)).collect();
        let mut kept = vec![0; values.len()];
        round_and_keep(&mut values, &mut kept);
        let mut restored = vec![0.0; values.len()];
        restore(&kept, &mut restored);
        for (i, (value, restored)) in values.iter().zip(&restored).enumerate() {
            assert_eq!([value.to_bits(), restored.to_bits()], [want[i % want.len()]; 2], "{i}");
        }
    }
}
