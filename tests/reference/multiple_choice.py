"""Golden values for crates/eval/src/perplexity/problems.rs: how lm-eval counts multiple choice.

Run with: lm-eval==0.4.13 numpy==2.4.6
    python tests/reference/multiple_choice.py > crates/eval/tests/data/multiple_choice.json

Log-probabilities are drawn, so that no model is needed; `acc` and `acc_norm` are those of lm-eval's own
`ConfigurableTask.process_results`, called on a task that has nothing but its choices.
"""

import json
import sys
from types import SimpleNamespace

import numpy as np
from lm_eval.api.task import ConfigurableTask

rng = np.random.default_rng(11)
words = ["yes", "no", "a b", "größer als", "the long answer to it all", "7", "x" * 40, "é", "none of these"]
cases = []
for i in range(40):
    choices = [str(c) for c in rng.choice(words, size=4, replace=False)]
    weighed = [round(float(v), 3) for v in -rng.gamma(2.0, 0.8 * np.array([len(c) for c in choices]) ** 0.8)]
    if i % 8 == 0:
        weighed[2] = weighed[1]  # a tie goes to the first
    right = int(rng.integers(4))
    task = SimpleNamespace(
        OUTPUT_TYPE="multiple_choice", _metric_fn_list={"acc": None, "acc_norm": None}, multiple_input=0, multiple_target=0,
        doc_to_choice=lambda doc: doc["choices"], doc_to_text=lambda doc: "q", doc_to_target=lambda doc: doc["right"],
        config=SimpleNamespace(process_results=None),
    )
    found = ConfigurableTask.process_results(task, {"choices": choices, "right": right}, [(w, False) for w in weighed])
    cases.append([choices, weighed, right, float(found["acc"]), float(found["acc_norm"])])
json.dump({"multiple_choice": cases}, sys.stdout, ensure_ascii=False, separators=(",", ":"))
print()
