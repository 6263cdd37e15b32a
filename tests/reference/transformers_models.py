"""Tiny random models written by transformers, with the logits it gives for them.

Golden data for the readers (crates/formats) and the forward pass (crates/runtime). Run with
    python tests/reference/transformers_models.py
from the repository's root. Each model's folder under crates/runtime/tests/data/ then holds the Hugging Face folder and
reference.safetensors: input_ids (i64 [tokens]) and logits (f32 [tokens, vocabulary]), computed in f32 with eager attention. One of each
architecture also has greedy (i64 [64]): the tokens that generate() appends to the first eight, and margins (f32 [64]): by how much each
one's logit is above the next best.

torch 2.15.0, transformers 5.23.0, safetensors 0.8
"""

import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Qwen2Config, Qwen3Config

OUT = pathlib.Path("crates/runtime/tests/data")
SMALL = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=2, max_position_embeddings=256,
             bos_token_id=None, eos_token_id=0)
# For what does not need more, so that the files stay small.
SMALLEST = SMALL | dict(hidden_size=16, intermediate_size=32)

MODELS = {
    # Multi-head, output matrix of its own, as Llama 2.
    "llama": LlamaConfig(**SMALL, num_attention_heads=4, num_key_value_heads=4, tie_word_embeddings=False),
    # Grouped-query 9 to 3, tied, theta 100,000 and eps 1e-5, as SmolLM2.
    "smollm2": LlamaConfig(**SMALL | dict(hidden_size=36), num_attention_heads=9, num_key_value_heads=3, tie_word_embeddings=True,
                           rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 100000.0}),
    # Biases on every attention projection and Llama 3.1's frequencies.
    "llama3_bias": LlamaConfig(**SMALLEST, num_attention_heads=4, num_key_value_heads=2, head_dim=8, attention_bias=True,
                               tie_word_embeddings=True,
                               rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0,
                                                "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                                                "original_max_position_embeddings": 32}),
    # Position interpolation.
    "llama_linear": LlamaConfig(**SMALLEST, num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=False,
                                rope_parameters={"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0}),
    "qwen2": Qwen2Config(**SMALL, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    "qwen2_untied": Qwen2Config(**SMALLEST, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=False),
    # Heads wider than the residual stream divided by their number.
    "qwen3": Qwen3Config(**SMALLEST, num_attention_heads=4, num_key_value_heads=2, head_dim=8, tie_word_embeddings=True,
                         rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}),
    "gpt2": GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=4, n_positions=80, bos_token_id=0, eos_token_id=0, resid_pdrop=0.0,
                       embd_pdrop=0.0, attn_pdrop=0.0),
    "gpt2_untied": GPT2Config(vocab_size=48, n_embd=16, n_layer=1, n_head=2, n_inner=24, n_positions=40, bos_token_id=0, eos_token_id=0,
                              tie_word_embeddings=False),
}
GREEDY = ("llama", "qwen2", "qwen3", "gpt2")


def randomize(model):
    """transformers starts with zero biases, unit norms and weights of 0.02: redraw all, so that a slip anywhere shows."""
    for name, p in model.named_parameters():
        with torch.no_grad():
            if "norm" in name or "ln_" in name and name.endswith("weight"):
                p.uniform_(0.5, 1.5)
            else:
                p.normal_(0.0, 0.3)


def main():
    for seed, (name, config) in enumerate(MODELS.items()):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
        randomize(model)
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder)
        ids = torch.randint(0, config.vocab_size, (1, 32))
        with torch.no_grad():
            out = {"input_ids": ids[0], "logits": model(ids).logits[0].contiguous()}
            if hasattr(model, "model"):
                out["inv_freq"] = model.model.rotary_emb.inv_freq.clone()
            if name in GREEDY:
                made = model.generate(ids[:, :8], max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0,
                                      return_dict_in_generate=True, output_logits=True)
                best = torch.stack(made.logits)[:, 0].topk(2).values
                out["greedy"] = made.sequences[0, 8:].contiguous()
                out["margins"] = (best[:, 0] - best[:, 1]).contiguous()
                print("smallest margin", float(out["margins"].min()))
            logits = out["logits"]
        save_file(out, folder / "reference.safetensors")
        print(name, sum(f.stat().st_size for f in folder.iterdir()), float(logits.std()))

    # The same model in the other ways that a folder is written: shards, and half precisions.
    source = OUT / "qwen2_untied"
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    for name, kwargs in {"qwen2_sharded": dict(max_shard_size="8KB")}.items():
        shutil.rmtree(OUT / name, ignore_errors=True)
        model.save_pretrained(OUT / name, **kwargs)
        assert len(list((OUT / name).glob("*.safetensors"))) > 1
    for name, dtype in {"qwen2_bf16": torch.bfloat16, "qwen2_f16": torch.float16}.items():
        half = AutoModelForCausalLM.from_pretrained(source, dtype=dtype)
        shutil.rmtree(OUT / name, ignore_errors=True)
        half.save_pretrained(OUT / name)
        # Logits of the rounded weights computed in f32, which is what a reader that widens them computes.
        wide = half.float().eval()
        ids = torch.arange(0, 32)[None]
        with torch.no_grad():
            save_file({"input_ids": ids[0], "logits": wide(ids).logits[0].contiguous()}, OUT / name / "reference.safetensors")

    # v4's spelling of the config, as the models on the hub have it.
    for name in MODELS:
        path = OUT / name / "config.json"
        config = json.loads(path.read_text())
        if "rope_parameters" not in config:
            continue
        rope = config.pop("rope_parameters")
        config["rope_theta"] = rope.pop("rope_theta")
        config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
        config["torch_dtype"] = config.pop("dtype")
        (OUT / name / "config.v4.json").write_text(json.dumps(config, indent=2) + "\n")


main()
