"""The sequence mixers of docs/mixers.md in their slow form: one position after the other, nothing fused, nothing clever.

Each is `form(p, x, state=None, **sizes) -> y, state, made`: `p` the tensors by the names of the contract, `state` the list of what it
keeps after a position, `made` what else comes out (only RWKV-7's first layer makes anything: `v_first`). mixers.py draws their inputs,
checks them and writes the golden files.
"""

import math

import torch
import torch.nn.functional as F


def lstm(p, x, state=None):
    hidden = p["weight_hh"].shape[1]
    layer = torch.nn.LSTM(x.shape[2], hidden, batch_first=True, dtype=x.dtype)
    for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
        setattr(layer, name + "_l0", p[name])
    h, last = layer(x, None if state is None else tuple(s[None] for s in state))
    return h @ p["out_proj.weight"].T, [s[0] for s in last], {}


def gru(p, x, state=None):
    hidden, layers = p["weight_hh_l0"].shape[1], sum(name.startswith("weight_hh_l") for name in p)
    stack = torch.nn.GRU(x.shape[2], hidden, layers, batch_first=True, dtype=x.dtype)
    for name in p:
        if name != "out_proj.weight":
            setattr(stack, name, p[name])
    h, last = stack(x, None if state is None else torch.stack(state))
    return h @ p["out_proj.weight"].T, list(last), {}


def mamba2(p, x, state=None, *, groups, eps):
    batch, heads, inner = x.shape[0], p["A_log"].numel(), p["norm.weight"].numel()
    channels, _, kernel = p["conv1d.weight"].shape
    width, n = inner // heads, (channels - inner) // (2 * groups)
    past, s = state or (x.new_zeros(batch, channels, kernel - 1), x.new_zeros(batch, heads, width, n))
    group_of = [h // (heads // groups) for h in range(heads)]
    ys = []
    for x_t in x.unbind(1):
        z, xbc, dt = (x_t @ p["in_proj.weight"].T).split([inner, channels, heads], -1)
        window = torch.cat([past, xbc[:, :, None]], -1)
        past = window[:, :, 1:]
        xbc = F.silu((window * p["conv1d.weight"][:, 0]).sum(-1) + p["conv1d.bias"])
        v, b, c = xbc.split([inner, groups * n, groups * n], -1)
        v = v.view(batch, heads, width)
        b, c = (m.view(batch, groups, n)[:, group_of] for m in (b, c))
        dt = F.softplus(dt + p["dt_bias"])
        decay = torch.exp(dt * -torch.exp(p["A_log"]))
        s = decay[:, :, None, None] * s + torch.einsum("bh,bhp,bhn->bhpn", dt, v, b)
        y = torch.einsum("bhpn,bhn->bhp", s, c) + p["D"][:, None] * v
        y = (y.reshape(batch, inner) * F.silu(z)).view(batch, groups, inner // groups)
        y = y / torch.sqrt(y.square().mean(-1, keepdim=True) + eps)
        ys.append((y.reshape(batch, inner) * p["norm.weight"]) @ p["out_proj.weight"].T)
    return torch.stack(ys, 1), [past, s], {}


def rwkv4(p, x, state=None):
    batch, inner = x.shape[0], p["time_decay"].numel()
    zeros = x.new_zeros(batch, inner)
    before, num, den, most = state or (torch.zeros_like(x[:, 0]), zeros, zeros, zeros - 1e38)
    w, u = -torch.exp(p["time_decay"]), p["time_first"]
    ys = []
    for x_t in x.unbind(1):
        k, v, r = ((x_t * p["time_mix_" + n] + before * (1 - p["time_mix_" + n])) @ p[n + ".weight"].T
                   for n in ("key", "value", "receptance"))
        before = x_t
        top = torch.maximum(most, u + k)
        old, new = torch.exp(most - top), torch.exp(u + k - top)
        wkv = (old * num + new * v) / (old * den + new)
        top = torch.maximum(most + w, k)
        old, new = torch.exp(most + w - top), torch.exp(k - top)
        num, den, most = old * num + new * v, old * den + new, top
        ys.append((torch.sigmoid(r) * wkv) @ p["output.weight"].T)
    return torch.stack(ys, 1), [before, num, den, most], {}


def rwkv7(p, x, state=None, v_first=None, *, eps):
    batch, length, wide = x.shape
    heads, n = p["r_k"].shape
    before, s = state or (torch.zeros_like(x[:, 0]), x.new_zeros(batch, heads, n, n))
    split = lambda m: m.view(batch, heads, n)
    ys, vs = [], []
    for t in range(length):
        x_t = x[:, t]
        d = before - x_t
        before = x_t
        x_r, x_w, x_k, x_v, x_a, x_g = (x_t + d * p["x_" + q] for q in "rwkvag")
        r, k, v = x_r @ p["receptance.weight"].T, x_k @ p["key.weight"].T, x_v @ p["value.weight"].T
        w = torch.exp(-math.exp(-0.5) * torch.sigmoid(p["w0"] + torch.tanh(x_w @ p["w1"].T) @ p["w2"].T))
        a = torch.sigmoid(p["a0"] + x_a @ p["a1"].T @ p["a2"].T)
        g = torch.sigmoid(x_g @ p["g1"].T) @ p["g2"].T
        if "v0" in p:
            v = v + (v_first[:, t] - v) * torch.sigmoid(p["v0"] + x_v @ p["v1"].T @ p["v2"].T)
        else:
            vs.append(v)
        kk = split(k * p["k_k"])
        kk = kk / kk.norm(dim=-1, keepdim=True).clamp(min=1e-12)
        k = k * (1 + (a - 1) * p["k_a"])
        r, w, k, v, a = map(split, (r, w, k, v, a))
        s = s * w[:, :, None, :] - (s @ kk[..., None]) @ (kk * a)[:, :, None, :] + v[..., None] @ k[:, :, None, :]
        o = (s @ r[..., None])[..., 0]
        o = (o - o.mean(-1, keepdim=True)) / torch.sqrt(o.var(-1, unbiased=False, keepdim=True) + eps)
        o = o.reshape(batch, wide) * p["ln_x.weight"] + p["ln_x.bias"]
        o = o + ((r * k * p["r_k"]).sum(-1, keepdim=True) * v).reshape(batch, wide)
        ys.append((o * g) @ p["output.weight"].T)
    return torch.stack(ys, 1), [before, s], {} if "v0" in p else {"v_first": torch.stack(vs, 1)}


def rotate(m, t):
    """[batch, heads, d] at position t: neighbours are a pair."""
    d = m.shape[-1]
    angle = torch.tensor([t * 10000.0 ** (-j / (d / 2 - 1) if d > 2 else 0.0) for j in range(d // 2)], dtype=torch.float64).to(m.dtype)
    a, b, cos, sin = m[..., 0::2], m[..., 1::2], angle.cos(), angle.sin()
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def retnet(p, x, state=None, *, heads):
    batch, _, wide = x.shape
    d, values = wide // heads, p["v_proj.weight"].shape[0]
    # The position is kept as a number for each item, so that it is a tensor like the rest.
    at, s = state or (x.new_zeros(batch), x.new_zeros(batch, heads, d, values // heads))
    gamma = torch.tensor([1 - 2.0 ** (-5 - h) for h in range(heads)], dtype=x.dtype)[:, None, None]
    ys = []
    for x_t in x.unbind(1):
        q, k, v, g = (x_t @ p[f"{n}_proj.weight"].T for n in "qkvg")
        position = int(at[0])
        q = rotate(q.view(batch, heads, d), position)
        k = rotate(k.view(batch, heads, d) * d**-0.5, position)
        s = gamma * s + torch.einsum("bhd,bhv->bhdv", k, v.view(batch, heads, -1))
        o = torch.einsum("bhdv,bhd->bhv", s, q)
        o = o / torch.sqrt(o.square().mean(-1, keepdim=True) + 1e-6)
        ys.append((F.silu(g) * o.reshape(batch, values)) @ p["out_proj.weight"].T)
        at = at + 1
    return torch.stack(ys, 1), [at, s], {}


def s4d(p, x, state=None):
    a = torch.complex(-torch.exp(p["log_A_real"]), p["A_imag"])
    a_bar = torch.exp(torch.exp(p["log_dt"])[:, None] * a)
    b_bar = (a_bar - 1) / a
    c = torch.view_as_complex(p["C"])
    h = torch.zeros(x.shape[0], *a.shape, dtype=a.dtype) if state is None else torch.view_as_complex(state[0])
    ys = []
    for x_t in x.unbind(1):
        h = a_bar * h + b_bar * x_t[:, :, None]
        o = F.gelu(2 * (c * h).sum(-1).real + p["D"] * x_t)
        value, gate = (o @ p["out_proj.weight"].T + p["out_proj.bias"]).chunk(2, -1)
        ys.append(value * torch.sigmoid(gate))
    return torch.stack(ys, 1), [torch.view_as_real(h)], {}


def hyena_filter(p, longest, dtype):
    """[longest, D]"""
    bands = (p["filter.in.weight"].shape[1] - 1) // 2
    f = [1e-4 + j * ((bands - 1) - 1e-4) / (bands - 1) if bands > 1 else 1e-4 for j in range(bands)]
    rows = []
    for t in range(longest):
        angle = [2 * math.pi * t * f_j / longest for f_j in f]
        z = torch.tensor([t / (longest - 1), *map(math.cos, angle), *(-math.sin(v) for v in angle)], dtype=torch.float64).to(dtype)
        z = torch.sin(p["filter.frequency"] * (p["filter.in.weight"] @ z + p["filter.in.bias"]))
        z = torch.sin(p["filter.frequency"] * (p["filter.hidden.weight"] @ z + p["filter.hidden.bias"]))
        rows.append(p["filter.out.weight"] @ z * (torch.exp(-(t / (longest - 1)) * p["filter.decay"].abs()) + 0.05))
    return torch.stack(rows)


def hyena(p, x, state=None, *, length):
    batch, _, wide = x.shape
    filters = hyena_filter(p, length, x.dtype)
    # The contract's state is u alone; the short convolution needs its last two inputs as well.
    us, past = state or (x.new_zeros(batch, 0, wide), x.new_zeros(batch, 3 * wide, 2))
    ys = []
    for x_t in x.unbind(1):
        inputs = x_t @ p["in_proj.weight"].T + p["in_proj.bias"]
        window = torch.cat([past, inputs[:, :, None]], -1)
        past = window[:, :, 1:]
        x0, x1, v = ((window * p["short_filter.weight"][:, 0]).sum(-1) + p["short_filter.bias"]).chunk(3, -1)
        us = torch.cat([us, (v * x1)[:, None]], 1)
        t = us.shape[1] - 1
        c = sum(filters[t - i] * us[:, i] for i in range(t + 1)) + p["bias"] * us[:, t]
        ys.append((c * x0) @ p["out_proj.weight"].T + p["out_proj.bias"])
    return torch.stack(ys, 1), [us, past], {}


def performer_features(features, z, query):
    """phi of z [batch, heads, d]. The largest exponent of a query is subtracted before the 1e-6 is added, and is no path of gradients."""
    exponent = z @ features.T - z.square().sum(-1, keepdim=True) / 2
    if query:
        exponent = exponent - exponent.amax(-1, keepdim=True).detach()
    else:
        exponent = exponent.clamp(max=20)
    return (torch.exp(exponent) + 1e-6) / math.sqrt(features.shape[0])


def performer(p, x, state=None, *, heads):
    batch, _, wide = x.shape
    m, d = p["features"].shape
    kv, ks = state or (x.new_zeros(batch, heads, m, d), x.new_zeros(batch, heads, m))
    ys = []
    for x_t in x.unbind(1):
        q, k, v = ((x_t @ p[f"{n}_proj.weight"].T).view(batch, heads, d) for n in "qkv")
        q, k = (performer_features(p["features"], z * d**-0.25, query) for z, query in ((q, True), (k, False)))
        kv, ks = kv + k[..., None] * v[:, :, None, :], ks + k
        o = torch.einsum("bhm,bhmd->bhd", q, kv) / (q * ks).sum(-1, keepdim=True)
        ys.append(o.reshape(batch, wide) @ p["o_proj.weight"].T)
    return torch.stack(ys, 1), [kv, ks], {}


def linformer(p, x, state=None, *, heads, length):
    batch, count, wide = x.shape
    assert state is None and count == length
    q, k, v = ((x @ p[f"{n}_proj.weight"].T).view(batch, count, heads, -1) for n in "qkv")
    k, v = torch.einsum("jt,bthd->bjhd", p["e_proj"], k), torch.einsum("jt,bthd->bjhd", p["f_proj"], v)
    weights = torch.softmax(torch.einsum("bthd,bjhd->bhtj", q, k) * (wide // heads) ** -0.5, -1)
    return torch.einsum("bhtj,bjhd->bthd", weights, v).reshape(batch, count, wide) @ p["o_proj.weight"].T, [], {}


def shortconv(p, x, state=None):
    d, _, kernel = p["conv.weight"].shape
    past = x.new_zeros(x.shape[0], d, kernel - 1) if state is None else state[0]
    ys = []
    for x_t in x.unbind(1):
        b, c, v = (x_t @ p["in_proj.weight"].T).split(d, -1)
        window = torch.cat([past, (b * v)[:, :, None]], -1)
        past = window[:, :, 1:]
        ys.append((c * (window * p["conv.weight"][:, 0]).sum(-1)) @ p["out_proj.weight"].T)
    return torch.stack(ys, 1), [past], {}
