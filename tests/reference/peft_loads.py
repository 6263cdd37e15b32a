"""Does PEFT load an adapter that Bantam trained, and does it compute what the merged model computes?

    python tests/reference/peft_loads.py BASE ADAPTER MERGED

BASE and MERGED are Hugging Face folders, ADAPTER is a run's adapter/; MERGED is what `bantam merge` made of both. Prints the largest
difference of the logits of `PeftModel.from_pretrained(BASE, ADAPTER)` and MERGED on random tokens, over the largest logit, and how far
the adapter moves the base's. Writes nothing; exits with 1 above 1e-4 or when the adapter does nothing.

torch 2.15.0, transformers 5.23.0, peft 0.21.2
"""

import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def main(base, adapter, merged):
    torch.manual_seed(0)
    load = lambda path: AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager").eval()
    plain, other = load(base), load(merged)
    tokens = torch.randint(0, plain.config.vocab_size, (4, 32))
    with torch.no_grad():
        before = plain(tokens).logits
        adapted = PeftModel.from_pretrained(plain, adapter).eval()(tokens).logits
        merged_logits = other(tokens).logits
    scale = merged_logits.abs().max()
    difference = ((adapted - merged_logits).abs().max() / scale).item()
    moved = ((adapted - before).abs().max() / scale).item()
    print(f"peft against merged: {difference:.2e} of the largest logit; the adapter moves the base's by {moved:.2e}")
    sys.exit(difference > 1e-4 or moved < 1e-3)


if __name__ == "__main__":
    main(*sys.argv[1:])
