"""Do transformers and llama.cpp load what Bantam writes, and compute the same from it?

    cargo run -p bantam-formats --example peer_material -- CORPUS.jsonl STRINGS.jsonl crates/runtime/tests/data OUT
    python tests/reference/packages.py OUT crates/runtime/tests/data

For each random model: transformers' logits of the folder against llama.cpp's of the three GGUFs, whose bytes are
those of gguf.quants. For each golden model that transformers wrote:
llama.cpp's logits of Bantam's GGUF against the stored ones. Prints the largest absolute difference (the logits' own spread is 1 to 3).

torch 2.15.0, transformers 5.23.0, llama-cpp-python 0.3.36, safetensors 0.8, gguf 0.19.0
"""

import json
import pathlib
import sys

import gguf
import llama_cpp
import numpy as np
import torch
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

# With F16 and Q8_0 weights llama.cpp rounds the activations too: there the bytes are compared, and logits only for gross errors.
LIMIT = {"f32": 1e-4, "f16": 5e-2, "q8_0": 1.0}
# llama.cpp looks GELU up in a table of halves. (Bantam's own logits are within 1e-4: crates/runtime/tests/transformers.rs.)
GPT2_LIMIT = 5e-3


def llama_logits(path, ids):
    model = llama_cpp.Llama(str(path), n_ctx=256, n_threads=2, logits_all=True, verbose=False, flash_attn=False,
                            type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32)
    model.eval(list(map(int, ids)))
    return np.array(model.scores[: len(ids)])


def main(out, golden):
    failed = 0

    def report(name, difference, limit):
        nonlocal failed
        failed += not difference <= limit
        print(f"{name:32} {difference:.2e} {'ok' if difference <= limit else 'TOO MUCH'}")

    for name in ("llama", "llama_untied", "qwen2", "qwen3", "gpt2"):
        tokenizer = AutoTokenizer.from_pretrained(out / name)
        assert tokenizer.eos_token == "<|end|>" and tokenizer.pad_token == "<|pad|>", tokenizer
        prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Order 12, paid"}], tokenize=False, add_generation_prompt=True)
        assert prompt == "<|user|>Order 12, paid<|assistant|>", prompt
        model, info = AutoModelForCausalLM.from_pretrained(out / name, dtype=torch.float32, output_loading_info=True)
        assert not any(info.values()), info
        stored = load_file(out / name / "model.safetensors")
        for key, value in model.state_dict().items():
            if key in stored:
                assert np.array_equal(value.numpy(), stored[key]), key
        assert set(stored) | {"lm_head.weight"} == set(model.state_dict()) | {"lm_head.weight"}
        ids = tokenizer(prompt + '{"id": 12, "paid": true}' * 4)["input_ids"]
        with torch.no_grad():
            expected = model.eval()(torch.tensor([ids])).logits[0].numpy()
        for kind, limit in LIMIT.items():
            path = out / f"{name}-{kind}.gguf"
            report(path.name, np.abs(llama_logits(path, ids) - expected).max(), max(limit, GPT2_LIMIT) if name == "gpt2" else limit)
            reader = gguf.GGUFReader(path)
            plain = {t.name: t.data for t in gguf.GGUFReader(out / f"{name}-f32.gguf").tensors}
            for t in reader.tensors:
                assert np.array_equal(t.data, gguf.quants.quantize(plain[t.name], t.tensor_type)), t.name
            got = {t.name: t.tensor_type.name for t in reader.tensors}
            assert got["blk.0.attn_norm.weight"] == "F32"
            assert got["blk.0.ffn_up.weight"] == kind.upper()
            assert got["blk.0.ffn_down.weight"] == {"q8_0": "F16"}.get(kind, kind.upper())
        cpp = llama_cpp.Llama(str(out / f"{name}-q8_0.gguf"), vocab_only=True, verbose=False)
        assert cpp.metadata["tokenizer.ggml.pre"] == "smollm" and cpp.metadata["tokenizer.chat_template"] == tokenizer.chat_template
        assert (cpp.token_eos(), tokenizer.eos_token_id) == (0, 0)

    # A SentencePiece vocabulary that Bantam read from a GGUF and wrote again.
    cpp = llama_cpp.Llama(str(out / "sentence_piece.gguf"), vocab_only=True, verbose=False)
    strings = pathlib.Path(__file__).parents[2] / "crates/formats/tests/data/sentence_piece/gguf_strings.jsonl"
    rows = [json.loads(line) for line in open(strings, encoding="utf-8")]
    unequal = [row["text"] for row in rows if cpp.tokenize(row["text"].encode(), add_bos=False, special=True) != row["ids"]]
    failed += len(unequal)
    print(f"sentence_piece.gguf: {len(rows)} strings, {len(unequal)} with unequal ids")

    for folder in sorted(golden.iterdir()):
        reference = folder / "reference.safetensors"
        if reference.exists():
            data = load_file(reference)
            logits = llama_logits(out / f"golden-{folder.name}.gguf", data["input_ids"])
            report(f"golden-{folder.name}", np.abs(logits - data["logits"]).max(),
                   GPT2_LIMIT if folder.name.startswith("gpt2") else LIMIT["f32"])
    return failed


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:])))
