"""How far quantization moves the predictions of Bantam and of llama.cpp: mean KL divergence from the dequantized F32 model.

    python tests/reference/quantized_logits.py BANTAM MODEL TEXT [TYPES] [CACHE]

packages MODEL (with its tokenizer) as every type, and scores the first 512 tokens of TEXT with `BANTAM score --logits` and with
llama.cpp on the same file, keys and values of both kept as CACHE (f32, f16 or q8_0) says. The reference is llama.cpp on a GGUF with the
same weights read back to F32 by the gguf package. The difference has a 95 % interval: a paired bootstrap over positions. Fails where
Bantam is worse and the interval does not hold zero.

llama-cpp-python 0.3.36, gguf 0.19.0, numpy 2, safetensors 0.8
"""

import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np
from safetensors.numpy import load_file

TOKENS = 512


CACHES = {"f32": llama_cpp.GGML_TYPE_F32, "f16": llama_cpp.GGML_TYPE_F16, "q8_0": llama_cpp.GGML_TYPE_Q8_0}


def logits(path, ids, cache="f32"):
    # llama.cpp quantizes values only with flash attention.
    model = llama_cpp.Llama(str(path), n_ctx=TOKENS, n_batch=TOKENS, n_threads=2, logits_all=True, verbose=False, flash_attn=cache == "q8_0",
                            type_k=CACHES[cache], type_v=CACHES[cache])
    if ids is None:
        return model
    model.eval(ids)
    return np.array(model.scores[: len(ids)], np.float64)


def dequantized(path, out):
    reader = gguf.GGUFReader(path)
    arch = reader.fields["general.architecture"].contents()
    writer = gguf.GGUFWriter(out, arch)
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in ("general.architecture", "general.file_type"):
            continue
        sub = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(name, field.contents(), field.types[0], sub)
    for t in reader.tensors:
        writer.add_tensor(t.name, gguf.quants.dequantize(t.data, t.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def log_softmax(x):
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def divergences(reference, other):
    p, q = log_softmax(reference), log_softmax(other)
    return (np.exp(p) * (p - q)).sum(-1)


def main(bantam, model, text, types="q8_0,q4_0,q4_1,q5_0,q5_1,q4_k_m,q5_k_m,q6_k", cache="f32"):
    worse = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for kind in types.split(","):
            path = folder / f"{kind}.gguf"
            subprocess.run([bantam, "compress", "pack", model, "--to", kind, "-o", path], check=True, stdout=subprocess.DEVNULL)
            ids = logits(path, None).tokenize(pathlib.Path(text).read_bytes(), add_bos=False, special=True)[:TOKENS]
            short = folder / "text.txt"
            short.write_bytes(logits(path, None).detokenize(ids, special=True))
            subprocess.run([bantam, "score", "--model", path, "--text-file", short, "--logits", folder / "ours.safetensors", "--cache", cache],
                           check=True, stdout=subprocess.DEVNULL)
            ours = load_file(folder / "ours.safetensors")["logits"].astype(np.float64)
            dequantized(path, folder / "f32.gguf")
            reference = logits(folder / "f32.gguf", ids)
            assert len(ours) == len(reference), (len(ours), len(reference))
            mine, theirs = divergences(reference, ours), divergences(reference, logits(path, ids, cache))
            rows = np.random.default_rng(0).integers(0, len(mine), (2000, len(mine)))
            low, high = np.quantile((mine - theirs)[rows].mean(-1), [0.025, 0.975])
            worse += low > 0
            print(f"{kind:7} cache {cache}: Bantam {mine.mean():.3e}  llama.cpp {theirs.mean():.3e}  "
                  f"difference {(mine - theirs).mean() / theirs.mean():+.1%} [{low / theirs.mean():+.1%}, {high / theirs.mean():+.1%}]", flush=True)
    return worse


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
