//! Q8_0 against the blocks that the Python package `gguf` made (`tests/reference/q8_0.py`).

use bantam_kernels::codec::q8_0;

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

#[test]
fn blocks_equal_ggml_s_bit_for_bit() {
    let values = floats(include_bytes!("data/q8_0.f32"));
    let expected = include_bytes!("data/q8_0.blocks");
    let mut blocks = vec![0u8; q8_0::bytes_for(values.len()).unwrap()];
    q8_0::quantize(&values, &mut blocks);
    for (i, (ours, theirs)) in blocks.chunks(q8_0::BLOCK_BYTES).zip(expected.chunks(q8_0::BLOCK_BYTES)).enumerate() {
        assert_eq!(ours, theirs, "block {i}");
    }
    assert_eq!(blocks.len(), expected.len());
}

#[test]
fn blocks_read_back_as_ggml_reads_them() {
    let blocks = include_bytes!("data/q8_0.blocks");
    let expected = floats(include_bytes!("data/q8_0.back"));
    let mut values = vec![0f32; expected.len()];
    q8_0::dequantize(blocks, &mut values);
    for (i, (ours, theirs)) in values.iter().zip(&expected).enumerate() {
        assert_eq!(ours.to_bits(), theirs.to_bits(), "value {i}");
    }
}
