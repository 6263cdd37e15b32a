//! ggml's block formats against ggml itself and the Python package `gguf` (`tests/reference/ggml_quants.py`).

use bantam_kernels::codec::DType;
use safetensors::SafeTensors;

const GOLDEN: &[u8] = include_bytes!("data/ggml_quants.safetensors");

fn bytes<'a>(file: &SafeTensors<'a>, name: &str) -> &'a [u8] {
    file.tensor(name).unwrap().data()
}

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    bytes(file, name).as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

fn quantized(dtype: DType, values: &[f32]) -> Vec<u8> {
    let mut out = vec![0xa5; dtype.row_bytes(values.len()).unwrap()];
    dtype.quantize(values, &mut out);
    out
}

fn block_formats() -> impl Iterator<Item = DType> {
    DType::ALL.into_iter().filter(|d| d.is_blocks())
}

/// As the script makes them: exact in f32.
fn hashed() -> Vec<f32> {
    let part = |i: u32| i64::from(i.wrapping_mul(2_654_435_761) >> 16) - 32_768;
    let value = |i: u32| (0..4).map(|k| part(i * 4 + k)).sum::<i64>() as f32 / 65_536.0;
    (0..65_536).map(|i| value(i) * 2f32.powi((i / 256 % 23) as i32 - 14)).collect()
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |state, &b| (state ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[test]
fn blocks_are_ggml_s_bit_for_bit() {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let values = floats(&file, "values");
    for dtype in block_formats() {
        let name = dtype.name();
        let (ours, theirs) = (quantized(dtype, &values), bytes(&file, &format!("{name}.blocks")));
        let block = dtype.block().1;
        for (i, (ours, theirs)) in ours.chunks(block).zip(theirs.chunks(block)).enumerate() {
            assert_eq!(ours, theirs, "{name}, case {}", i * dtype.block().0 / 256);
        }
        assert_eq!(ours.len(), theirs.len());
    }
}

#[test]
fn many_more_blocks_have_ggml_s_hash() {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let values = hashed();
    for dtype in block_formats() {
        let theirs = bytes(&file, &format!("{}.hashed", dtype.name()));
        assert_eq!(fnv(&quantized(dtype, &values)).to_le_bytes(), theirs, "{}", dtype.name());
    }
}

#[test]
fn blocks_read_back_as_the_gguf_package_reads_them() {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let first = floats(&file, "values")[..256].to_vec();
    for dtype in block_formats() {
        let name = dtype.name();
        let mut blocks = bytes(&file, &format!("{name}.random")).to_vec();
        blocks.extend(quantized(dtype, &first));
        let theirs = floats(&file, &format!("{name}.back"));
        let mut ours = vec![0f32; theirs.len()];
        dtype.dequantize(&blocks, &mut ours);
        for (i, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(ours.to_bits(), theirs.to_bits(), "{name}[{i}]: {ours} {theirs}");
        }
    }
}
