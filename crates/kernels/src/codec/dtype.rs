//! The number formats of weights by name, and rows of values in each of them.

use super::{BlockFormat, Q4_0, Q4_1, Q4K, Q5_0, Q5_1, Q5K, Q6K, Q8_0, block, float16};

/// Number formats of weights that Bantam reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// 32-bit float.
    F32,
    /// IEEE half.
    F16,
    /// bfloat16.
    BF16,
    /// Blocks of 32 in 4 bits, with a scale.
    Q4_0,
    /// Blocks of 32 in 4 bits, with a scale and a minimum.
    Q4_1,
    /// Blocks of 32 in 5 bits, with a scale.
    Q5_0,
    /// Blocks of 32 in 5 bits, with a scale and a minimum.
    Q5_1,
    /// Blocks of 32 in 8 bits, with a scale.
    Q8_0,
    /// Blocks of 256 in 4 bits: eight groups with 6-bit scales and minimums.
    Q4K,
    /// Blocks of 256 in 5 bits: eight groups with 6-bit scales and minimums.
    Q5K,
    /// Blocks of 256 in 6 bits: sixteen groups with 8-bit scales.
    Q6K,
}

/// Runs an expression with `$B` standing for the block format of a dtype; floats run the other ones.
macro_rules! by_format {
    ($dtype:expr, $B:ident => $blocks:expr, F32 => $f32:expr, F16 => $f16:expr, BF16 => $bf16:expr $(,)?) => {
        match $dtype {
            DType::F32 => $f32,
            DType::F16 => $f16,
            DType::BF16 => $bf16,
            DType::Q4_0 => {
                type $B = Q4_0;
                $blocks
            }
            DType::Q4_1 => {
                type $B = Q4_1;
                $blocks
            }
            DType::Q5_0 => {
                type $B = Q5_0;
                $blocks
            }
            DType::Q5_1 => {
                type $B = Q5_1;
                $blocks
            }
            DType::Q8_0 => {
                type $B = Q8_0;
                $blocks
            }
            DType::Q4K => {
                type $B = Q4K;
                $blocks
            }
            DType::Q5K => {
                type $B = Q5K;
                $blocks
            }
            DType::Q6K => {
                type $B = Q6K;
                $blocks
            }
        }
    };
}

impl DType {
    /// All of them.
    pub const ALL: [DType; 11] = [
        DType::F32,
        DType::F16,
        DType::BF16,
        DType::Q4_0,
        DType::Q4_1,
        DType::Q5_0,
        DType::Q5_1,
        DType::Q8_0,
        DType::Q4K,
        DType::Q5K,
        DType::Q6K,
    ];

    /// ggml's name, such as `Q8_0` or `Q4_K`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q4K => "Q4_K",
            Self::Q5K => "Q5_K",
            Self::Q6K => "Q6_K",
        }
    }

    /// Whether values lie in blocks with scales; otherwise they are floats one by one.
    pub fn is_blocks(self) -> bool {
        self.block().0 > 1
    }

    /// Values and bytes per block; rows are whole blocks. A float is a block of one.
    pub fn block(self) -> (usize, usize) {
        by_format!(self, B => (B::LEN, B::BYTES), F32 => (1, 4), F16 => (1, 2), BF16 => (1, 2))
    }

    /// Bits that a value takes, its share of the scales included.
    pub fn bits_per_value(self) -> f64 {
        let (values, bytes) = self.block();
        8.0 * bytes as f64 / values as f64
    }

    /// Bytes of one row of `n` values; `None` where the format cannot hold such a row or the size overflows.
    pub fn row_bytes(self, n: usize) -> Option<usize> {
        let (values, bytes) = self.block();
        n.is_multiple_of(values).then_some(n / values).and_then(|blocks| blocks.checked_mul(bytes))
    }

    /// Bytes of a tensor, its last dimension being the row; `None` as in [`row_bytes`](Self::row_bytes).
    pub fn bytes_for(self, shape: &[usize]) -> Option<usize> {
        let (&row, outer) = shape.split_last().unwrap_or((&1, &[]));
        outer.iter().try_fold(self.row_bytes(row)?, |n, &d| n.checked_mul(d))
    }

    /// Writes finite values, one row or several whole ones. Panics if `bytes` does not have the length of the values.
    pub fn quantize(self, values: &[f32], bytes: &mut [u8]) {
        assert_eq!(Some(bytes.len()), self.row_bytes(values.len()));
        by_format!(self,
            B => block::quantize::<B>(values, bytes),
            F32 => bytes.as_chunks_mut::<4>().0.iter_mut().zip(values).for_each(|(b, v)| *b = v.to_le_bytes()),
            F16 => float16::f16_from_f32(values, bytes),
            BF16 => float16::bf16_from_f32(values, bytes),
        );
    }

    /// Reads one row or several whole ones. Panics if `bytes` does not have the length of the values.
    pub fn dequantize(self, bytes: &[u8], values: &mut [f32]) {
        assert_eq!(Some(bytes.len()), self.row_bytes(values.len()));
        by_format!(self,
            B => block::dequantize::<B>(bytes, values),
            F32 => bytes.as_chunks::<4>().0.iter().zip(values).for_each(|(b, v)| *v = f32::from_le_bytes(*b)),
            F16 => float16::f16_to_f32(bytes, values),
            BF16 => float16::bf16_to_f32(bytes, values),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_ggml_s() {
        let bits = DType::ALL.map(DType::bits_per_value);
        assert_eq!(bits, [32.0, 16.0, 16.0, 4.5, 5.0, 5.5, 6.0, 8.5, 4.5, 5.5, 6.5625]);
    }

    #[test]
    fn ragged_rows_and_overflowing_shapes_have_no_size() {
        assert_eq!(DType::Q8_0.row_bytes(33), None);
        assert_eq!(DType::Q8_0.row_bytes(64), Some(68));
        assert_eq!(DType::Q4K.row_bytes(128), None);
        assert_eq!(DType::Q4K.bytes_for(&[3, 512]), Some(3 * 288));
        assert_eq!(DType::F32.row_bytes(usize::MAX), None);
        assert_eq!(DType::Q6K.bytes_for(&[usize::MAX, 256]), None);
    }
}
