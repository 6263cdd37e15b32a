//! Which instruction set the kernels use, found out at run time.

use std::sync::OnceLock;

/// An instruction set with kernels of its own. Every one computes the same function as [`Isa::Scalar`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Plain Rust, for every machine.
    Scalar,
    /// x86-64 with AVX2, FMA and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and DQ; 8-bit products in 16-bit steps.
    Avx512,
    /// [`Isa::Avx512`] with VNNI's 8-bit dot products.
    Avx512Vnni,
    /// AArch64, where NEON is always there.
    Neon,
    /// [`Isa::Neon`] with 8-bit dot products (FEAT_DotProd: Cortex-A55 and A75 on, Apple's cores, Graviton 2 on).
    NeonDot,
}

impl Isa {
    /// The best instruction set of this machine; found once.
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| Isa::available().last().copied().unwrap_or(Isa::Scalar))
    }

    /// Every instruction set this machine can run, slowest first.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 =
                is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq");
            if avx2 {
                found.push(Isa::Avx2);
            }
            if avx512 {
                found.push(Isa::Avx512);
            }
            if avx512 && is_x86_feature_detected!("avx512vnni") {
                found.push(Isa::Avx512Vnni);
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            found.push(Isa::Neon);
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                found.push(Isa::NeonDot);
            }
        }
        found
    }

    /// The name used in reports: `scalar`, `avx2`, `avx512`, `avx512-vnni`, `neon`, `neon-dot`.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
            Isa::Avx512Vnni => "avx512-vnni",
            Isa::Neon => "neon",
            Isa::NeonDot => "neon-dot",
        }
    }

    /// Panics unless this machine has the instruction set: the one gate before any `unsafe` call into its kernels.
    pub(crate) fn require(self) {
        assert!(self == Isa::Scalar || self == Isa::best() || Isa::available().contains(&self), "{self:?} is not here");
    }
}

/// Compiles one plain-Rust body once per instruction set and lets the caller pick, so that a test can run every one.
/// The body is `#[inline(always)]`, written so that the compiler vectorizes it, and generic over whether a fused
/// multiply-add is one instruction.
macro_rules! per_isa {
    ($(#[$doc:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident;) => {
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $visibility fn $name(isa: $crate::inference::Isa, $($argument: $type),*) {
            use $crate::inference::Isa;
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn avx512($($argument: $type),*) {
                $body::<true>($($argument),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            #[allow(clippy::too_many_arguments)]
            fn avx2($($argument: $type),*) {
                $body::<true>($($argument),*)
            }
            isa.require();
            match isa {
                // SAFETY: `require` has seen the instruction set on this machine.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 | Isa::Avx512Vnni => unsafe { avx512($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2($($argument),*) },
                Isa::Neon | Isa::NeonDot => $body::<true>($($argument),*),
                _ => $body::<false>($($argument),*),
            }
        }
    };
}
pub(crate) use per_isa;
