"""Vector ports and losses, values and gradients, by torch in float64.

    python tests/reference/vectors.py

writes crates/model/tests/data/vector_ports.json (in-port with and without domain codes, out-port over the running mean, the concept
model's ports; no blocks between them), crates/model/tests/data/denoiser.json (the two-tower model's second tower) and
crates/train/tests/data/vector_losses.json (squared error, cosine, InfoNCE).

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


def denoiser():
    """One denoiser of one block: what it says of noisy vectors, with and without the context, and gradients."""
    size, width, inner, heads, layers, epsilon = 5, 8, 12, 2, 1, 1e-5
    spans = [(0, 4), (4, 3)]
    rows = sum(n for _, n in spans)
    # Two digits are as good as nine, and keep the file small.
    normal = lambda *shape, by=1.0: (torch.randn(*shape) * 100 * by).round() / 100
    p = {
        "denoiser.context_norm.weight": normal(width),
        "denoiser.input.weight": normal(width, size),
        "denoiser.input.bias": normal(width),
        "denoiser.first.weight": normal(width, 256, by=0.1),
        "denoiser.first.bias": normal(width),
        "denoiser.second.weight": normal(width, width, by=0.35),
        "denoiser.second.bias": normal(width),
    }
    for j in range(layers):
        at = f"denoiser.blocks.{j}."
        p[at + "modulation.weight"], p[at + "modulation.bias"] = normal(9 * width, width, by=0.2), normal(9 * width, by=0.5)
        for name in ["value_proj", "own_proj", "q_proj", "k_proj", "v_proj", "o_proj"]:
            p[f"{at}{name}.weight"] = normal(width, width, by=0.35)
        p[at + "gate_proj.weight"], p[at + "up_proj.weight"] = normal(inner, width, by=0.35), normal(inner, width, by=0.35)
        p[at + "down_proj.weight"] = normal(width, inner, by=0.3)
    for value in p.values():
        value.requires_grad_()
    noisy, hidden, weights = normal(rows, size), normal(rows, width), normal(rows, width)
    steps = [0, 99, 50, 7, 31, 64, 98]
    sees = [1, 1, 0, 1, 1, 0, 1]

    half = 128
    angles = torch.tensor(steps)[:, None] * torch.exp(-torch.log(torch.tensor(10000.0)) * torch.arange(half) / half)
    told = torch.cat([angles.cos(), angles.sin()], 1)
    told = F.linear(told, p["denoiser.first.weight"], p["denoiser.first.bias"])
    told = F.linear(F.silu(told), p["denoiser.second.weight"], p["denoiser.second.bias"])
    told = F.silu(told)
    context = rms(hidden, p["denoiser.context_norm.weight"], epsilon)
    # What row i of an item sees: a vector of zeros, and the item up to i; blind rows the zeros alone.
    x = F.linear(noisy, p["denoiser.input.weight"], p["denoiser.input.bias"])
    for j in range(layers):
        w = lambda name: p[f"denoiser.blocks.{j}.{name}.weight"]
        m = F.linear(told, w("modulation"), p[f"denoiser.blocks.{j}.modulation.bias"]).chunk(9, dim=1)
        adapted = lambda x, k: rms(x, torch.ones(width), epsilon) * (1 + m[3 * k + 1]) + m[3 * k]
        x = x + m[2] * F.linear(F.linear(adapted(x, 0), w("value_proj")), w("own_proj"))
        q = F.linear(adapted(x, 1), w("q_proj"))
        seen = []
        for start, n in spans:
            for i in range(n):
                row = start + i
                keys = torch.cat([torch.zeros(1, width), context[start : row + 1]]) if sees[row] else torch.zeros(1, width)
                k, v = F.linear(keys, w("k_proj")), F.linear(keys, w("v_proj"))
                k, v = [y.view(-1, heads, width // heads).transpose(0, 1) for y in (k, v)]
                own = q[row].view(heads, 1, width // heads)
                seen.append(F.scaled_dot_product_attention(own, k, v).reshape(width))
        x = x + m[5] * F.linear(torch.stack(seen), w("o_proj"))
        normed = adapted(x, 2)
        inside = F.silu(F.linear(normed, w("gate_proj"))) * F.linear(normed, w("up_proj"))
        x = x + m[8] * F.linear(inside, w("down_proj"))
    (x * weights).sum().backward()
    return {
        "size": size,
        "width": width,
        "inner": inner,
        "heads": heads,
        "layers": layers,
        "spans": spans,
        "steps": steps,
        "sees": sees,
        "noisy": listed(noisy),
        "hidden": listed(hidden),
        "weights": listed(weights),
        "y": listed(x),
        # The gradients of all tensors by their norms, those of small ones whole.
        "parameters": {k: [list(v.shape), listed(v)] for k, v in p.items()},
        "gradients": {k: listed(v.grad) if v.numel() <= 128 else [] for k, v in p.items()},
        "gradient_norms": {k: v.grad.norm().item() for k, v in p.items()},
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
write("crates/model/tests/data/denoiser.json", denoiser())
