"""Constrained extraction beside llama.cpp with its own grammar: records a second and whether the answers agree.

    python benches/extraction_speed.py BANTAM MODEL.gguf DATA.jsonl SCHEMAS [--limit 100] [--threads 1,2] [--rounds 3]

MODEL is a model trained on extraction with its tokenizer and chat template, DATA and SCHEMAS are in EdgeJSON v3's format. Both
engines read the same token ids (`BANTAM generate --chat --json` gives them), decode greedily, at most 768 tokens, and are held to
the item's schema: Bantam by `eval edge-json --constrained` (its own wall time, without loading), llama.cpp by the grammar that llama-cpp-python
makes of the schema, in one context whose memory is cleared for each item (grammars are made before the clock starts). With N threads Bantam works on N items at a time and
llama.cpp on one with N threads, since that is how each is used. Answers are compared as parsed JSON; the items that differ are listed with both answers and the first
token that differs.

llama-cpp-python 0.3.36
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import llama_cpp


def run(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bantam", "model", "data", "schemas"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=3)
    a = parser.parse_args()
    lines = a.data.read_text().splitlines()[:a.limit]
    items = [json.loads(line) for line in lines]
    schemas = {p.stem: p for p in a.schemas.rglob("*.json")}
    grammars = {s: llama_cpp.LlamaGrammar.from_json_schema(schemas[s].read_text(), verbose=False)
                for s in {i["schema_id"] for i in items}}
    for item in items:
        made = run(a.bantam, "generate", "--model", a.model, "--chat", "--schema", schemas[item["schema_id"]], "--prompt=" + item["prompt"],
                   "--max-new-tokens", 1, "--json")
        item["ids"] = made["prompt_ids"]
    with tempfile.TemporaryDirectory() as scratch:
        data = pathlib.Path(scratch) / "items.jsonl"
        data.write_text("".join(line + "\n" for line in lines))
        for threads in (int(t) for t in a.threads.split(",")):
            llm = llama_cpp.Llama(str(a.model), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)
            ours, theirs = [], []
            for number in range(a.rounds):
                out = pathlib.Path(scratch) / f"{threads}-{number}"
                run(a.bantam, "eval", "edge-json", "--model", a.model, "--data", data, "--schemas", a.schemas, "--out", out, "--constrained",
                    "--threads", threads, "--json")
                result, = (p for p in out.glob("*.json"))
                ours.append(len(items) / json.loads(result.read_text())["timing"]["wall_s"])
                samples = next(out.glob("*.samples.jsonl")).read_text().splitlines()
                answers = {s["id"]: s["output"] for s in map(json.loads, samples)}
                other, begin = {}, time.perf_counter()
                for item in items:
                    llm.reset()
                    made = llm.create_completion(item["ids"], max_tokens=768, temperature=0.0, grammar=grammars[item["schema_id"]])
                    other[item["id"]] = made["choices"][0]["text"]
                theirs.append(len(items) / (time.perf_counter() - begin))
            different = [i for i in items if parsed(answers[i["id"]]) != parsed(other[i["id"]])]
            ratios = [x / y for x, y in zip(ours, theirs)]
            print(f"{threads} threads, {len(items)} items: Bantam {statistics.median(ours):.1f} records/s, llama.cpp "
                  f"{statistics.median(theirs):.1f}, ratio {statistics.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f}); "
                  f"equal {len(items) - len(different)}/{len(items)}", flush=True)
            if threads == int(a.threads.split(",")[0]):
                for item in different:
                    x, y = answers[item["id"]], other[item["id"]]
                    at = next((k for k, (p, q) in enumerate(zip(x, y)) if p != q), min(len(x), len(y)))
                    print(f"  {item['id']}: from character {at}: {x[at:at + 60]!r} against {y[at:at + 60]!r}")


if __name__ == "__main__":
    main()
