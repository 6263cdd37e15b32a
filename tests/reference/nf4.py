"""NF4 with double quantization as bitsandbytes computes it on a CPU.

    python tests/reference/nf4.py

writes crates/kernels/tests/data/nf4.safetensors: for each case `<name>.values` and `<name>.back`, the values quantized and read back (f32).

bitsandbytes 0.50.2, torch 2.15.0, safetensors 0.8
"""

import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from safetensors.torch import save_file

torch.manual_seed(0)
outlier = torch.randn(640) * 0.02
outlier[77] = 3.0
zeros = torch.randn(256)
zeros[64:128] = 0.0
# Exact in f32 and made again by the test: ((i * 2654435761 mod 2^32) >> 12) / 2^19 - 1, times a scale that changes every 64 values.
i = torch.arange(64 * 260, dtype=torch.int64)
hashed = ((i * 2654435761 % 2**32 >> 12).float() / 2**19 - 1) * (1 + i // 64 % 7).float()
CASES = {
    "hashed": hashed,  # more than one block of scales
    "outlier": outlier,
    "zero_block": zeros,
    "ragged": torch.randn(150) * 10.0,  # the last block is short
    "tiny": torch.randn(128) * 1e-12,
    "constant": torch.full((192,), -0.25),
}


def main():
    tensors = {}
    for name, values in CASES.items():
        packed, state = quantize_4bit(values, blocksize=64, compress_statistics=True, quant_type="nf4")
        tensors |= {f"{name}.values": values, f"{name}.back": dequantize_4bit(packed, state).flatten()}
    del tensors["hashed.values"]
    # Values of the first block of scales, and of the second.
    tensors["hashed.back"] = torch.cat([tensors["hashed.back"][:1024], tensors["hashed.back"][-256:]])
    save_file(tensors, "crates/kernels/tests/data/nf4.safetensors")


if __name__ == "__main__":
    main()
