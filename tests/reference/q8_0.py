"""Q8_0 blocks as the gguf package makes them (bit for bit what ggml's quantize_row_q8_0_ref writes).

    python tests/reference/q8_0.py

writes crates/kernels/tests/data/q8_0.f32 (values, little-endian f32) and q8_0.blocks (34 bytes a block), and q8_0.back (the blocks
read back, f32).

gguf 0.19.0, numpy 2
"""

import pathlib

import numpy as np
from gguf import GGMLQuantizationType, quants

OUT = pathlib.Path("crates/kernels/tests/data")


def main():
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(32)
    outlier = np.full(32, 1e-3)
    outlier[17] = -1000.0
    one = np.zeros(32)
    one[31] = 3.5
    blocks = [
        np.zeros(32),
        -np.zeros(32),
        normal,
        normal * 1e-11,  # the scale rounds to a zero half, the quants stay
        normal * 1e-6,  # a subnormal half as scale
        normal * 1e-37,  # a subnormal f32 as scale
        outlier,
        one,
        np.full(32, 1.0),
        np.concatenate([[127.0], np.arange(31) - 15.5]),  # scale 1: ties, which go away from zero
        np.linspace(-1, 1, 32),
        normal * 6e4,
        rng.uniform(-65504, 65504, 32),
        *rng.standard_normal((35, 32)) * 10.0 ** rng.integers(-4, 4, (35, 1)),
    ]
    values = np.array(blocks, np.float32)
    packed = quants.quantize(values, GGMLQuantizationType.Q8_0)
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "q8_0.f32").write_bytes(values.astype("<f4").tobytes())
    (OUT / "q8_0.blocks").write_bytes(packed.tobytes())
    (OUT / "q8_0.back").write_bytes(quants.dequantize(packed, GGMLQuantizationType.Q8_0).astype("<f4").tobytes())


main()
