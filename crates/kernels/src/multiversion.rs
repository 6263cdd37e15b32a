//! One generic body compiled for several instruction sets, the best of them chosen at run time.
//!
//! The bodies are plain Rust that the compiler turns into vector code for the enabled features, so the scalar oracle
//! and the fast path are the same source; `FMA` tells the body whether a fused multiply-add is one instruction.

/// Defines `pub fn $name` that runs `$body::<FMA, LANES>` compiled for AVX-512, AVX2 with FMA, NEON or plain code.
/// `LANES` is the width, in f32, of the widest tile the instruction set holds in registers (32 or 16).
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:ident) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name($($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn v4($($arg: $ty),*) $(-> $ret)? {
                    $body::<true, 32>($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn v3($($arg: $ty),*) $(-> $ret)? {
                    $body::<true, 16>($($arg),*)
                }
                match crate::multiversion::level() {
                    // SAFETY: `level` has just seen every feature that the function enables.
                    crate::multiversion::Level::Avx512 => return unsafe { v4($($arg),*) },
                    // SAFETY: as above.
                    crate::multiversion::Level::Avx2 => return unsafe { v3($($arg),*) },
                    _ => {}
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }, 16>($($arg),*)
        }
    };
}
pub(crate) use multiversion;

/// The instruction sets that bodies are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// AVX-512 F, VL, DQ and BW.
    Avx512,
    /// AVX2 and FMA.
    Avx2,
    /// What the compilation target guarantees (SSE2 on x86-64, NEON on AArch64).
    Baseline,
}

/// The best level this processor runs. The detection is cached by the standard library.
pub fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("fma")
        {
            return Level::Avx512;
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            return Level::Avx2;
        }
    }
    Level::Baseline
}

/// `a * b + c`: fused where that is one instruction, two roundings elsewhere (a call to `fmaf` would be slow).
#[inline(always)]
pub(crate) fn mul_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// e^x for f32, to 2 units in the last place, in a form that vectorizes; exactly 0 below -87.3 and capped at e^88.
/// Cody-Waite reduction by ln 2 in two parts and a degree-6 polynomial (coefficients of Cephes' `expf`).
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -2.121_944_4e-4;
    let clamped = x.clamp(-87.3, 88.0);
    // Adding 1.5 * 2^23 rounds to the nearest integer and leaves it in the low mantissa bits.
    const MAGIC: f32 = 12_582_912.0;
    let shifted = mul_add::<FMA>(clamped, std::f32::consts::LOG2_E, MAGIC);
    let n = shifted - MAGIC;
    let r = mul_add::<FMA>(n, -LN2_HIGH, clamped);
    let r = mul_add::<FMA>(n, -LN2_LOW, r);
    let mut p = 1.987_569_1e-4;
    p = mul_add::<FMA>(p, r, 1.398_199_9e-3);
    p = mul_add::<FMA>(p, r, 8.333_452e-3);
    p = mul_add::<FMA>(p, r, 4.166_579_6e-2);
    p = mul_add::<FMA>(p, r, 1.666_666_5e-1);
    p = mul_add::<FMA>(p, r, 0.5);
    let y = mul_add::<FMA>(p, r * r, r) + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if x < -87.3 { 0.0 } else { y * scale }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let mut x = -87.0f32;
        while x < 87.0 {
            for got in [exp::<true>(x), exp::<false>(x)] {
                let want = (x as f64).exp();
                assert!(((got as f64 - want) / want).abs() < 2.4e-7, "exp({x}) = {got}, want {want}");
            }
            x += 0.0137;
        }
        assert_eq!(exp::<true>(0.0), 1.0);
        assert_eq!(exp::<true>(-200.0), 0.0);
        assert_eq!(exp::<true>(f32::NEG_INFINITY), 0.0);
        assert!(exp::<true>(f32::NAN).is_nan());
    }
}
