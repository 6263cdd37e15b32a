"""Golden values of every sequence mixer of docs/mixers.md, independent of the Rust code.

    python tests/reference/mixers.py

writes crates/model/tests/data/mixers/<name>.safetensors, all f32, rounded from float64: `x` and the upstream gradient `dy` (both
[2, 13, 16]), `y`, `param.<name>` for the tensors of the contract, `state.<k>` after the last position in the order of the contract
([batch, ...]), and the gradients of sum(y * dy): `dx` and `grad.<name>` (none for tensors that are not trained). Sizes that are no shapes
are strings in the metadata. RWKV-7 has two files: rwkv7_first, whose `v_first` is an output, and rwkv7, a later layer, whose `v_first` is
an input with the gradient `d_v_first`. Hyena's state.0 is all u so far, state.1 the last two inputs of its short convolution.

Inputs and parameters are exact in f32. LSTM and GRU run through torch.nn, the others in the slow forms of mixers_forms.py. Beside them,
and asserted to give the same: the contract's formulas for LSTM and GRU; transformers' Mamba2Mixer, RwkvSelfAttention and Lfm2ShortConv, output, states
and gradients (to 1e-5: they compute in float32 whatever they are given, so what is stored are the slow forms' float64 values); a second
form of all others, such as the sums over the past that RWKV-4, RetNet and Performer stand for, or S4D and Hyena as convolutions. Asserted
as well: that two chunks with the state carried over give what one run gives, that what comes later changes nothing before it (both not
for Linformer), and that every trained tensor has a gradient that counts. "In f32" is how far the slow form itself is off in f32.

torch 2.15.0, transformers 5.23.0, safetensors 0.8, numpy 2
"""

import json
import math
import pathlib
import struct

import numpy as np
import torch
import torch.nn.functional as F
from transformers import DynamicCache, Lfm2Config, Mamba2Config, RwkvConfig
from transformers.models.lfm2.modeling_lfm2 import Lfm2ShortConv
from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer
from transformers.models.rwkv.modeling_rwkv import RwkvSelfAttention

import mixers_forms as forms

torch.set_num_threads(1)
OUT = pathlib.Path("crates/model/tests/data/mixers")
BATCH, TIME, D, SPLIT = 2, 13, 16, 5
FIXED = {"filter.decay", "features"}


def matrix(rows, columns, gain=1.3):
    return (rows, columns), 0.0, gain / math.sqrt(columns)


def vector(*shape, mean=0.0, std=0.5):
    return shape, mean, std


def rwkv7_tensors(first):
    ranks = {"w": 4, "a": 3, "v": 5, "g": 6}
    t = {"x_" + q: vector(D, mean=0.5, std=0.3) for q in "rwkvag"}
    for q, rank in ranks.items():
        if q != "v" or not first:
            if q != "g":
                t[q + "0"] = vector(D, std=1.0)
            t[q + "1"], t[q + "2"] = matrix(rank, D), matrix(D, rank)
    t |= {"k_k": vector(D, mean=0.8, std=0.3), "k_a": vector(D, mean=0.8, std=0.4), "r_k": vector(2, 8)}
    t |= {n + ".weight": matrix(D, D) for n in ("receptance", "key", "value", "output")}
    return t | {"ln_x.weight": vector(D, mean=1.0, std=0.3), "ln_x.bias": vector(D, std=0.3)}


def tensors(*names, rows=D, columns=D):
    return {n: matrix(rows, columns) for n in names}


# Name: the form, its sizes that are no shapes, and each tensor's shape, mean and deviation.
CASES = {
    "lstm": (forms.lstm, {}, {
        "weight_ih": matrix(48, D), "weight_hh": matrix(48, 12), "bias_ih": vector(48), "bias_hh": vector(48),
        "out_proj.weight": matrix(D, 12)}),
    "gru": (forms.gru, {}, {
        f"{n}_l{i}": spec for i in range(2) for n, spec in {
            "weight_ih": matrix(30, 10 if i else D), "weight_hh": matrix(30, 10), "bias_ih": vector(30), "bias_hh": vector(30)}.items()
    } | {"out_proj.weight": matrix(D, 10)}),
    # E 24, P 6, H 4, N 5, K 4.
    "mamba2": (forms.mamba2, {"groups": 2, "eps": 1e-5}, {
        "in_proj.weight": matrix(2 * 24 + 2 * 2 * 5 + 4, D), "conv1d.weight": ((44, 1, 4), 0.0, 0.5), "conv1d.bias": vector(44),
        "dt_bias": vector(4, mean=-0.5, std=0.7), "A_log": vector(4, std=0.8), "D": vector(4, mean=0.5),
        "norm.weight": vector(24, mean=1.0, std=0.3), "out_proj.weight": matrix(D, 24)}),
    "rwkv4": (forms.rwkv4, {}, {
        "time_decay": vector(20, mean=-0.7, std=1.0), "time_first": vector(20, std=1.0)}
        | {"time_mix_" + n: vector(D, mean=0.5, std=0.3) for n in ("key", "value", "receptance")}
        | tensors("key.weight", "value.weight", "receptance.weight", rows=20) | {"output.weight": matrix(D, 20)}),
    "rwkv7_first": (forms.rwkv7, {"eps": 64e-5}, rwkv7_tensors(True)),
    "rwkv7": (forms.rwkv7, {"eps": 64e-5}, rwkv7_tensors(False)),
    "retnet": (forms.retnet, {"heads": 2}, tensors("q_proj.weight", "k_proj.weight")
               | tensors("v_proj.weight", "g_proj.weight", rows=24) | {"out_proj.weight": matrix(D, 24)}),
    # N 8.
    "s4d": (forms.s4d, {}, {
        "log_dt": vector(D, mean=-1.2), "D": vector(D), "log_A_real": vector(D, 4, mean=-0.3, std=0.7), "A_imag": vector(D, 4, std=3.0),
        "C": vector(D, 4, 2, std=1.0), "out_proj.weight": matrix(2 * D, D), "out_proj.bias": vector(2 * D)}),
    "hyena": (forms.hyena, {"length": 29}, {
        "in_proj.weight": matrix(3 * D, D), "in_proj.bias": vector(3 * D), "short_filter.weight": ((3 * D, 1, 3), 0.0, 0.6),
        "short_filter.bias": vector(3 * D), "filter.in.weight": matrix(10, 7), "filter.in.bias": vector(10),
        "filter.hidden.weight": matrix(10, 10), "filter.hidden.bias": vector(10), "filter.out.weight": matrix(D, 10),
        "filter.frequency": vector(10, mean=1.5), "filter.decay": vector(D, std=4.0), "bias": vector(D),
        "out_proj.weight": matrix(D, D), "out_proj.bias": vector(D)}),
    "performer": (forms.performer, {"heads": 2}, tensors(*(n + "_proj.weight" for n in "qkvo")) | {"features": vector(12, 8)}),
    "linformer": (forms.linformer, {"heads": 2, "length": TIME}, tensors(*(n + "_proj.weight" for n in "qkvo"))
                  | tensors("e_proj", "f_proj", rows=5, columns=TIME)),
    "shortconv": (forms.shortconv, {}, {
        "in_proj.weight": matrix(3 * D, D), "conv.weight": ((D, 1, 3), 0.0, 0.7), "out_proj.weight": matrix(D, D)}),
}


def exact(values):
    """float64 that f32 holds exactly."""
    return torch.from_numpy(np.asarray(values, dtype=np.float32)).double()


def orthogonal_features(rng, rows, d):
    """Rows orthogonal in blocks of d, each as long as a vector of d normal values."""
    blocks = [np.linalg.qr(rng.standard_normal((d, d)))[0] for _ in range(-(-rows // d))]
    return np.concatenate(blocks)[:rows] * np.linalg.norm(rng.standard_normal((rows, d)), axis=1, keepdims=True)


def gradients(form, sizes, p, inputs, dy, dtype=torch.float64):
    """The form's output, state and extras, and the gradients of sum(y * dy), by the names they are stored under."""
    p = {n: torch.nn.Parameter(v.to(dtype), requires_grad=n not in FIXED) for n, v in p.items()}
    inputs = {n: v.to(dtype, copy=True).requires_grad_() for n, v in inputs.items()}
    y, state, made = form(p, **inputs, **sizes)
    (y * dy.to(dtype)).sum().backward()
    grads = {"grad." + n: v.grad for n, v in p.items() if n not in FIXED}
    grads |= {"dx" if n == "x" else "d_" + n: v.grad for n, v in inputs.items()}
    return {"y": y} | {f"state.{k}": s for k, s in enumerate(state)} | made, grads


def error(a, b):
    a, b = a.detach(), b.detach()
    return float((a - b).abs().max() / b.abs().max().clamp(min=1))


def check_recurrent(form, sizes, p, inputs, y, state):
    """Two chunks are one run, and the future does not reach the past."""
    first, second = ({n: v[:, r] for n, v in inputs.items()} for r in (slice(SPLIT), slice(SPLIT, None)))
    y1, carried, _ = form(p, **first, **sizes)
    y2, last, _ = form(p, **second, state=carried, **sizes)
    chunks = max(error(torch.cat([y1, y2], 1), y), *(error(a, b) for a, b in zip(last, state, strict=True)))
    assert chunks < 1e-10, chunks
    later = {n: torch.cat([v[:, :7], v[:, 7:] * -1.5 + 0.3], 1) for n, v in inputs.items()}
    changed, _, _ = form(p, **later, **sizes)
    assert error(changed[:, :7], y[:, :7]) < 1e-12 and (changed[:, 7:] - y[:, 7:]).abs().max() > 0.01
    return chunks


def lstm_formula(p, x):
    h, c = x.new_zeros(BATCH, 12), x.new_zeros(BATCH, 12)
    ys = []
    for x_t in x.unbind(1):
        i, f, g, o = (x_t @ p["weight_ih"].T + p["bias_ih"] + h @ p["weight_hh"].T + p["bias_hh"]).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        ys.append(h @ p["out_proj.weight"].T)
    return torch.stack(ys, 1)


def gru_formula(p, x):
    h = [x.new_zeros(BATCH, 10) for _ in range(2)]
    ys = []
    for below in x.unbind(1):
        for i in range(2):
            a = (below @ p[f"weight_ih_l{i}"].T + p[f"bias_ih_l{i}"]).chunk(3, -1)
            b = (h[i] @ p[f"weight_hh_l{i}"].T + p[f"bias_hh_l{i}"]).chunk(3, -1)
            r, z = (a[0] + b[0]).sigmoid(), (a[1] + b[1]).sigmoid()
            below = h[i] = (1 - z) * (a[2] + r * b[2]).tanh() + z * h[i]
        ys.append(below @ p["out_proj.weight"].T)
    return torch.stack(ys, 1)


def rwkv4_formula(p, x):
    before = F.pad(x, (0, 0, 1, 0))[:, :-1]
    k, v, r = ((x * p["time_mix_" + n] + before * (1 - p["time_mix_" + n])) @ p[n + ".weight"].T for n in ("key", "value", "receptance"))
    w, wkv = -torch.exp(p["time_decay"]), []
    for t in range(TIME):
        e = [torch.exp((t - 1 - i) * w + k[:, i]) for i in range(t)] + [torch.exp(p["time_first"] + k[:, t])]
        wkv.append(sum(e_i * v[:, i] for i, e_i in enumerate(e)) / sum(e))
    return (r.sigmoid() * torch.stack(wkv, 1)) @ p["output.weight"].T


def retnet_formula(p, x):
    q, k, v, g = (x @ p[f"{n}_proj.weight"].T for n in "qkvg")
    q, k, v = (m.view(BATCH, TIME, 2, -1) for m in (q, k / math.sqrt(8), v))
    q, k = (torch.stack([forms.rotate(m[:, t], t) for t in range(TIME)], 1) for m in (q, k))
    t = torch.arange(TIME)
    decay = torch.stack([torch.tril((1 - 2.0 ** (-5 - h)) ** (t[:, None] - t).clamp(min=0).double()) for h in range(2)])
    o = torch.einsum("bthd,bihd,hti,bihv->bthv", q, k, decay, v)
    o = o / torch.sqrt(o.square().mean(-1, keepdim=True) + 1e-6)
    return (F.silu(g) * o.flatten(2)) @ p["out_proj.weight"].T


def s4d_formula(p, x):
    a, dt = torch.complex(-torch.exp(p["log_A_real"]), p["A_imag"]), torch.exp(p["log_dt"])[:, None]
    c = torch.view_as_complex(p["C"]) * (torch.exp(dt * a) - 1) / a
    kernel = [2 * (c * torch.exp(dt * a * t)).sum(-1).real for t in range(TIME)]
    o = torch.stack([sum(kernel[t - i] * x[:, i] for i in range(t + 1)) for t in range(TIME)], 1) + p["D"] * x
    value, gate = (F.gelu(o) @ p["out_proj.weight"].T + p["out_proj.bias"]).chunk(2, -1)
    return value * gate.sigmoid()


def performer_formula(p, x):
    q, k, v = ((x @ p[f"{n}_proj.weight"].T).view(BATCH, TIME, 2, 8) for n in "qkv")
    q, k = (forms.performer_features(p["features"], m * 8**-0.25, query) for m, query in ((q, True), (k, False)))
    weights = torch.einsum("bthm,bihm->bhti", q, k).tril()
    o = torch.einsum("bhti,bihd->bthd", weights / weights.sum(-1, keepdim=True), v)
    return o.flatten(2) @ p["o_proj.weight"].T


def rwkv7_formula(p, x, v_first=None):
    """The whole sequence at once but for the state, its transition as one matrix, the decay as exp(-exp(-softplus(-z) - 1/2))."""
    lerp = {q: torch.lerp(x, F.pad(x, (0, 0, 1, 0))[:, :-1], p["x_" + q]) for q in "rwkvag"}
    low = lambda q, act=lambda m: m: F.linear(act(F.linear(lerp[q], p[q + "1"])), p[q + "2"], p.get(q + "0"))
    r, k, v = (F.linear(lerp[n[0]], p[n + ".weight"]) for n in ("receptance", "key", "value"))
    w, a, g = torch.exp(-torch.exp(-F.softplus(-low("w", torch.tanh)) - 0.5)), low("a").sigmoid(), low("g", torch.sigmoid)
    if v_first is not None:
        v = torch.lerp(v, v_first, low("v").sigmoid())
    in_heads = lambda m: m.unflatten(-1, (2, 8))
    kk = F.normalize(in_heads(k * p["k_k"]), dim=-1, eps=1e-12)
    r, w, k, v, a = map(in_heads, (r, w, k * (1 + (a - 1) * p["k_a"]), v, a))
    moves = torch.diag_embed(w) - torch.einsum("bthi,bthj->bthij", kk, kk * a)
    s, o = x.new_zeros(BATCH, 2, 8, 8), []
    for t in range(TIME):
        s = s @ moves[:, t] + torch.einsum("bhi,bhj->bhij", v[:, t], k[:, t])
        o.append(torch.einsum("bhij,bhj->bhi", s, r[:, t]))
    o = F.group_norm(torch.stack(o, 1).reshape(-1, D), 2, p["ln_x.weight"], p["ln_x.bias"], 64e-5).view(BATCH, TIME, D)
    return F.linear((o + ((r * k * p["r_k"]).sum(-1, keepdim=True) * v).flatten(2)) * g, p["output.weight"])


def hyena_formula(p, x):
    """Positions from linspace and a complex exponential, the short filter by conv1d, the long one by its transform."""
    t, w = torch.linspace(0, 1, 29, dtype=x.dtype)[:, None], 2 * math.pi / 29 * torch.arange(29, dtype=x.dtype)[:, None]
    z = torch.exp(-1j * w * torch.linspace(1e-4, 2, 3, dtype=x.dtype))
    z = torch.cat([t, z.real, z.imag], 1)
    for part in ("in", "hidden"):
        z = torch.sin(p["filter.frequency"] * F.linear(z, p[f"filter.{part}.weight"], p[f"filter.{part}.bias"]))
    filters = F.linear(z, p["filter.out.weight"]) * (torch.exp(-t * p["filter.decay"].abs()) + 0.05)
    m = F.linear(x, p["in_proj.weight"], p["in_proj.bias"]).transpose(1, 2)
    x0, x1, v = F.conv1d(m, p["short_filter.weight"], p["short_filter.bias"], padding=2, groups=3 * D)[..., :TIME].chunk(3, 1)
    c = torch.fft.irfft(torch.fft.rfft(v * x1, n=64) * torch.fft.rfft(filters.T, n=64), n=64)[..., :TIME]
    return F.linear(((c + p["bias"][:, None] * v * x1) * x0).transpose(1, 2), p["out_proj.weight"], p["out_proj.bias"])


def linformer_formula(p, x):
    q, k, v = (F.linear(x, p[f"{n}_proj.weight"]).view(BATCH, TIME, 2, 8).transpose(1, 2) for n in "qkv")
    o = F.scaled_dot_product_attention(q, p["e_proj"] @ k, p["f_proj"] @ v)
    return F.linear(o.transpose(1, 2).flatten(2), p["o_proj.weight"])


FORMULAS = {"lstm": lstm_formula, "gru": gru_formula, "rwkv4": rwkv4_formula, "rwkv7_first": rwkv7_formula, "rwkv7": rwkv7_formula,
            "retnet": retnet_formula, "s4d": s4d_formula, "hyena": hyena_formula, "performer": performer_formula,
            "linformer": linformer_formula}


def mamba2_of_transformers(p, inputs, dy, sizes):
    """Its configuration wants an inner width that is a multiple of the model's: 24 once, then maps from and to 16."""
    config = Mamba2Config(hidden_size=24, expand=1, num_heads=4, head_dim=6, n_groups=sizes["groups"], state_size=5, conv_kernel=4,
                          layer_norm_epsilon=sizes["eps"], chunk_size=5, num_hidden_layers=1)
    mixer = Mamba2Mixer(config, 0)
    mixer.in_proj, mixer.out_proj = torch.nn.Linear(D, 72, bias=False), torch.nn.Linear(24, D, bias=False)
    mixer.load_state_dict({n: v.float() for n, v in p.items()})
    x = inputs["x"].float().requires_grad_()
    y = mixer(x)
    (y * dy.float()).sum().backward()
    cache = DynamicCache(config=config)
    with torch.no_grad():
        mixer(x, cache_params=cache)
    # It keeps K inputs of the convolution where K - 1 are needed.
    state = [cache.layers[0].conv_states[0][:, :, 1:], cache.layers[0].recurrent_states[0]]
    return y, state, {"dx": x.grad} | {"grad." + n: v.grad for n, v in mixer.named_parameters()}


def rwkv4_of_transformers(p, inputs, dy, sizes):
    mixer = RwkvSelfAttention(RwkvConfig(hidden_size=D, attention_hidden_size=20, num_hidden_layers=1))
    mixer.load_state_dict({n: v.float().reshape(mixer.state_dict()[n].shape) for n, v in p.items()})
    x = inputs["x"].float().requires_grad_()
    y, _ = mixer(x)
    (y * dy.float()).sum().backward()
    state = [torch.zeros(BATCH, D, 1), torch.zeros(BATCH, D, 1)] + [torch.zeros(BATCH, 20, 1) - m for m in (0, 0, 1e38)]
    with torch.no_grad():
        _, state = mixer(x, state=state, use_cache=True)
    grads = {"grad." + n: v.grad.reshape(p[n].shape) for n, v in mixer.named_parameters()}
    return y, [s[:, :, 0] for s in state[1:]], {"dx": x.grad} | grads


def shortconv_of_transformers(p, inputs, dy, sizes):
    config = Lfm2Config(hidden_size=D, conv_L_cache=3, conv_bias=False, layer_types=["conv"], num_hidden_layers=1)
    mixer = Lfm2ShortConv(config, 0)
    mixer.load_state_dict({n: v.float() for n, v in p.items()})
    x = inputs["x"].float().requires_grad_()
    y = mixer(x)
    (y * dy.float()).sum().backward()
    cache = DynamicCache(config=config)
    with torch.no_grad():
        mixer(x, past_key_values=cache)
    # It keeps K inputs of the convolution where K - 1 are needed.
    state = [cache.layers[0].conv_states[0][:, :, 1:]]
    return y, state, {"dx": x.grad} | {"grad." + n: v.grad for n, v in mixer.named_parameters()}


PEERS = {"mamba2": mamba2_of_transformers, "rwkv4": rwkv4_of_transformers, "shortconv": shortconv_of_transformers}


def save(path, tensors, metadata):
    """As safetensors does it, but with everything in the order of the names, so that a second run writes the same bytes."""
    header, data = {"__metadata__": dict(sorted(metadata.items()))}, b""
    for name in sorted(tensors):
        raw = np.ascontiguousarray(tensors[name].detach().float().numpy()).tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for seed, (name, (form, sizes, specs)) in enumerate(CASES.items()):
        rng = np.random.default_rng(seed)
        p = {n: exact(rng.standard_normal(shape) * std + mean) for n, (shape, mean, std) in specs.items()}
        if "features" in p:
            p["features"] = exact(orthogonal_features(rng, *p["features"].shape))
        inputs = {"x": exact(rng.standard_normal((BATCH, TIME, D)))}
        if name == "rwkv7":
            inputs["v_first"] = exact(rng.standard_normal((BATCH, TIME, D)))
        dy = exact(rng.standard_normal((BATCH, TIME, D)))

        out, grads = gradients(form, sizes, p, inputs, dy)
        state = [out[f"state.{k}"] for k in range(sum(n.startswith("state.") for n in out))]
        # Where a gradient is small beside the others its tensor would not be tested.
        smallest = min((float(g.abs().max()), n) for n, g in grads.items())
        assert smallest[0] > 0.05, smallest
        seen = [f"|y| {float(out['y'].detach().std()):.2f}", f"smallest gradient {smallest[0]:.2f} {smallest[1]}"]
        fixed = {n: torch.nn.Parameter(v, requires_grad=False) for n, v in p.items()}
        with torch.no_grad():
            if name != "linformer":
                seen.append(f"chunks {check_recurrent(form, sizes, fixed, inputs, out['y'], state):.0e}")
            if name in FORMULAS:
                apart = error(FORMULAS[name](p, **inputs), out["y"])
                assert apart < 1e-10, apart
                seen.append(f"formula {apart:.0e}")
        if name in PEERS:
            y, last, theirs = PEERS[name](p, inputs, dy, sizes)
            assert theirs.keys() == grads.keys()
            apart = [error(y, out["y"]), max(error(a, b) for a, b in zip(last, state, strict=True)),
                     max(error(theirs[n], grads[n]) for n in grads)]
            assert max(apart) < 1e-5, apart
            seen.append("transformers {:.0e}, states {:.0e}, gradients {:.0e}".format(*apart))
        rough, rough_grads = gradients(form, sizes, p, inputs, dy, torch.float32)
        seen.append("in f32 {:.0e}, gradients {:.0e}".format(
            max(error(rough[n], out[n]) for n in out), max(error(rough_grads[n], grads[n]) for n in grads)))

        path = OUT / f"{name}.safetensors"
        save(path, inputs | {"dy": dy} | out | grads | {"param." + n: v for n, v in p.items()},
             {"mixer": name.split("_")[0]} | {k: str(v) for k, v in sizes.items()})
        print(name, path.stat().st_size, *seen, sep="; ")


if __name__ == "__main__":
    main()
