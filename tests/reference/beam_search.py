"""What transformers finds by beam search with the tiny models of transformers_models.py.

Run with
    python tests/reference/beam_search.py
from the repository's root. Writes crates/runtime/tests/data/beam_search.json: cases with model, prompt, num_beams, length_penalty,
max_new_tokens, the tokens that end a text, and the texts found, the best first: tokens (an end token counts) and score.

torch 2.15.0, transformers 5.23.0
"""

import json
import pathlib

import torch
from transformers import AutoModelForCausalLM

DATA = pathlib.Path("crates/runtime/tests/data")


def main():
    torch.set_num_threads(1)
    cases = []
    for name in ("llama", "smollm2", "gpt2"):
        model = AutoModelForCausalLM.from_pretrained(DATA / name, dtype=torch.float32).eval()
        generator = torch.Generator().manual_seed(5)
        for num_beams, length_penalty, max_new_tokens, ends in [
            (2, 1.0, 12, [0]),
            (4, 1.0, 16, [0, 7, 21, 40]),
            (4, 0.0, 16, [0, 7, 21, 40]),
            (3, 2.0, 20, [0, 3, 9, 11, 30, 33]),
            (5, -0.5, 10, [1, 2, 3, 4, 5, 6]),
        ]:
            prompt = torch.randint(0, 64, (1, 6), generator=generator)
            out = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, num_beams=num_beams,
                                 num_return_sequences=num_beams, length_penalty=length_penalty, max_new_tokens=max_new_tokens,
                                 eos_token_id=ends, pad_token_id=63, early_stopping=False, return_dict_in_generate=True,
                                 output_scores=True)
            texts = []
            for sequence, beams, score in zip(out.sequences, out.beam_indices, out.sequences_scores):
                length = int((beams >= 0).sum())
                texts.append(dict(tokens=sequence[6:6 + length].tolist(), score=round(float(score), 5)))
            cases.append(dict(model=name, prompt=prompt[0].tolist(), num_beams=num_beams, length_penalty=length_penalty,
                              max_new_tokens=max_new_tokens, ends=ends, texts=texts))
    (DATA / "beam_search.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
