"""Which format llama.cpp's quantizer gives each tensor, and whether Bantam writes the same bytes.

    python tests/reference/gguf_mixes.py golden
    python tests/reference/gguf_mixes.py check BANTAM

`golden` writes crates/formats/tests/data/gguf_mixes.json: for some shapes of models every matrix, and for every file type the matrices by
the format llama.cpp gives them (the commonest has "others"). `check` packages the same models with `BANTAM compress pack` and compares every tensor's type and bytes
with llama.cpp's.

llama-cpp-python 0.3.36, gguf 0.19.0, numpy 2
"""

import ctypes
import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import numpy as np

OUT = pathlib.Path("crates/formats/tests/data/gguf_mixes.json")
# Bantam's names and llama.cpp's numbers.
KINDS = {"q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k_m": 15, "q5_k_m": 17, "q6_k": 18, "f16": 1, "bf16": 32}
CASES = {
    # Every matrix has rows of 256; enough layers for the rule by thirds; an output matrix of its own.
    "plain": dict(arch="llama", layers=9, width=256, inner=512, heads=4, kv=2, vocab=288, tied=False),
    # Tied; down projections of 96 values, which are no whole K-blocks.
    "ragged": dict(arch="llama", layers=3, width=256, inner=96, heads=4, kv=4, vocab=270, tied=True),
    # Nothing is a whole K-block, and inner not even a block of 32.
    "narrow": dict(arch="qwen2", layers=2, width=64, inner=72, heads=4, kv=2, vocab=256, tied=True),
    "qwen3": dict(arch="qwen3", layers=4, width=256, inner=256, heads=4, kv=2, vocab=256, tied=True),
    # Fused q, k and v; learned positions.
    "gpt2": dict(arch="gpt2", layers=4, width=256, inner=1024, heads=4, kv=4, vocab=300, tied=True),
}


def source(path, arch, layers, width, inner, heads, kv, vocab, tied):
    rng = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, arch)
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_vocab_size(vocab)
    writer.add_file_type(0)
    if arch == "gpt2":
        writer.add_layer_norm_eps(1e-5)
    else:
        writer.add_head_count_kv(kv)
        writer.add_layer_norm_rms_eps(1e-5)
        writer.add_key_length(width // heads)
        writer.add_value_length(width // heads)
        writer.add_rope_dimension_count(width // heads)
        writer.add_rope_freq_base(10000.0)
    writer.add_tokenizer_model("no_vocab")

    def add(name, *shape):
        # Heavy tails, so that blocks differ.
        values = rng.standard_normal(shape) * np.exp(rng.standard_normal(shape[:1] + (1,) * (len(shape) - 1)))
        writer.add_tensor(name, values.astype(np.float32))

    add("token_embd.weight", vocab, width)
    if not tied:
        add("output.weight", vocab, width)
    add("output_norm.weight", width)
    head = width // heads
    if arch == "gpt2":
        add("position_embd.weight", 64, width)
        add("output_norm.bias", width)
    for layer in range(layers):
        at = f"blk.{layer}."
        add(at + "attn_norm.weight", width)
        add(at + "ffn_norm.weight", width)
        if arch == "gpt2":
            for name, out, into in (("attn_qkv", 3 * width, width), ("attn_output", width, width), ("ffn_up", inner, width),
                                    ("ffn_down", width, inner)):
                add(f"{at}{name}.weight", out, into)
                add(f"{at}{name}.bias", out)
            add(at + "attn_norm.bias", width)
            add(at + "ffn_norm.bias", width)
            continue
        for name, out in (("attn_q", heads * head), ("attn_k", kv * head), ("attn_v", kv * head)):
            add(f"{at}{name}.weight", out, width)
            if arch == "qwen2":
                add(f"{at}{name}.bias", out)
        if arch == "qwen3":
            add(at + "attn_q_norm.weight", head)
            add(at + "attn_k_norm.weight", head)
        add(at + "attn_output.weight", width, heads * head)
        add(at + "ffn_gate.weight", inner, width)
        add(at + "ffn_up.weight", inner, width)
        add(at + "ffn_down.weight", width, inner)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def by_llama_cpp(path, out, kind):
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = KINDS[kind]
    params.nthread = 1
    assert llama_cpp.llama_model_quantize(str(path).encode(), str(out).encode(), ctypes.byref(params)) == 0
    return {t.name: t for t in gguf.GGUFReader(out).tensors}


def main(verb, bantam=None):
    golden, failed = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for case, shape in CASES.items():
            path = folder / f"{case}.gguf"
            source(path, **shape)
            matrices = {t.name: [int(n) for n in reversed(t.shape)] for t in gguf.GGUFReader(path).tensors if len(t.shape) == 2}
            golden[case] = {"layers": shape["layers"], "tied": shape["tied"], "shapes": matrices, "types": {}}
            for kind in KINDS:
                theirs = by_llama_cpp(path, folder / "theirs.gguf", kind)
                types = {}
                for name in matrices:
                    types.setdefault(theirs[name].tensor_type.name, []).append(name)
                common = max(types, key=lambda t: len(types[t]))
                golden[case]["types"][kind] = {t: "others" if t == common else names for t, names in types.items()}
                if verb == "check":
                    subprocess.run([bantam, "compress", "pack", path, "--to", kind, "-o", folder / "ours.gguf", "--force"], check=True,
                                   stdout=subprocess.DEVNULL)
                    ours = {t.name: t for t in gguf.GGUFReader(folder / "ours.gguf").tensors}
                    wrong = [n for n, t in theirs.items() if n not in ours or ours[n].tensor_type != t.tensor_type
                             or not np.array_equal(ours[n].data, t.data)]
                    failed += bool(wrong or set(ours) - set(theirs))
                    print(f"{case:8} {kind:7} {len(theirs)} tensors, {len(wrong)} differ {wrong[:3]}")
    if verb == "golden":
        OUT.write_text(json.dumps(golden, separators=(",", ":")) + "\n")
        print(OUT.stat().st_size, "bytes")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
