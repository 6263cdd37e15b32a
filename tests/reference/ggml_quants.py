"""ggml's block formats: rows quantized by ggml itself, and read back by the gguf package.

    python tests/reference/ggml_quants.py

writes crates/kernels/tests/data/ggml_quants.safetensors:
    values               f32 [cases, 256], the cases below
    <format>.blocks      what ggml's reference makes of them
    <format>.back        f32: random blocks (<format>.random), and the first case's, read back by the gguf package
    <format>.hashed      i64: FNV-1a of ggml's blocks of the 65,536 values of `hashed`, which the test makes too
ggml is the library that llama-cpp-python brings.

llama-cpp-python 0.3.36, gguf 0.19.0, numpy 2, safetensors 0.8
"""

import ctypes
import pathlib

import gguf
import llama_cpp
import numpy as np
from gguf import quants
from safetensors.numpy import save_file

OUT = pathlib.Path("crates/kernels/tests/data/ggml_quants.safetensors")
FORMATS = ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]

library = pathlib.Path(llama_cpp.__file__).parent / "lib" / "libggml-base.so"
ggml = ctypes.CDLL(str(library))
ggml.ggml_quantize_chunk.restype = ctypes.c_size_t
ggml.ggml_quantize_chunk.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
                                     ctypes.c_void_p]


def quantize(kind, values):
    length, size = gguf.GGML_QUANT_SIZES[kind]
    values = np.ascontiguousarray(values, np.float32).reshape(-1, 256)
    out = np.zeros(values.size // length * size, np.uint8)
    written = ggml.ggml_quantize_chunk(int(kind), values.ctypes.data, out.ctypes.data, 0, len(values), 256, None)
    assert written == out.size
    return out


def hashed():
    """Sums of four 16-bit numbers, exact in f32, with another size in every row."""
    i = np.arange(65536, dtype=np.uint64)
    total = np.zeros(65536, np.int64)
    for k in range(4):
        total += (((i * 4 + k) * 2654435761 % 2**32) >> 16).astype(np.int64) - 32768
    return (total.astype(np.float32) / 65536) * (2.0 ** ((i // 256 % 23).astype(np.float32) - 14)).astype(np.float32)


def fnv(data):
    state = 0xcbf29ce484222325
    for byte in data.tobytes():
        state = (state ^ byte) * 0x100000001b3 % 2**64
    return state


def main():
    rng = np.random.default_rng(0)
    normal = rng.standard_normal(256)
    outlier = normal * 1e-3
    outlier[77] = -1000.0
    one = np.zeros(256)
    one[255] = 3.5
    zero_group = normal.copy()
    zero_group[64:96] = 0
    cases = [
        normal,
        np.zeros(256),
        -np.zeros(256),
        outlier,
        one,
        zero_group,
        np.full(256, 1.0),
        np.full(256, -0.37),
        np.abs(normal) + 2,  # all above zero: the minimum is not used
        -np.abs(normal) - 2,
        np.linspace(-1, 1, 256),
        np.arange(256) % 31 - 15.5,  # ties
        normal * 1e-6,  # scales that are subnormal halves
        normal * 1e-11,  # scales that round to a zero half
        normal * 1e-16,  # under the K-quants' limit
        normal * 1e-38,  # subnormal scales
        normal * 1e-41,  # subnormal values
        normal * 1e4,
        rng.uniform(-65504, 65504, 256),
        normal * 10.0 ** rng.integers(-4, 4, 8).repeat(32),
        rng.standard_cauchy(256),
    ]
    values = np.array(cases, np.float32)
    out = {"values": values}
    for name in FORMATS:
        kind = gguf.GGMLQuantizationType[name]
        blocks = quantize(kind, values)
        length, size = gguf.GGML_QUANT_SIZES[kind]
        row = 256 // length * size
        # Random blocks whose halves are finite.
        random = rng.integers(0, 256, (256 // length, size), dtype=np.uint8)
        halves = {"Q6_K": [208]}.get(name, [0, 2] if name in ("Q4_1", "Q5_1", "Q4_K", "Q5_K") else [0])
        for at in halves:
            random[:, at + 1] &= 0xbf
        both = np.concatenate([random.reshape(-1), blocks[:row]])
        out[f"{name}.blocks"] = blocks
        out[f"{name}.random"] = random.reshape(-1)
        out[f"{name}.back"] = quants.dequantize(both.reshape(2, row), kind).reshape(-1)
        out[f"{name}.hashed"] = np.array([fnv(quantize(kind, hashed()))], np.uint64).view(np.int64)
    save_file(out, OUT)
    print(OUT.stat().st_size, "bytes")


main()
