"""What transformers' logits processors make of logits, as the sampler (crates/runtime/src/sampling.rs) has to.

Run with
    python tests/reference/logits_processors.py
from the repository's root. Writes crates/runtime/tests/data/logits_processors.json: cases with `logits`, `ids` (the sequence so far), the
options, and `kept`: [token, probability] of every token that is left, after bias, repetition penalty, temperature, top-k, top-p, min-p.

torch 2.15.0, transformers 5.23.0
"""

import json
import pathlib

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

OUT = pathlib.Path("crates/runtime/tests/data/logits_processors.json")
VOCAB = 40
CASES = [
    dict(temperature=1.0),
    dict(temperature=0.7),
    dict(temperature=1.8, top_k=5),
    dict(temperature=1.0, top_p=0.9),
    dict(temperature=0.5, top_p=0.4),
    dict(temperature=1.5, min_p=0.2),
    dict(temperature=1.0, repetition_penalty=1.3),
    dict(temperature=1.0, repetition_penalty=0.8, top_k=12),
    dict(temperature=0.9, top_k=20, top_p=0.8, min_p=0.1, repetition_penalty=1.1),
    dict(temperature=1.2, top_k=7, top_p=0.95),
    dict(temperature=1.0, top_p=0.7, min_p=0.3),
    dict(temperature=1.0, bias={"3": 2.5, "11": -4.0, "0": -1.5}),
    dict(temperature=0.8, bias={"5": 3.0}, repetition_penalty=1.2, top_p=0.9),
]


def main():
    generator = torch.Generator().manual_seed(7)
    cases = []
    for case in CASES:
        # Short numbers, so that the file holds exactly what was computed with.
        logits = (torch.randn(VOCAB, generator=generator) * 2).mul(256).round().div(256)
        ids = torch.randint(0, VOCAB, (9,), generator=generator)
        processors = LogitsProcessorList()
        if "bias" in case:
            processors.append(SequenceBiasLogitsProcessor([[[int(t)], b] for t, b in case["bias"].items()]))
        if "repetition_penalty" in case:
            processors.append(RepetitionPenaltyLogitsProcessor(case["repetition_penalty"]))
        processors.append(TemperatureLogitsWarper(case["temperature"]))
        if "top_k" in case:
            processors.append(TopKLogitsWarper(case["top_k"]))
        if "top_p" in case:
            processors.append(TopPLogitsWarper(case["top_p"]))
        if "min_p" in case:
            processors.append(MinPLogitsWarper(case["min_p"]))
        scores = processors(ids[None], logits[None].clone())[0]
        probabilities = torch.softmax(scores.double(), dim=-1)
        kept = [[i, round(p, 9)] for i, p in enumerate(probabilities.tolist()) if scores[i] > float("-inf")]
        cases.append(dict(options=case, logits=logits.tolist(), ids=ids.tolist(), kept=kept))
    OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")


if __name__ == "__main__":
    main()
