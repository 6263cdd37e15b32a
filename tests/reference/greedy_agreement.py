"""Greedy tokens of Bantam against transformers and llama.cpp.

    cargo run --release -p bantam-runtime --example greedy -- MODEL PROMPTS NEW_TOKENS > bantam.jsonl
    python tests/reference/greedy_agreement.py --outputs bantam.jsonl [--folder HF_FOLDER] [--gguf MODEL.gguf]

Each prompt agrees when every token does, up to the first one where the best two logits (Bantam's or the peer's) are closer
than --margin (1e-3): from there on rounding decides. Q8_0 models need a wider one: both engines round activations to 8 bits,
a last-bit difference flips a rounding, and the flips cascade (llama.cpp differs from itself by 1e-2 between a batch and
single tokens). llama.cpp runs with an f32 cache and without flash attention, so that only
the arithmetic of the products differs. Ends with status 1 when a prompt disagrees.

torch 2.15.0, transformers 5.23.0, llama-cpp-python 0.3.36
"""

import argparse
import json
import sys

import numpy


def transformers_steps(folder):
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    def run(prompt, tokens):
        """Logits that follow the prompt and each token but the last, in one pass over Bantam's tokens."""
        with torch.no_grad():
            logits = model(torch.tensor([prompt + tokens[:-1]])).logits[0]
        return logits[len(prompt) - 1:].numpy()

    return run


def llama_cpp_steps(path):
    import llama_cpp

    model = llama_cpp.Llama(path, n_ctx=2048, logits_all=True, verbose=False, n_threads=2, flash_attn=False,
                            type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32)

    def run(prompt, tokens):
        model.reset()
        model.eval(prompt)
        # One token at a time, as llama.cpp itself decodes.
        for token in tokens[:-1]:
            model.eval([token])
        return numpy.array(model.scores[len(prompt) - 1:model.n_tokens])

    return run


def compare(name, steps, outputs, allowed):
    wrong = compared = ties = 0
    largest = 0.0
    for number, output in enumerate(outputs):
        logits = steps(output["prompt"], output["tokens"])
        for at, (row, token, margin) in enumerate(zip(logits, output["tokens"], output["margins"])):
            second, best = numpy.sort(row)[-2:]
            largest = max(largest, abs(float(best - second) - margin) if int(row.argmax()) == token else 0.0)
            if min(margin, best - second) < allowed:
                ties += 1
                break
            compared += 1
            if int(row.argmax()) != token:
                print(f"{name}: prompt {number}, token {at}: {int(row.argmax())}, Bantam has {token} "
                      f"(margins {best - second:.5f} and {margin:.5f})")
                wrong += 1
                break
    print(json.dumps({"peer": name, "prompts": len(outputs), "tokens_compared": compared, "prompts_cut_at_a_tie": ties,
                      "prompts_that_disagree": wrong, "largest_difference_of_margins": largest}))
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outputs", required=True)
    parser.add_argument("--folder")
    parser.add_argument("--gguf")
    parser.add_argument("--margin", type=float, default=1e-3)
    arguments = parser.parse_args()
    outputs = [json.loads(line) for line in open(arguments.outputs)]
    wrong = 0
    if arguments.folder:
        wrong += compare("transformers", transformers_steps(arguments.folder), outputs, arguments.margin)
    if arguments.gguf:
        wrong += compare("llama.cpp", llama_cpp_steps(arguments.gguf), outputs, arguments.margin)
    sys.exit(wrong > 0)


main()
