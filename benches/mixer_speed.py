"""Training speed of every mixer beside a pure-PyTorch form of it, in one run.

    python benches/mixer_speed.py target/release/bantam [--mixers lstm,gru,...] [--budget 2M] [--rounds 5] [--steps 3] [--threads 2]

For each mixer `bantam zoo` solves width and depth for the budget and times whole training steps (forward, backward, clipping to 1,
AdamW; 8 sequences of 256 tokens, vocabulary 1,024) of a model of those blocks: RMS norm, mixer, RMS norm, SwiGLU. PyTorch, eager and in
f32, trains the same shape with the form of the mixer that is usual there: nn.LSTM and nn.GRU, the chunked scan of the Mamba-2 paper,
loops over positions for RWKV-4 and RWKV-7, the parallel form for RetNet and Performer, convolutions by FFT for S4D and Hyena, fused
attention for attention. Rounds take turns, so that a busy moment of the machine does not favour one.

Before anything is timed each form is held against the golden outputs in crates/model/tests/data/mixers, to 1e-3.

torch 2.15.0, numpy 2, safetensors 0.8
"""

import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import time

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "crates/model/tests/data/mixers"
MIXERS = "attention lstm gru mamba2 rwkv4 rwkv7 retnet s4d hyena performer linformer shortconv".split()
VOCABULARY, BATCH, CONTEXT = 1024, 8, 256


def forms():
    import torch
    import torch.nn.functional as F

    def heads_of(x, heads):
        return x.view(*x.shape[:2], heads, -1).transpose(1, 2)

    def joined(x):
        return x.transpose(1, 2).flatten(2)

    def before(x):
        return F.pad(x, (0, 0, 1, 0))[:, :-1]

    def depthwise(x, weight, bias=None):
        kernel = weight.shape[-1]
        return F.conv1d(F.pad(x.transpose(1, 2), (kernel - 1, 0)), weight, bias, groups=weight.shape[0]).transpose(1, 2)

    def convolved(u, kernel):
        """Causal convolution over time of u [batch, time, channels] with kernel [time, channels], by FFT."""
        n = 2 * u.shape[1]
        return torch.fft.irfft(torch.fft.rfft(u, n, 1) * torch.fft.rfft(kernel, n, 0), n, 1)[:, : u.shape[1]]

    def attention(p, x, *, heads):
        q, k, v = (heads_of(F.linear(x, p[f"{n}_proj.weight"]), heads) for n in "qkv")
        d, t = q.shape[-1], x.shape[1]
        angle = torch.arange(t).float()[:, None] / 10000 ** (torch.arange(0, d, 2).float() / d)
        cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([angle.sin()] * 2, -1)
        rotate = lambda m: m * cos + torch.cat([-m[..., d // 2 :], m[..., : d // 2]], -1) * sin
        return F.linear(joined(F.scaled_dot_product_attention(rotate(q), rotate(k), v, is_causal=True)), p["o_proj.weight"])

    def recurrent(kind, p, x, layers):
        """nn.LSTM or nn.GRU over the parameters as they are: `p` holds them flat, in the module's order."""
        batch, hidden = x.shape[0], p["out_proj.weight"].shape[1]
        zeros = x.new_zeros(layers, batch, hidden)
        function, state = (torch.lstm, (zeros, zeros)) if kind == "lstm" else (torch.gru, zeros)
        names = [n for l in range(layers) for n in (f"weight_ih_l{l}", f"weight_hh_l{l}", f"bias_ih_l{l}", f"bias_hh_l{l}")]
        flat = [p[n] if n in p else p[n[:-3]] for n in names]
        y = function(x, state, flat, True, layers, 0.0, True, False, True)[0]
        return F.linear(y, p["out_proj.weight"])

    def lstm(p, x):
        return recurrent("lstm", p, x, 1)

    def gru(p, x):
        return recurrent("gru", p, x, sum(n.startswith("weight_hh_l") for n in p))

    def mamba2(p, x, *, groups, eps, chunk=64):
        """Listing 1 of Dao and Gu 2024 (state-space duality in chunks), around it the block."""
        batch, t, _ = x.shape
        heads, inner = p["A_log"].numel(), p["norm.weight"].numel()
        channels = p["conv1d.weight"].shape[0]
        n = (channels - inner) // (2 * groups)
        z, xbc, dt = F.linear(x, p["in_proj.weight"]).split([inner, channels, heads], -1)
        v, b, c = F.silu(depthwise(xbc, p["conv1d.weight"], p["conv1d.bias"])).split([inner, groups * n, groups * n], -1)
        v = v.view(batch, t, heads, -1)
        b, c = (m.view(batch, t, groups, n).repeat_interleave(heads // groups, 2) for m in (b, c))
        dt = F.softplus(dt + p["dt_bias"])
        skip = p["D"][:, None] * v
        pad = -t % chunk
        cut = lambda m: F.pad(m, (0, 0) * (m.dim() - 2) + (0, pad)).unflatten(1, (-1, chunk))
        u, a, b, c = cut(v * dt[..., None]), cut(dt * -p["A_log"].exp()), cut(b), cut(c)
        a = a.permute(0, 3, 1, 2)  # [batch, heads, chunks, chunk]
        sums = a.cumsum(-1)

        def segment_sums(m):
            length = m.shape[-1]
            m = m[..., None].expand(*m.shape, length).masked_fill(~torch.ones(length, length, dtype=torch.bool).tril(-1), 0)
            return m.cumsum(-2).masked_fill(~torch.ones(length, length, dtype=torch.bool).tril(), -torch.inf)

        inside = torch.einsum("bclhn,bcshn,bhcls,bcshp->bclhp", c, b, segment_sums(a).exp(), u)
        states = torch.einsum("bclhn,bhcl,bclhp->bchpn", b, (sums[..., -1:] - sums).exp(), u)
        states = torch.cat([torch.zeros_like(states[:, :1]), states], 1)
        decay = segment_sums(F.pad(sums[..., -1], (1, 0))).exp()
        states = torch.einsum("bhzc,bchpn->bzhpn", decay, states)[:, :-1]
        y = inside + torch.einsum("bclhn,bchpn,bhcl->bclhp", c, states, sums.exp())
        y = (y.flatten(1, 2)[:, :t] + skip).flatten(2) * F.silu(z)
        y = F.rms_norm(y.unflatten(-1, (groups, -1)), (inner // groups,), eps=eps).flatten(-2)
        return F.linear(y * p["norm.weight"], p["out_proj.weight"])

    def rwkv4(p, x):
        s = before(x)
        k, v, r = (F.linear(x * p["time_mix_" + n] + s * (1 - p["time_mix_" + n]), p[n + ".weight"]) for n in ("key", "value", "receptance"))
        w, u = -p["time_decay"].exp(), p["time_first"]
        num = den = torch.zeros_like(k[:, 0])
        most, out = torch.full_like(num, -1e38), []
        for k_t, v_t in zip(k.unbind(1), v.unbind(1)):
            top = torch.maximum(most, u + k_t)
            old, new = (most - top).exp(), (u + k_t - top).exp()
            out.append((old * num + new * v_t) / (old * den + new))
            top = torch.maximum(most + w, k_t)
            old, new = (most + w - top).exp(), (k_t - top).exp()
            num, den, most = old * num + new * v_t, old * den + new, top
        return F.linear(r.sigmoid() * torch.stack(out, 1), p["output.weight"])

    def rwkv7(p, x, *, eps, v_first=None):
        batch, t, wide = x.shape
        heads, n = p["r_k"].shape
        d = before(x) - x
        x_r, x_w, x_k, x_v, x_a, x_g = (x + d * p["x_" + q] for q in "rwkvag")
        r, k, v = F.linear(x_r, p["receptance.weight"]), F.linear(x_k, p["key.weight"]), F.linear(x_v, p["value.weight"])
        low = lambda m, name, between: F.linear(between(F.linear(m, p[name + "1"])), p[name + "2"])
        same = lambda m: m
        w = (-math.exp(-0.5) * (p["w0"] + low(x_w, "w", torch.tanh)).sigmoid()).exp()
        a = (p["a0"] + low(x_a, "a", same)).sigmoid()
        g = low(x_g, "g", torch.sigmoid)
        if v_first is not None and "v0" in p:
            v = v + (v_first - v) * (p["v0"] + low(x_v, "v", same)).sigmoid()
        split = lambda m: m.view(batch, t, heads, n)
        kk = F.normalize(split(k * p["k_k"]), dim=-1, eps=1e-12)
        k = k * (1 + (a - 1) * p["k_a"])
        r, w, k, values, a = map(split, (r, w, k, v, a))
        s, out = x.new_zeros(batch, heads, n, n), []
        for r_t, w_t, k_t, v_t, kk_t, b_t in zip(*(m.unbind(1) for m in (r, w, k, values, kk, kk * a))):
            s = s * w_t[:, :, None] - (s @ kk_t[..., None]) @ b_t[:, :, None] + v_t[..., None] @ k_t[:, :, None]
            out.append((s @ r_t[..., None])[..., 0])
        o = F.group_norm(torch.stack(out, 1).view(batch * t, wide), heads, p["ln_x.weight"], p["ln_x.bias"], eps).view(batch, t, wide)
        o = o + ((r * k * p["r_k"]).sum(-1, keepdim=True) * values).flatten(2)
        return F.linear(o * g, p["output.weight"]), v

    def retnet(p, x, *, heads):
        t = x.shape[1]
        q, k, v = (heads_of(F.linear(x, p[f"{n}_proj.weight"]), heads) for n in "qkv")
        d, at = q.shape[-1], torch.arange(t).float()
        angle = at[:, None] * 10000.0 ** -(torch.arange(d // 2) / max(d / 2 - 1, 1))
        cos, sin = (m.repeat_interleave(2, -1) for m in (angle.cos(), angle.sin()))
        turned = lambda m: torch.stack([-m[..., 1::2], m[..., 0::2]], -1).flatten(-2)
        q, k = (m * cos + turned(m) * sin for m in (q, k * d**-0.5))
        gamma = 1 - 2.0 ** (-5 - torch.arange(heads))
        decay = (gamma[:, None, None] ** (at[:, None] - at).clamp(min=0)).tril()
        o = ((q @ k.transpose(-1, -2)) * decay) @ v
        o = joined(F.rms_norm(o, (o.shape[-1],), eps=1e-6))
        return F.linear(F.silu(F.linear(x, p["g_proj.weight"])) * o, p["out_proj.weight"])

    def s4d(p, x):
        t = x.shape[1]
        a = torch.complex(-p["log_A_real"].exp(), p["A_imag"])
        dt_a = p["log_dt"].exp()[:, None] * a
        c = torch.view_as_complex(p["C"]) * (dt_a.exp() - 1) / a
        kernel = 2 * torch.einsum("dn,dnt->td", c, (dt_a[..., None] * torch.arange(t)).exp()).real
        o = F.gelu(convolved(x, kernel) + p["D"] * x)
        return F.glu(F.linear(o, p["out_proj.weight"], p["out_proj.bias"]), -1)

    def hyena(p, x, *, length):
        t, features = x.shape[1], p["filter.in.weight"].shape[1]
        at = torch.arange(t).float()
        f = torch.linspace(1e-4, (features - 1) / 2 - 1, (features - 1) // 2) if features > 3 else torch.tensor([1e-4])
        angle = 2 * math.pi * at[:, None] * f / length
        z = torch.cat([(at / (length - 1))[:, None], angle.cos(), -angle.sin()], -1)
        frequency = p["filter.frequency"]
        h = torch.sin(frequency * F.linear(z, p["filter.in.weight"], p["filter.in.bias"]))
        h = torch.sin(frequency * F.linear(h, p["filter.hidden.weight"], p["filter.hidden.bias"]))
        kernel = F.linear(h, p["filter.out.weight"]) * ((-(at / (length - 1))[:, None] * p["filter.decay"].abs()).exp() + 0.05)
        x0, x1, v = depthwise(F.linear(x, p["in_proj.weight"], p["in_proj.bias"]), p["short_filter.weight"], p["short_filter.bias"]).chunk(3, -1)
        u = v * x1
        return F.linear((convolved(u, kernel) + p["bias"] * u) * x0, p["out_proj.weight"], p["out_proj.bias"])

    def performer(p, x, *, heads):
        q, k, v = (heads_of(F.linear(x, p[f"{n}_proj.weight"]), heads) for n in "qkv")
        features = p["features"]
        m, d = features.shape

        def exponent(z):
            z = z * d**-0.25
            return z @ features.T - z.square().sum(-1, keepdim=True) / 2

        q, k = exponent(q), exponent(k)
        q = (q - q.detach().amax(-1, keepdim=True)).exp() + 1e-6
        k = k.clamp(max=20).exp() + 1e-6
        scores = (q @ k.transpose(-1, -2)).tril()
        return F.linear(joined(scores @ v / scores.sum(-1, keepdim=True)), p["o_proj.weight"])

    def linformer(p, x, *, heads):
        q = heads_of(F.linear(x, p["q_proj.weight"]), heads)
        k, v = (heads_of(torch.einsum("kt,btd->bkd", p[e], F.linear(x, p[w])), heads) for e, w in (("e_proj", "k_proj.weight"), ("f_proj", "v_proj.weight")))
        return F.linear(joined(F.scaled_dot_product_attention(q, k, v)), p["o_proj.weight"])

    def shortconv(p, x):
        b, c, u = F.linear(x, p["in_proj.weight"]).chunk(3, -1)
        return F.linear(c * depthwise(b * u, p["conv.weight"]), p["out_proj.weight"])

    return {name: form for name, form in locals().items() if name in MIXERS}


def check(name, form):
    """The form against the golden outputs."""
    import torch
    from safetensors import safe_open

    if name == "attention":
        return
    with safe_open(GOLDEN / f"{'rwkv7_first' if name == 'rwkv7' else name}.safetensors", "pt") as f:
        sizes = {k: float(v) if k == "eps" else int(v) for k, v in f.metadata().items() if k != "mixer"}
        p = {k.removeprefix("param."): f.get_tensor(k) for k in f.keys() if k.startswith("param.")}
        x, y = f.get_tensor("x"), f.get_tensor("y")
    if name == "linformer":
        sizes.pop("length")
    found = form(p, x, **sizes)
    found = found[0] if name == "rwkv7" else found
    off = ((found - y).abs().max() / y.abs().max()).item()
    assert off < 1e-3, f"{name} is off by {off}"


def shapes(name, d, heads):
    """Tensors of a mixer at width d with the usual sizes, and the sizes that are no shapes."""
    square = lambda *names: {f"{n}_proj.weight": (d, d) for n in names}
    if name in ("attention", "linformer", "performer"):
        extra = {"linformer": {"e_proj": (64, CONTEXT), "f_proj": (64, CONTEXT)}, "performer": {"features": (4 * d // heads, d // heads)}}
        return {**square(*"qkvo"), **extra.get(name, {})}, {"heads": heads}
    if name == "lstm":
        return {"weight_ih": (4 * d, d), "weight_hh": (4 * d, d), "bias_ih": (4 * d,), "bias_hh": (4 * d,), "out_proj.weight": (d, d)}, {}
    if name == "gru":
        gates = {"weight_ih_l0": (3 * d, d), "weight_hh_l0": (3 * d, d), "bias_ih_l0": (3 * d,), "bias_hh_l0": (3 * d,)}
        return {**gates, "out_proj.weight": (d, d)}, {}
    if name == "mamba2":
        e, n = 2 * d, 64
        h = e // 32
        return {"in_proj.weight": (2 * e + 2 * n + h, d), "conv1d.weight": (e + 2 * n, 1, 4), "conv1d.bias": (e + 2 * n,), "dt_bias": (h,),
                "A_log": (h,), "D": (h,), "norm.weight": (e,), "out_proj.weight": (d, e)}, {"groups": 1, "eps": 1e-5}
    if name == "rwkv4":
        mixes = {"time_mix_" + n: (d,) for n in ("key", "value", "receptance")}
        return {"time_decay": (d,), "time_first": (d,), **mixes, **{n + ".weight": (d, d) for n in ("key", "value", "receptance", "output")}}, {}
    if name == "rwkv7":
        rank, t = max(d // 8, 8), {"x_" + q: (d,) for q in "rwkvag"}
        for q in "wavg":
            t |= {q + "1": (rank, d), q + "2": (d, rank)} | ({q + "0": (d,)} if q != "g" else {})
        t |= {"k_k": (d,), "k_a": (d,), "r_k": (d // 32, 32), "ln_x.weight": (d,), "ln_x.bias": (d,)}
        return t | {n + ".weight": (d, d) for n in ("receptance", "key", "value", "output")}, {"eps": 64e-5}
    if name == "retnet":
        return {**square("q", "k"), "v_proj.weight": (2 * d, d), "g_proj.weight": (2 * d, d), "out_proj.weight": (d, 2 * d)}, {"heads": heads}
    if name == "s4d":
        return {"log_dt": (d,), "D": (d,), "log_A_real": (d, 32), "A_imag": (d, 32), "C": (d, 32, 2), "out_proj.weight": (2 * d, d), "out_proj.bias": (2 * d,)}, {}
    if name == "hyena":
        f, m = 64, 33
        return {"in_proj.weight": (3 * d, d), "in_proj.bias": (3 * d,), "short_filter.weight": (3 * d, 1, 3), "short_filter.bias": (3 * d,),
                "filter.in.weight": (f, m), "filter.in.bias": (f,), "filter.hidden.weight": (f, f), "filter.hidden.bias": (f,), "filter.out.weight": (d, f),
                "filter.frequency": (f,), "filter.decay": (d,), "bias": (d,), "out_proj.weight": (d, d), "out_proj.bias": (d,)}, {"length": CONTEXT}
    return {"in_proj.weight": (3 * d, d), "conv.weight": (d, 1, 3), "out_proj.weight": (d, d)}, {}


def peer(name, width, layers, threads):
    """Answers each line `N` on standard input with the seconds that N steps took."""
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    form = forms()[name]
    check(name, form)
    heads, ffn = width // 32, -(-width * 8 // 3 // 32) * 32
    tensors, sizes = shapes(name, width, heads)
    fixed = {"features", "filter.decay"}

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.RMSNorm(width, eps=1e-5), nn.RMSNorm(width, eps=1e-5)
            made = [nn.Parameter(torch.randn(s) * 0.02, n not in fixed) for n, s in tensors.items()]
            self.tensors = nn.ParameterList(made)
            self.gate, self.up, self.down = nn.Linear(width, ffn, False), nn.Linear(width, ffn, False), nn.Linear(ffn, width, False)

        def forward(self, x, v_first):
            p = dict(zip(tensors, self.tensors))
            if name == "rwkv7":
                y, v = form(p, self.norm1(x), **sizes, v_first=v_first)
                v_first = v if v_first is None else v_first
            else:
                y = form(p, self.norm1(x), **sizes)
            x = x + y
            h = self.norm2(x)
            return x + self.down(F.silu(self.gate(h)) * self.up(h)), v_first

    embedding, norm = nn.Embedding(VOCABULARY, width), nn.RMSNorm(width, eps=1e-5)
    nn.init.normal_(embedding.weight, std=0.02)
    blocks = nn.ModuleList(Block() for _ in range(layers))
    trained = [q for m in (embedding, norm, blocks) for q in m.parameters() if q.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3, fused=True)
    data = torch.randint(VOCABULARY, (BATCH, CONTEXT + 1))

    def step():
        x, v_first = embedding(data[:, :-1]), None
        for block in blocks:
            x, v_first = block(x, v_first)
        loss = F.cross_entropy(F.linear(norm(x), embedding.weight).view(-1, VOCABULARY), data[:, 1:].reshape(-1))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()

    step()
    print(sum(q.numel() for m in (embedding, norm, blocks) for q in m.parameters()), flush=True)
    for line in sys.stdin:
        begin = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(time.perf_counter() - begin, flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bantam")
    parser.add_argument("--mixers", default=",".join(MIXERS))
    parser.add_argument("--budget", default="2M")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    a = parser.parse_args()
    print(f"{'mixer':12}{'parameters':>12}{'width x layers':>16}{'PyTorch tok/s':>15}{'Bantam tok/s':>14}{'ratio (rounds)':>22}")
    for name in a.mixers.split(","):
        command = [a.bantam, "zoo", "--mixers", name, "--budget", a.budget, "--vocab", VOCABULARY, "--context", CONTEXT, "--batch", BATCH,
                   "--steps", a.steps, "--json"]

        def ours(extra=()):
            out = subprocess.run([str(c) for c in [*command, *extra]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True,
                                 env={**os.environ, "RAYON_NUM_THREADS": str(a.threads)}).stdout
            return json.loads(out.strip().splitlines()[-1])["costs"][0]

        shape = ours()
        width, layers = shape["width"], shape["layers"]
        child = subprocess.Popen([sys.executable, __file__, "--worker", name, str(width), str(layers), str(a.threads)],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        parameters = int(child.stdout.readline())
        # The first RWKV-7 layer has no tensors for the mixing of values.
        assert abs(parameters / shape["parameters"] - 1) < 0.01, f"{name}: {parameters} parameters, Bantam's has {shape['parameters']}"
        theirs, mine = [], []
        for _ in range(a.rounds):
            child.stdin.write(f"{a.steps}\n")
            child.stdin.flush()
            theirs.append(a.steps * BATCH * CONTEXT / float(child.stdout.readline()))
            mine.append(ours()["train_tokens_per_s"])
        child.stdin.close()
        child.wait()
        ratios = [m / t for m, t in zip(mine, theirs)]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        print(f"{name:12}{shape['parameters']:12,}{f'{width} x {layers}':>16}{statistics.median(theirs):15,.0f}{statistics.median(mine):14,.0f}{spread:>22}",
              flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        peer(sys.argv[2], *map(int, sys.argv[3:6]))
    else:
        main()
