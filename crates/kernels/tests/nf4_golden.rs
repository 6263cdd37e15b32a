//! NF4 against what bitsandbytes made (`tests/reference/nf4.py`).

use bantam_kernels::codec::nf4::Nf4;
use safetensors::SafeTensors;

fn floats(file: &SafeTensors<'_>, name: &str) -> Vec<f32> {
    let data = file.tensor(name).unwrap();
    data.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect()
}

/// Exact in f32, as the script makes it.
fn hashed() -> Vec<f32> {
    let value = |i: u32| (i.wrapping_mul(2654435761) >> 12) as f32 / 524288.0 - 1.0;
    (0..64 * 260).map(|i| value(i) * (1 + i / 64 % 7) as f32).collect()
}

#[test]
fn values_read_back_as_bitsandbytes_reads_them() {
    let bytes = include_bytes!("data/nf4.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    for case in ["hashed", "outlier", "zero_block", "ragged", "tiny", "constant"] {
        let values = if case == "hashed" { hashed() } else { floats(&file, &format!("{case}.values")) };
        let quantized = Nf4::quantize(&values);
        let mut back = vec![0.0; values.len()];
        quantized.dequantize(&mut back);
        if case == "hashed" {
            back.drain(1024..64 * 260 - 256);
        }
        let scale = values.iter().fold(0f32, |m, v| m.max(v.abs()));
        for (i, (ours, theirs)) in back.iter().zip(floats(&file, &format!("{case}.back"))).enumerate() {
            // Codes are the same; the mean of the scales is summed in another order.
            assert!((ours - theirs).abs() <= 2e-6 * scale, "{case}[{i}]: {ours} {theirs}");
        }
    }
}
