"""Training speed of PyTorch beside `bantam bench train`, interleaved in one run.

    python benches/training_speed.py target/release/bantam [--shapes 1M,5M,30M] [--rounds 5] [--steps 6] [--threads 2]

Each round gives every contender the same number of steps, one after the other, so that a busy moment of the machine
does not favour one. A contender's figure is the median over its rounds of tokens a second (whole steps: forward,
backward, clipping to 1, AdamW). PyTorch runs as eager f32, compiled f32, bf16 autocast and compiled bf16 autocast, each
in a process of its own that lives through all rounds. Peak memory is the process's largest resident size. The ceiling
is the time PyTorch's fastest matrix product (f32, or bf16 where it is asked for) needs for the products of one step alone.

torch 2.15.0, numpy 2
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

# width, layers, heads, ffn, vocabulary, batch, context
SHAPES = {
    "1M": (128, 4, 4, 344, 2048, 16, 256),
    "5M": (256, 6, 4, 768, 4096, 16, 256),
    "30M": (512, 8, 8, 1376, 8192, 8, 256),
}
MODES = ("f32", "f32-compile", "bf16", "bf16-compile")


def build(shape):
    import torch
    import torch.nn.functional as F
    from torch import nn

    width, layers, heads, ffn, vocab, _, context = shape
    dim = width // heads

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            linear = lambda a, b: nn.Linear(a, b, bias=False)
            self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
            self.q, self.k, self.v, self.o = (linear(width, width) for _ in range(4))
            self.gate, self.up, self.down = linear(width, ffn), linear(width, ffn), linear(ffn, width)

        def forward(self, x, cos, sin):
            b, t, _ = x.shape
            h = self.norm1(x)
            q, k, v = (p(h).view(b, t, heads, dim).transpose(1, 2) for p in (self.q, self.k, self.v))

            def rotate(x):
                a, c = x.chunk(2, -1)
                return x * cos + torch.cat([-c, a], -1) * sin

            y = F.scaled_dot_product_attention(rotate(q).to(v.dtype), rotate(k).to(v.dtype), v, is_causal=True)
            x = x + self.o(y.transpose(1, 2).reshape(b, t, width))
            h = self.norm2(x)
            return x + self.down(F.silu(self.gate(h)) * self.up(h))

    class Llama(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(vocab, width)
            self.blocks = nn.ModuleList(Block() for _ in range(layers))
            self.norm = nn.RMSNorm(width, eps=1e-5)
            angle = torch.arange(context).float()[:, None] / 10000 ** (torch.arange(0, dim, 2).float() / dim)
            self.register_buffer("cos", torch.cat([angle.cos()] * 2, -1))
            self.register_buffer("sin", torch.cat([angle.sin()] * 2, -1))
            for p in self.parameters():
                if p.dim() == 2:
                    nn.init.normal_(p, std=0.02)

        def forward(self, tokens, targets):
            x = self.embedding(tokens)
            for block in self.blocks:
                x = block(x, self.cos, self.sin)
            logits = F.linear(self.norm(x), self.embedding.weight)
            return F.cross_entropy(logits.view(-1, vocab).float(), targets.reshape(-1))

    torch.manual_seed(0)
    return Llama()


def peer(mode, shape, threads):
    """Answers each line `N` on standard input with the seconds that N steps took."""
    import torch

    torch.set_num_threads(threads)
    model = build(shape)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    _, _, _, _, vocab, batch, context = shape
    data = torch.randint(vocab, (batch, context + 1))
    loss_of = torch.compile(model) if mode.endswith("compile") else model

    def step():
        with torch.autocast("cpu", torch.bfloat16, enabled=mode.startswith("bf16")):
            loss = loss_of(data[:, :-1], data[:, 1:])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    for _ in range(2):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(json.dumps([time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024]), flush=True)


def ceiling(shape, threads, types):
    """Tokens a second if a step were nothing but its matrix products, by PyTorch in the number types named."""
    import torch

    torch.set_num_threads(threads)
    width, layers, _, ffn, vocab, batch, context = shape
    rows, best = batch * context, {}
    for name, dtype in [(t, {"f32": torch.float32, "bf16": torch.bfloat16}[t]) for t in types]:
        total = 0.0
        for inner, outer, count in ((width, width, 4 * layers), (width, ffn, 2 * layers), (ffn, width, layers), (width, vocab, 1)):
            x, w, d = (torch.randn(s).to(dtype) for s in ((rows, inner), (outer, inner), (rows, outer)))
            times = []
            for _ in range(5):
                begin = time.perf_counter()
                x @ w.T, d @ w, d.T @ x
                times.append(time.perf_counter() - begin)
            total += count * min(times)
        best[name] = rows / total
    print(json.dumps(best))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bantam")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--bantam-precision", default="f32")
    a = parser.parse_args()
    worker = [sys.executable, __file__, "--worker"]
    # Products in bf16 take minutes where there are no instructions for them, and say nothing of f32's ceiling.
    types = ["f32", *(["bf16"] if "bf16" in a.modes + a.bantam_precision else [])]
    for name in a.shapes.split(","):
        shape = SHAPES[name]
        width, layers, heads, ffn, vocab, batch, context = shape
        peers = {}
        for mode in a.modes.split(","):
            child = subprocess.Popen([*worker, mode, name, str(a.threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert child.stdout.readline() == "ready\n", f"PyTorch {mode} did not start"
            peers[mode] = child
        command = [a.bantam, "bench", "train", "--width", width, "--layers", layers, "--heads", heads, "--ffn", ffn,
                   "--vocab", vocab, "--batch", batch, "--context", context, "--steps", a.steps + 1,
                   "--precision", a.bantam_precision, "--json"]
        speed, memory, products = {m: [] for m in [*peers, "bantam"]}, {}, []
        tokens = a.steps * batch * context
        for _ in range(a.rounds):
            for mode, child in peers.items():
                child.stdin.write(f"{a.steps}\n")
                child.stdin.flush()
                seconds, memory[mode] = json.loads(child.stdout.readline())
                speed[mode].append(tokens / seconds)
            ours = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, text=True, check=True,
                                  env={**os.environ, "RAYON_NUM_THREADS": str(a.threads)}).stdout
            ours = json.loads(ours.strip().splitlines()[-1])
            speed["bantam"].append(ours["tokens_per_s"])
            memory["bantam"] = ours["peak_rss_bytes"]
            found = subprocess.run([*worker, "ceiling", name, str(a.threads), *types], stdout=subprocess.PIPE, text=True, check=True)
            products.append(json.loads(found.stdout))
        for child in peers.values():
            child.stdin.close()
            child.wait()
        median = {m: statistics.median(s) for m, s in speed.items()}
        best = max(peers, key=lambda m: median[m])
        limit = {k: statistics.median(p[k] for p in products) for k in products[0]}
        print(f"\n{name}: width {width}, {layers} layers, ffn {ffn}, vocab {vocab}, {batch}x{context}, {a.threads} threads")
        print(f"{'':14}{'tok/s':>9}{'peak MB':>9}{'of ceiling':>12}")
        for mode in [*peers, "bantam"]:
            print(f"{mode:14}{median[mode]:9.0f}{memory[mode] / 1e6:9.0f}{median[mode] / max(limit.values()):12.0%}")
        print("ceiling: " + ", ".join(f"{kind} {most:.0f}" for kind, most in limit.items()) + " tok/s")
        print(f"ratio to {best}: {median['bantam'] / median[best]:.2f}x speed, "
              f"{memory['bantam'] / memory[best]:.2f}x memory")
        for other in peers:
            rounds = [b / p for b, p in zip(speed["bantam"], speed[other])]
            print(f"  against {other}: {statistics.median(rounds):.2f}x (rounds {min(rounds):.2f} to {max(rounds):.2f})")
        sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        what, name, threads, *types = sys.argv[2:]
        if what == "ceiling":
            ceiling(SHAPES[name], int(threads), types)
        else:
            peer(what, SHAPES[name], int(threads))
    else:
        main()
