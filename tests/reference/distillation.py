"""Distillation losses and their gradients by torch.

    python tests/reference/distillation.py

writes crates/train/tests/data/distillation.json: student and teacher logits [6, 9], and for each case the mean over rows of the Kullback-
Leibler divergence times T^2 (Hinton et al. 2015) and its gradient with respect to the student's logits. `top_k` 0 is the whole vocabulary
(torch.nn.functional.kl_div); above, the teacher's k likeliest tokens and one class for all others.

torch 2.15.0
"""

import json
import pathlib

import torch
import torch.nn.functional as F

OUT = pathlib.Path("crates/train/tests/data/distillation.json")


def lumped(log_p, ids):
    top = log_p.gather(1, ids)
    rest = log_p.scatter(1, ids, float("-inf"))
    return torch.cat([top, rest.logsumexp(1, keepdim=True)], 1)


def main():
    torch.manual_seed(0)
    student, teacher = torch.randn(6, 9) * 2, torch.randn(6, 9) * 2
    cases = []
    for direction in ["forward", "reverse"]:
        for temperature in [1.0, 2.5]:
            for top_k in [0, 3]:
                s = student.clone().requires_grad_()
                log_q, log_p = F.log_softmax(s / temperature, 1), F.log_softmax(teacher / temperature, 1)
                if top_k:
                    ids = log_p.topk(top_k, 1).indices
                    log_q, log_p = lumped(log_q, ids), lumped(log_p, ids)
                a, b = (log_q, log_p) if direction == "forward" else (log_p, log_q)
                loss = F.kl_div(a, b, reduction="batchmean", log_target=True) * temperature**2
                loss.backward()
                cases.append({"direction": direction, "temperature": temperature, "top_k": top_k, "loss": loss.item(),
                              "gradient": s.grad.flatten().tolist()})
    OUT.write_text(json.dumps({"student": student.flatten().tolist(), "teacher": teacher.flatten().tolist(), "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
