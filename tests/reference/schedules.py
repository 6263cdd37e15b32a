"""Learning rates of transformers' schedules.

    python tests/reference/schedules.py

writes crates/train/tests/data/schedules.json: for each case steps, warm-up and the rate's factor at steps 0, 1, ..., steps.

transformers 5.23.0, torch 2.15.0
"""

import json
import pathlib

import torch
from transformers import get_cosine_schedule_with_warmup, get_linear_schedule_with_warmup

OUT = pathlib.Path("crates/train/tests/data/schedules.json")


def rates(make, steps, warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = make(optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    factors = []
    for _ in range(steps + 1):
        factors.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return factors


def main():
    cases = []
    for name, make in [("cosine", get_cosine_schedule_with_warmup), ("linear", get_linear_schedule_with_warmup)]:
        for steps, warmup in [(20, 5), (7, 0), (30, 1)]:
            cases.append({"schedule": name, "steps": steps, "warmup": warmup, "factors": rates(make, steps, warmup)})
    OUT.write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
