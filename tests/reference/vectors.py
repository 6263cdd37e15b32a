"""Vector ports and losses, values and gradients, by torch in float64.

    python tests/reference/vectors.py

writes crates/model/tests/data/vector_ports.json (in-port with and without domain codes, out-port over the running mean, the concept
model's ports; no blocks between them) and crates/train/tests/data/vector_losses.json (squared error, cosine, InfoNCE).

torch 2.15.0
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.manual_seed(7)
torch.set_default_dtype(torch.float64)


def normal(*shape):
    # What f32 holds exactly, so that both sides start from the same numbers.
    return torch.randn(*shape).float().double()


def listed(x):
    return [round(v, 9) for v in x.detach().flatten().tolist()]


def rms(x, weight, epsilon):
    return x / (x.square().mean(-1, keepdim=True) + epsilon).sqrt() * weight


def ports(kind, domains):
    size, width, epsilon = 5, 8, 1e-5
    spans = [(0, 4), (4, 3)]
    rows = sum(n for _, n in spans)
    x = normal(rows, size)
    codes = torch.arange(rows) % max(domains, 1)
    p = {
        "in_port.projection.weight": normal(width, size),
        "in_port.projection.bias": normal(width),
        "model.norm.weight": normal(width),
        "out_port.projection.weight": normal(size, width),
        "out_port.projection.bias": normal(size),
    }
    if kind == "concept":
        # The robust scaler's statistics: as scikit-learn's RobustScaler has them.
        p["in_port.scaler.median"] = normal(size)
        p["in_port.scaler.spread"] = normal(size).abs() + 0.5
    else:
        p["in_port.norm.weight"] = normal(size)
    if domains:
        p["in_port.domain.scale"], p["in_port.domain.shift"] = normal(domains, width), normal(domains, width)
    for value in p.values():
        value.requires_grad_()
    if kind == "concept":
        entered = (x - p["in_port.scaler.median"]) / p["in_port.scaler.spread"]
    else:
        entered = rms(x, p["in_port.norm.weight"], epsilon)
    hidden = F.linear(entered, p["in_port.projection.weight"], p["in_port.projection.bias"])
    if domains:
        hidden = hidden * (1 + p["in_port.domain.scale"][codes]) + p["in_port.domain.shift"][codes]
    y = rms(hidden, p["model.norm.weight"], epsilon)
    y = F.linear(y, p["out_port.projection.weight"], p["out_port.projection.bias"])
    if kind == "concept":
        y = y * p["in_port.scaler.spread"] + p["in_port.scaler.median"]
    if kind == "residual":
        means = [x[s : s + t + 1].mean(0) for s, n in spans for t in range(n)]
        y = y + torch.stack(means)
    weights = normal(rows, size)
    (y * weights).sum().backward()
    learned = {k: v for k, v in p.items() if ".scaler." not in k}
    return {
        "ports": kind,
        "size": size,
        "width": width,
        "domains": domains,
        "spans": spans,
        "codes": codes.tolist() if domains else [],
        "x": listed(x),
        "y": listed(y),
        "weights": listed(weights),
        "parameters": {k: [list(v.shape), listed(v)] for k, v in p.items()},
        "gradients": {k: listed(v.grad) for k, v in learned.items()},
    }


def losses():
    rows, size, others = 6, 4, 5
    wanted, negatives = normal(rows, size), normal(others, size)
    start = normal(rows, size)
    cases = {}
    for name in ["squared", "cosine", "info_nce", "info_nce_given"]:
        x = start.clone().requires_grad_()
        if name == "squared":
            loss = F.mse_loss(x, wanted)
        elif name == "cosine":
            loss = F.cosine_embedding_loss(x, wanted, torch.ones(rows))
        else:
            among = wanted if name == "info_nce" else torch.cat([wanted, negatives])
            logits = F.normalize(x, dim=1) @ F.normalize(among, dim=1).T / 0.2
            loss = F.cross_entropy(logits, torch.arange(rows))
        loss.backward()
        cases[name] = {"loss": round(loss.item(), 9), "gradient": listed(x.grad)}
    return {
        "rows": rows,
        "size": size,
        "predicted": listed(start),
        "wanted": listed(wanted),
        "negatives": listed(negatives),
        "temperature": 0.2,
        "cases": cases,
    }


def write(path, value):
    pathlib.Path(path).write_text(json.dumps(value) + "\n")


write(
    "crates/model/tests/data/vector_ports.json",
    [ports("residual", 0), ports("residual", 3), ports("plain", 0), ports("concept", 2)],
)
write("crates/train/tests/data/vector_losses.json", losses())
