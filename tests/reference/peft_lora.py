"""LoRA adapters of tiny models as PEFT makes and computes them.

    python tests/reference/peft_lora.py

writes crates/model/tests/data/peft/<name>/: adapter_config.json and adapter_model.safetensors as `save_pretrained` leaves them, and
reference.safetensors: `tokens` (i64 [2, 12]), `logits` of the adapted model, `loss` (mean cross-entropy of the shifted tokens), the
gradients of every A and B (`grad.<name>`), and of the merged model `merged_logits` and two matrices (`merged.<name>`). The base models
are the tiny ones that transformers_models.py wrote.

torch 2.15.0, transformers 5.23.0, peft 0.21.2, safetensors 0.8
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

BASES = pathlib.Path("crates/runtime/tests/data")
OUT = pathlib.Path("crates/model/tests/data/peft")
CASES = {
    # The shape of SmolLM2, every linear map.
    "smollm2": LoraConfig(r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"),
    # Biases in the base, some of the maps, the scale by the root of the rank.
    "qwen2": LoraConfig(r=3, lora_alpha=5, target_modules=["q_proj", "v_proj", "down_proj"], use_rslora=True, task_type="CAUSAL_LM"),
}


def main():
    for seed, (name, config) in enumerate(CASES.items()):
        torch.manual_seed(seed)
        base = AutoModelForCausalLM.from_pretrained(BASES / name, attn_implementation="eager", dtype=torch.float32)
        model = get_peft_model(base, config)
        for n, p in model.named_parameters():
            if "lora_" in n:
                with torch.no_grad():
                    p.normal_(0.0, 0.2)
        out = OUT / name
        shutil.rmtree(out, ignore_errors=True)
        model.save_pretrained(out)
        (out / "README.md").unlink()
        # Where it was made is no one's business.
        path = out / "adapter_config.json"
        keys = json.loads(path.read_text()) | {"base_model_name_or_path": f"tests/{name}"}
        path.write_text(json.dumps(keys, indent=1, sort_keys=True) + "\n")

        tokens = torch.randint(0, base.config.vocab_size, (2, 12))
        logits = model(tokens).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten())
        loss.backward()
        tensors = {"tokens": tokens, "logits": logits.detach(), "loss": loss.detach().reshape(1)}
        short = lambda n: n.removeprefix("base_model.model.").replace(".default", "")
        for n, p in model.named_parameters():
            if "lora_" in n:
                tensors["grad." + short(n)] = p.grad
            else:
                assert p.grad is None, n
        merged = model.merge_and_unload()
        tensors["merged_logits"] = merged(tokens).logits.detach()
        state = merged.state_dict()
        for n in ["model.layers.0.self_attn.v_proj.weight", "model.layers.1.mlp.down_proj.weight"]:
            tensors["merged." + n] = state[n]
        save_file({k: v.contiguous() for k, v in tensors.items()}, out / "reference.safetensors")


if __name__ == "__main__":
    main()
