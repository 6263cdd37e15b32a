"""Speed of llama.cpp on a GGUF, measured as `bantam bench` measures Bantam: medians over repetitions, one warm-up.

    python benches/llama_cpp_speed.py MODEL.gguf [--threads N] [--prompt-tokens 256] [--gen-tokens 128] [--repetitions 5]

Calls llama_decode directly, with the choice of the next token in numpy outside the timed calls, so that Python's share is
small. cpu_us_per_token is processor time over all threads, which a busy machine distorts less than wall time.

llama-cpp-python 0.3.36, numpy 2
"""

import argparse
import json
import statistics
import time

import llama_cpp
import numpy


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompt-tokens", type=int, default=256)
    parser.add_argument("--gen-tokens", type=int, default=128)
    parser.add_argument("--repetitions", type=int, default=5)
    a = parser.parse_args()
    begin = time.perf_counter()
    llm = llama_cpp.Llama(a.model, n_ctx=a.prompt_tokens + a.gen_tokens + 8, n_batch=512, n_threads=a.threads,
                          n_threads_batch=a.threads, verbose=False)
    load = time.perf_counter() - begin
    ctx, vocab = llm.ctx, llm.n_vocab()
    memory = llama_cpp.llama_get_memory(ctx)
    rng = numpy.random.default_rng(0)
    prompt = rng.integers(0, vocab, a.prompt_tokens).tolist()

    def decode(tokens):
        array = (llama_cpp.llama_token * len(tokens))(*tokens)
        batch = llama_cpp.llama_batch_get_one(array, len(tokens))
        begin = time.perf_counter()
        assert llama_cpp.llama_decode(ctx, batch) == 0
        return time.perf_counter() - begin

    def best():
        return int(numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(ctx, -1), (vocab,)).argmax())

    prefill, steps, cpu, firsts = [], [], [], []
    for repetition in range(a.repetitions + 1):
        llama_cpp.llama_memory_clear(memory, True)
        first = sum(decode(prompt[i:i + 512]) for i in range(0, len(prompt), 512))
        token, spent, begin = best(), 0.0, time.process_time()
        for _ in range(a.gen_tokens):
            spent += decode([token])
            token = best()
        if repetition:
            cpu.append((time.process_time() - begin) / a.gen_tokens)
            prefill.append(len(prompt) / first)
            firsts.append(first)
            steps.append(a.gen_tokens / spent)
    print(json.dumps({"prefill_tokens_per_s": statistics.median(prefill), "decode_tokens_per_s": statistics.median(steps),
                      "time_to_first_token_ms": statistics.median(firsts) * 1e3, "load_ms": load * 1e3,
                      "cpu_us_per_token": statistics.median(cpu) * 1e6, "threads": a.threads}))


main()
