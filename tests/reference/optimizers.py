"""Parameters after steps of torch's optimizers on given gradients.

    python tests/reference/optimizers.py

writes crates/train/tests/data/optimizers.json: tensors (shape, start, one gradient for each step) and, for each case, the
parameters after every step. Muon's iterations run in bf16 in torch; the cases without `bf16` run torch's own code with
that one type replaced by f32. Lion is written out: torch has none.

torch 2.15.0
"""

import inspect
import json
import pathlib

import torch
import torch.optim._muon as muon_module

OUT = pathlib.Path("crates/train/tests/data/optimizers.json")
STEPS, RATE, DECAY = 3, 0.01, 0.1
SHAPES = {"wide": (5, 12), "tall": (12, 5), "square": (8, 8), "vector": (7,)}


class Lion(torch.optim.Optimizer):
    """Chen et al. 2023, Algorithm 2."""

    def __init__(self, params, lr, betas, weight_decay):
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            (b1, b2), lr = group["betas"], group["lr"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                direction = b1 * m + (1 - b1) * p.grad
                p.mul_(1 - lr * group["weight_decay"]).add_(direction.sign(), alpha=-lr)
                m.mul_(b2).add_(p.grad, alpha=1 - b2)


def run(tensors, names, make):
    params = {n: torch.nn.Parameter(torch.tensor(tensors[n]["start"]).reshape(SHAPES[n])) for n in names}
    optimizer = make(list(params.values()))
    after = {n: [] for n in names}
    for step in range(STEPS):
        for n, p in params.items():
            p.grad = torch.tensor(tensors[n]["gradients"][step]).reshape(SHAPES[n])
        optimizer.step()
        for n, p in params.items():
            after[n].append(p.detach().flatten().tolist())
    return after


def main():
    torch.manual_seed(0)
    tensors = {}
    for name, shape in SHAPES.items():
        gradients = [torch.randn(shape) * 10.0 ** -step for step in range(STEPS)]
        tensors[name] = {
            "shape": list(shape),
            "start": torch.randn(shape).flatten().tolist(),
            "gradients": [g.flatten().tolist() for g in gradients],
        }
    tensors["vector"]["gradients"][0][0] = 0.0
    every, matrices = list(SHAPES), [n for n, s in SHAPES.items() if len(s) == 2]
    cases = {
        "adamw": run(tensors, every, lambda p: torch.optim.AdamW(p, lr=RATE, betas=(0.9, 0.98), weight_decay=DECAY)),
        "lion": run(tensors, every, lambda p: Lion(p, RATE, (0.9, 0.99), DECAY)),
    }
    muon = lambda scale, nesterov: lambda p: torch.optim.Muon(
        p, lr=RATE, weight_decay=DECAY, momentum=0.95, nesterov=nesterov, adjust_lr_fn=scale
    )
    cases["muon bf16"] = run(tensors, matrices, muon("match_rms_adamw", True))
    source = inspect.getsource(muon_module._zeropower_via_newtonschulz).replace("bfloat16", "float32")
    exec(source, muon_module.__dict__)
    cases["muon"] = run(tensors, matrices, muon("match_rms_adamw", True))
    cases["muon original"] = run(tensors, matrices, muon("original", True))
    cases["muon plain"] = run(tensors, matrices, muon("match_rms_adamw", False))
    short = lambda x: float(f"{x:.9g}") if isinstance(x, float) else x  # nine digits carry an f32 whole
    walk = lambda x: {k: walk(v) for k, v in x.items()} if isinstance(x, dict) else [walk(v) for v in x] if isinstance(x, list) else short(x)
    OUT.write_text(json.dumps(walk({"rate": RATE, "decay": DECAY, "tensors": tensors, "cases": cases}), separators=(",", ":")))


if __name__ == "__main__":
    main()
