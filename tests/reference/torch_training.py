"""Golden losses and gradients of a training run in PyTorch, from weights and batches that a formula gives on both sides.

    python tests/reference/torch_training.py > crates/train/tests/data/torch_training.json

torch 2.15.0
"""

import json
import pathlib
import sys

import torch

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "benches"))
from training_speed import build  # noqa: E402

SHAPE = (64, 2, 4, 96, 128, 4, 48)
STEPS = 50


def noise(count, seed):
    """Values in [-0.5, 0.5) that a hash of their index and the seed gives, exact in f32."""
    i = torch.arange(count, dtype=torch.int64) + seed * 7919
    x = (i * 2654435761) % 2**32
    x = ((x ^ (x >> 15)) * 2246822519) % 2**32
    return (x >> 16).float() / 65536 - 0.5


def hugging_face(name):
    if name == "embedding.weight":
        return "model.embed_tokens.weight"
    if name == "norm.weight":
        return "model.norm.weight"
    _, layer, part, _ = name.split(".")
    part = {"norm1": "input_layernorm", "norm2": "post_attention_layernorm"}.get(part) or (
        f"self_attn.{part}_proj" if part in "qkvo" else f"mlp.{part}_proj")
    return f"model.layers.{layer}.{part}.weight"


width, layers, heads, ffn, vocab, batch, context = SHAPE
model = build(SHAPE)
named = sorted((hugging_face(n), p) for n, p in model.named_parameters())
with torch.no_grad():
    for seed, (_, p) in enumerate(named):
        # Norms around one; matrices large enough that every path matters.
        p.copy_(noise(p.numel(), seed).view_as(p) * (0.25 if p.dim() == 2 else 0.5) + (p.dim() == 1))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
losses, gradients = [], {}
for step in range(STEPS):
    # Few of the tokens occur, and depend on their predecessors, so that there is something to learn.
    i = torch.arange(batch * (context + 1), dtype=torch.int64).view(batch, context + 1)
    tokens = (i % (context + 1)) ** 2 * (1 + i // (context + 1)) % 31 * 4 % vocab + step % 3
    loss = model(tokens[:, :-1], tokens[:, 1:])
    optimizer.zero_grad()
    loss.backward()
    if step == 0:
        for seed, (name, p) in enumerate(named):
            g = p.grad.double().flatten()
            gradients[name] = [g.norm().item(), (g * noise(g.numel(), 1000 + seed).double()).sum().item()]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    losses.append(loss.item())
print(json.dumps({"losses": losses, "gradients": gradients}, indent=1))
