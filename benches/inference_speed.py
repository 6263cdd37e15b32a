"""Inference beside llama.cpp: the same random models, in turns, on the same threads.

    python benches/inference_speed.py BANTAM [--shapes nano,tiny,...] [--formats q8_0,q4_0,q4_k_m] [--threads 2,1] [--rounds 5] [--models DIR]

Makes each model once (GGUF in F32 without a vocabulary, then `BANTAM compress pack`), then runs `BANTAM bench` and llama.cpp
(llama_cpp_speed.py) in turns. Prints, for every model and thread count, the medians over rounds of tokens a second for a prompt of 256 and for 128
tokens after it, the median of the rounds' ratios with their range, time to first token, load time, and what share of the limit (bytes of weights
a token reads over the read speed of memory of that size, measured in the same process) decoding reaches. Ratios are what counts: the machine's own speed changes.

llama-cpp-python 0.3.36, gguf 0.19.0, numpy 2
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import gguf
import numpy

# width, layers, heads, key heads, feed-forward, vocabulary
SHAPES = {
    "nano": (128, 4, 4, 4, 320, 2048),
    "tiny": (256, 6, 8, 4, 768, 4096),
    "small": (512, 8, 8, 8, 1376, 8192),
    "smollm": (576, 30, 9, 3, 1536, 49152),
}
FORMATS = {"nano": ["q8_0", "q4_0"], "tiny": ["q8_0", "q4_0"], "small": ["q8_0", "q4_0", "q4_k_m"],
           "smollm": ["q8_0", "q4_0", "q4_k_m"]}


def write(path, width, layers, heads, kv, inner, vocab):
    rng = numpy.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(1024)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv)
    writer.add_layer_norm_rms_eps(1e-5)
    head = width // heads
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(vocab)
    writer.add_file_type(0)
    writer.add_tokenizer_model("no_vocab")

    def add(name, *shape):
        scale = 1.0 if len(shape) == 1 else shape[-1] ** -0.5
        writer.add_tensor(name, (rng.standard_normal(shape) * scale).astype(numpy.float32))

    add("token_embd.weight", vocab, width)
    add("output_norm.weight", width)
    for layer in range(layers):
        at = f"blk.{layer}."
        for name, *shape in (("attn_norm", width), ("attn_q", width, width), ("attn_k", kv * head, width), ("attn_v", kv * head, width),
                             ("attn_output", width, width), ("ffn_norm", width), ("ffn_gate", inner, width), ("ffn_up", inner, width),
                             ("ffn_down", width, inner)):
            add(f"{at}{name}.weight", *shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def last_json(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bantam")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--formats", default="q8_0,q4_0,q4_k_m")
    parser.add_argument("--threads", default="2,1")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--models", help="where the models are kept; by default they are made anew")
    a = parser.parse_args()
    peer = pathlib.Path(__file__).parent / "llama_cpp_speed.py"
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(a.models or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print("model | MB | threads | decode: Bantam, llama.cpp, ratio (range) | share of limit | prefill: Bantam, llama.cpp, ratio (range) "
              "| first token ms: Bantam, llama.cpp | load ms: Bantam, llama.cpp")
        for shape in a.shapes.split(","):
            source = folder / f"{shape}-f32.gguf"
            for kind in [f for f in FORMATS[shape] if f in a.formats.split(",")]:
                model = folder / f"{shape}-{kind}.gguf"
                if not model.exists():
                    if not source.exists():
                        write(source, *SHAPES[shape])
                    subprocess.run([a.bantam, "compress", "pack", source, "--to", kind, "-o", model], check=True, capture_output=True)
                for threads in a.threads.split(","):
                    common = ["--threads", threads, "--repetitions", str(a.repetitions)]
                    ours, theirs = [], []
                    for _ in range(a.rounds):
                        ours.append(last_json([a.bantam, "bench", "--model", model, *common, "--json"]))
                        theirs.append(last_json([sys.executable, peer, model, *common]))
                    report(model, threads, ours, theirs)


def report(model, threads, ours, theirs):
    def pair(key):
        a, b = ([r[key] for r in rows] for rows in (ours, theirs))
        ratios = [x / y for x, y in zip(a, b)]
        return (f"{statistics.median(a):,.0f}, {statistics.median(b):,.0f}, **{statistics.median(ratios):.2f}** "
                f"({min(ratios):.2f}-{max(ratios):.2f})")

    def both(key):
        return ", ".join(f"{statistics.median(r[key] for r in rows):.1f}" for rows in (ours, theirs))

    share = statistics.median(r["decode_tokens_per_s"] * r["bytes_per_token"] / r["read_bytes_per_s"] for r in ours)
    print(f"{model.stem} | {model.stat().st_size / 1e6:.1f} | {threads} | {pair('decode_tokens_per_s')} | {share:.0%} "
          f"| {pair('prefill_tokens_per_s')} | {both('time_to_first_token_ms')} | {both('load_ms')}", flush=True)


main()
