"""One grammar in two engines: are the answers of Bantam and llama.cpp equal when both are held to the same constraint?

    python benches/extraction_agreement.py BANTAM MODEL.gguf TOKENIZER.json DATA.jsonl SCHEMAS [--limit 200] [--max-new-tokens 768]

Both engines read the same file and the same prompt (`BANTAM generate --chat --json` gives its token ids), with the cache in f16. Bantam decodes
greedily under the item's schema as it always does. llama.cpp gives logits, and this script decodes greedily with them under the masks of the PyPI
package llguidance, of the version that Bantam links and with the schema prepared alike: `format` is dropped, no white space. Tokens that the grammar
forces are appended in both. What is left to differ is arithmetic: rounding in quantized products. For each item whose parsed JSON differs, the
first token that differs is shown with what each engine's logits say of the two candidates.

A second count reads Bantam's own tokens into llama.cpp and asks at each step where there is a choice whether llama.cpp's best allowed token
is Bantam's (so a difference does not carry over to the steps after it).

llama-cpp-python 0.3.36, llguidance 1.9.1, numpy 2
"""

import argparse
import json
import pathlib

import llama_cpp
import numpy
from extraction_speed import parsed, run
from llguidance import LLMatcher, LLTokenizer


def without_formats(schema):
    """The schema as Bantam hands it to the grammar engine (crates/runtime/src/constraint/schema.rs)."""
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "format":
            continue
        if key in ("properties", "patternProperties", "$defs", "definitions"):
            value = {k: without_formats(v) for k, v in value.items()}
        elif key in ("prefixItems", "items", "anyOf", "oneOf", "allOf") and isinstance(value, list):
            value = [without_formats(v) for v in value]
        elif key in ("items", "additionalProperties", "additionalItems"):
            value = without_formats(value)
        out[key] = value
    return out


class Peer:
    """llama.cpp's logits under llguidance's masks."""

    def __init__(self, model, tokenizer, threads):
        self.llm = llama_cpp.Llama(str(model), n_ctx=2048, n_threads=threads, n_threads_batch=threads, logits_all=False, verbose=False)
        self.vocabulary = self.llm.n_vocab()
        self.end = self.llm.token_eos()
        self.tokenizer = LLTokenizer(str(tokenizer), n_vocab=self.vocabulary, eos_token=self.end, slices=[])

    def matcher(self, schema):
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(without_formats(schema)), defaults={"whitespace_flexible": False})
        matcher = LLMatcher(self.tokenizer, grammar)
        assert not matcher.is_error(), matcher.get_error()
        return matcher

    def logits(self):
        return numpy.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.llm.ctx, -1), (self.vocabulary,))

    def allowed(self, matcher):
        """The logits, negative infinity where the grammar forbids a token."""
        bits = numpy.frombuffer(matcher.compute_bitmask(), dtype=numpy.uint8)
        mask = numpy.unpackbits(bits, bitorder="little")[: self.vocabulary].astype(bool)
        return numpy.where(mask, self.logits(), -numpy.inf)

    def steps(self, prompt, schema, most, follow=None):
        """The tokens written, and for each the logits it was chosen by (`None` where it was forced). With `follow`, those tokens are
        read instead of the chosen ones."""
        matcher, tokens, scores = self.matcher(schema), [], []
        self.llm.reset()
        self.llm.eval(prompt)
        while len(tokens) < (most if follow is None else len(follow)) and not matcher.is_stopped():
            forced = matcher.compute_ff_tokens()
            if forced:
                new, why = forced[: most - len(tokens)], [None] * len(forced)
            else:
                logits = self.allowed(matcher)
                token = int(logits.argmax()) if follow is None else follow[len(tokens)]
                if token == self.end:
                    break
                new, why = [token], [logits]
            tokens += new
            scores += why[: len(new)]
            if not all(matcher.consume_token(t) for t in new):
                break
            self.llm.eval(new)
        return tokens, scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("bantam", "model", "tokenizer", "data", "schemas"):
        parser.add_argument(name, type=pathlib.Path)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--max-new-tokens", type=int, default=768)
    parser.add_argument("--threads", type=int, default=1)
    a = parser.parse_args()
    items = [json.loads(line) for line in a.data.read_text().splitlines()[: a.limit]]
    schemas = {p.stem: p for p in a.schemas.rglob("*.json")}
    peer = Peer(a.model, a.tokenizer, a.threads)
    equal, equal_text, steps, same_steps, gaps, lines = 0, 0, 0, 0, [], []
    for item in items:
        path = schemas[item["schema_id"]]
        schema = json.loads(path.read_text())
        ours = run(a.bantam, "generate", "--model", a.model, "--chat", "--schema", path, "--prompt=" + item["prompt"], "--max-new-tokens",
                   a.max_new_tokens, "--threads", a.threads, "--logprobs", 8, "--json")
        tokens, scores = peer.steps(ours["prompt_ids"], schema, a.max_new_tokens)
        text = b"".join(peer.tokenizer.decode_bytes([t]) for t in tokens).decode("utf-8", "replace")
        same = parsed(ours["text"]) == parsed(text)
        equal += same
        equal_text += ours["text"] == text
        _, followed = peer.steps(ours["prompt_ids"], schema, a.max_new_tokens, ours["tokens"])
        for token, logits in zip(ours["tokens"], followed):
            if logits is not None:
                steps += 1
                gap = float(logits.max() - logits[token])
                same_steps += gap == 0.0
                gaps.append(gap)
        if not same:
            at = next((k for k, (p, q) in enumerate(zip(ours["tokens"], tokens)) if p != q), min(len(tokens), len(ours["tokens"])))
            if at < min(len(tokens), len(ours["tokens"])) and scores[at] is not None:
                x, y = ours["tokens"][at], tokens[at]
                known = dict(ours["log_probabilities"][at]["top"])
                known[x] = ours["log_probabilities"][at]["log_probability"]
                mine = f"{known[x] - known[y]:.3f}" if y in known else "more than 8 tokens apart"
                words = [peer.tokenizer.decode_str([t]) for t in (x, y)]
                lines.append(f"  {item['id']}: token {at}: {words[0]!r} ahead by {mine} in Bantam, {words[1]!r} by "
                             f"{scores[at][y] - scores[at][x]:.3f} in llama.cpp")
            else:
                lines.append(f"  {item['id']}: token {at}: not a matter of logits: {ours['tokens'][at:at + 4]} against {tokens[at:at + 4]}")
    apart = sorted(g for g in gaps if g > 0)
    print(f"{len(items)} items: parsed JSON equal on {equal} ({equal / len(items):.1%}), texts on {equal_text}")
    print(f"{steps} steps with a choice, along Bantam's answers: llama.cpp's best allowed token is the same in {same_steps} "
          f"({same_steps / max(steps, 1):.3%}); elsewhere it is ahead by {apart[len(apart) // 2] if apart else 0:.4f} in the median, "
          f"{apart[-1] if apart else 0:.4f} at most")
    print("\n".join(lines))


main()
