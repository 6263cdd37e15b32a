"""Tiny random models whose blocks hold other mixers than attention, written by transformers, with its logits and gradients.

    python tests/reference/mixer_models.py

writes crates/model/tests/data/mixer_models/<name>/: the Hugging Face folder (model.safetensors in f32, config.json) and
expected.safetensors: `input_ids` (i64 [2, 11]), `logits` (f32 [2, 11, 40]), `loss` (f32 [1], the mean cross-entropy of the next tokens)
and `grad.<name>`, its gradient, for every tensor in model.safetensors. Computed in f32 with eager attention and without a cache.
Asserted: that the folder read back gives the same logits, that nothing but what it holds has a gradient, that no gradient is zero.

torch 2.15.0, transformers 5.23.0, safetensors 0.8
"""

import pathlib
import shutil

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BambaConfig, GPT2Config, Mamba2Config, RwkvConfig

torch.set_num_threads(1)
OUT = pathlib.Path("crates/model/tests/data/mixer_models")
VOCABULARY = 40
MAMBA2 = dict(vocab_size=VOCABULARY, hidden_size=16, expand=2, num_heads=4, head_dim=8, state_size=5, conv_kernel=4, num_hidden_layers=2,
              chunk_size=4, tie_word_embeddings=True, pad_token_id=None, bos_token_id=None, eos_token_id=0)

MODELS = {
    "mamba2": Mamba2Config(**MAMBA2, n_groups=1),
    "mamba2_groups": Mamba2Config(**MAMBA2, n_groups=2),
    # transformers halves the activations every so many layers when it infers: 0 is never.
    "rwkv4": RwkvConfig(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=40, num_hidden_layers=2, context_length=32,
                        rescale_every=0, bos_token_id=None, eos_token_id=0),
    # Mamba-2 in the first and the last layer, attention between, which rotates half of each head. A padding token would have its
    # row of the embedding left out of the gradients.
    "bamba": BambaConfig(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=3, attn_layer_indices=[1],
                         num_attention_heads=2, num_key_value_heads=1, mamba_n_heads=4, mamba_d_head=8, mamba_n_groups=2, mamba_d_state=5,
                         mamba_d_conv=4, mamba_expand=2, mamba_chunk_size=4, max_position_embeddings=64, pad_token_id=None,
                         bos_token_id=None, eos_token_id=0),
    "gpt2": GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=32, bos_token_id=0, eos_token_id=0,
                       resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0),
}


def randomize(model):
    """Everything redrawn, so that a slip anywhere shows: norms around one, biases that count, decays neither all nor nothing."""
    for name, p in model.named_parameters():
        last = name.split(".")[-1]
        with torch.no_grad():
            if last == "weight" and ("norm" in name or "ln" in name):
                p.uniform_(0.5, 1.5)
            elif last == "D":
                p.normal_(0.5, 0.5)
            elif last in ("A_log", "dt_bias", "time_decay", "time_first"):
                p.normal_(-0.4, 0.8)
            elif last.startswith("time_mix"):
                p.uniform_(0.0, 1.0)
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
        (folder / "generation_config.json").unlink()
        ids = torch.randint(0, VOCABULARY, (2, 11))
        logits = model(ids, use_cache=False).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        loss.backward()
        grads = {n: p.grad for n, p in model.named_parameters()}
        assert grads.keys() == load_file(folder / "model.safetensors").keys(), grads.keys()
        smallest = min((float(g.abs().max()), n) for n, g in grads.items())
        assert smallest[0] > 1e-3, smallest
        save_file({"input_ids": ids, "logits": logits.detach().contiguous(), "loss": loss.detach().reshape(1)}
                  | {"grad." + n: g.contiguous() for n, g in grads.items()}, folder / "expected.safetensors")

        again = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        with torch.no_grad():
            apart = float((again(ids, use_cache=False).logits - logits).abs().max())
        assert apart < 1e-6, apart
        sizes = {f.name: f.stat().st_size for f in sorted(folder.iterdir())}
        print(name, sizes, f"|logits| {float(logits.detach().std()):.2f}, loss {float(loss.detach()):.3f}, smallest gradient", *smallest)


if __name__ == "__main__":
    main()
