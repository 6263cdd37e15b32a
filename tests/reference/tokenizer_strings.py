"""Token ids of many varied strings: Bantam, transformers and llama.cpp must agree.

    python tests/reference/tokenizer_strings.py make STRINGS.jsonl CORPUS.jsonl
    cargo run -p bantam-formats --example peer_material -- CORPUS.jsonl STRINGS.jsonl crates/runtime/tests/data OUT
    python tests/reference/tokenizer_strings.py check STRINGS.jsonl OUT
    python tests/reference/tokenizer_strings.py golden STRINGS.jsonl OUT crates/formats/tests/data/tokenizer

`make` writes 10,000 different strings, one JSON string a line, the same on every machine, and a training corpus drawn from the same
generators. `check` compares OUT/ids.jsonl (Bantam's) with transformers on OUT/llama and llama.cpp on OUT/llama-f16.gguf.
`golden` keeps the tokenizer and 200 of the strings with the peers' ids, if all agree, and llama.cpp's ids under its other pre-tokenizers;
`golden_all` keeps every string (for a look, not to be committed).

    python tests/reference/tokenizer_strings.py kinds STRINGS.jsonl CORPUS.jsonl crates/formats/tests/data/tokenizer

`kinds` trains a vocabulary whose merges cross every border that a pre-tokenizer draws (kinds.json) and keeps llama.cpp's ids of 120 strings under every
pre-tokenizer's name (kinds.jsonl); `kinds_all` keeps all 11,500 (for a look). Strings with blanks beyond ASCII are left out for DeepSeek's first two, whose
patterns llama.cpp applies to such blanks as if they were vertical tabs, and transformers does not.

transformers 5.23.0, tokenizers 0.23.3, llama-cpp-python 0.3.36, gguf 0.19.0
"""

import json
import pathlib
import random
import sys
import unicodedata
import uuid

SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"]

SENTENCES = """The quick brown fox jumps over the lazy dog.
Ship order #4471 to Ana María López, C/ Gran Vía 12, 28013 Madrid before 2024-03-09; total €1,249.50 (paid).
It's they're we've I'm you'll he'd IT'S THEY'RE don't 'tis o'clock rock'n'roll
def f(x: int) -> list[int]:\n    return [y**2 for y in range(x) if y % 3 != 0]  # ok\n
fn main() { let v: Vec<_> = (0..10).map(|i| i << 2).collect(); println!("{v:?}"); }
SELECT id, name FROM users WHERE created_at >= '2023-01-01T00:00:00Z' AND NOT deleted;
{"id": "a1b2", "items": [{"sku": "X-99", "qty": 3}], "paid": true, "note": null}
<html><body class="dark">&nbsp;Hello &amp; welcome</body></html>
2024-05-17 08:31:02,114 ERROR [worker-7] http://10.0.0.12:8080/api/v2/orders?page=3&limit=50 -> 503
Ünïcödé ßtraße naïve façade coöperate Ærøskøbing Łódź Škoda
Съешь же ещё этих мягких французских булок, да выпей чаю.
Ξεσκεπάζω την ψυχοφθόρα βδελυγμία.
いろはにほへと ちりぬるを、東京タワーは333メートル。
我能吞下玻璃而不伤身体。价格:¥1,299.00元。
키스의 고유조건은 입술끼리 만나야 하고 특별한 기술은 필요치 않다.
نص حكيم له سر قاطع وذو شأن عظيم مكتوب على ثوب أخضر ١٢٣٤
דג סקרן שט בים מאוכזב ולפתע מצא חברה
ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का १२३
เป็นมนุษย์สุดประเสริฐเลิศคุณค่า ๑๒๓๔
Tiếng Việt: Do bạch kim rất quý nên sẽ dùng để lắp vô xương.
👍🏽 family 👨‍👩‍👧‍👦 flag 🇩🇪🇯🇵 heart ❤️ 1️⃣ 🏳️‍🌈 😀😃😄
½ ¾ ² ³ ₁₂ Ⅷ ⅳ ① ㊿ 𝟘𝟙 𝔘𝔫𝔦 ﬁ ﬂ
a\tb\t\tc\r\nd\n\n\ne   f    \u00a0\u2003\u3000g\u200bh\ufeffi
price=$12.99; qty≥3; 50%–60% “quoted” ‘single’ — dash… ¿qué? ¡sí!""".split("\n")
SENTENCES = [s.replace("\\n", "\n").replace("\\t", "\t").replace("\\r", "\r") for s in SENTENCES]

SPACES = [" ", "  ", "   ", "\t", "\n", "\n\n", "\r\n", "\r", "\x0b", "\x0c", "\u0085", "\u00a0", "\u1680", "\u2000", "\u2003", "\u2028",
          "\u2029", "\u202f", "\u205f", "\u3000", "\u180e", "\u200b", "\ufeff", " \n ", "\n  ", "    "]
CONTROLS = [chr(c) for c in list(range(0x01, 0x20)) + list(range(0x7f, 0xa0))]


def assigned(rng):
    """A character that both have a category for: random over the planes that hold letters and symbols."""
    while True:
        c = rng.choice([rng.randrange(0x20, 0x250), rng.randrange(0x250, 0x3000), rng.randrange(0x3000, 0xd800),
                        rng.randrange(0xe000, 0x10000), rng.randrange(0x10000, 0x20000), rng.randrange(0x20000, 0x32000)])
        if unicodedata.category(chr(c)) not in ("Cn", "Cs"):
            return chr(c)


def one(rng):
    kind = rng.randrange(14)
    if kind == 0:
        return rng.choice(SENTENCES)
    if kind == 1:  # a cut out of a sentence, wherever it falls
        s = rng.choice(SENTENCES)
        a, b = sorted((rng.randrange(len(s) + 1), rng.randrange(len(s) + 1)))
        return s[a:b]
    if kind == 2:
        words = " ".join(SENTENCES).split(" ")
        return rng.choice(["", " "]) + " ".join(rng.choice(words) for _ in range(rng.randrange(1, 12)))
    if kind == 3:
        return str(uuid.UUID(int=rng.getrandbits(128), version=4))
    if kind == 4:
        return rng.choice(["{}", "{:,}", "{:.2f}", "-{}", "+{}", "${:,.2f}", "0x{:x}", "{:e}", "{:08d}"]).format(rng.randrange(10 ** rng.randrange(1, 14)))
    if kind == 5:
        return "".join(rng.choice(SPACES + ["a", "b", "1", ".", "字"]) for _ in range(rng.randrange(1, 24)))
    if kind == 6:
        return "".join(rng.choice(CONTROLS + ["a", "1", " ", "-"]) for _ in range(rng.randrange(1, 16)))
    if kind == 7:
        parts = [rng.choice(SPECIAL) if rng.random() < 0.5 else rng.choice(SENTENCES)[: rng.randrange(20)] for _ in range(rng.randrange(1, 6))]
        return rng.choice(["", " ", "\n"]).join(parts)
    if kind == 8:  # marks broken and nested
        s = rng.choice(SPECIAL)
        i = rng.randrange(len(s))
        return s[:i] + rng.choice(["", " ", "|", "<", s]) + s[i:]
    if kind == 9:
        return "".join(assigned(rng) for _ in range(rng.randrange(1, 20)))
    if kind == 10:
        return "".join(rng.choice("abcXYZ019 \n.,;:!?'\"-_/\\|<>[]{}()@#$%^&*=+~`") for _ in range(rng.randrange(1, 40)))
    if kind == 11:
        return "".join(rng.choice("'") + rng.choice(["s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "x", " s"]) + rng.choice(["", " ", "1", "."])
                       for _ in range(rng.randrange(1, 6)))
    if kind == 12:
        emoji = ["👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "❤️", "1️⃣", "🏳️‍🌈", "😀", "é", "e\u0301", "ﷺ", "\u200d", "\ufe0f", " ", "9"]
        return "".join(rng.choice(emoji) for _ in range(rng.randrange(1, 10)))
    day = f"{rng.randrange(1990, 2040)}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}"
    return json.dumps({"id": str(uuid.UUID(int=rng.getrandbits(128))), "date": day, "text": rng.choice(SENTENCES)}, ensure_ascii=rng.random() < 0.3)


def make(strings, corpus):
    for path, seed, n in ((strings, 1, 10_000), (corpus, 2, 4_000)):
        rng, drawn = random.Random(seed), {}
        while len(drawn) < n:
            drawn[one(rng)] = None
        path.write_text("".join(json.dumps(text) + "\n" for text in drawn))


def peers(texts, out):
    import llama_cpp
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(out / "llama")
    model = llama_cpp.Llama(str(out / "llama-f16.gguf"), vocab_only=True, verbose=False)
    for text in texts:
        yield (tokenizer(text, add_special_tokens=True)["input_ids"],
               model.tokenize(text.encode(), add_bos=False, special=True))


def check(strings, out):
    texts = [json.loads(line) for line in open(strings, encoding="utf-8")]
    ours = [json.loads(line) for line in open(out / "ids.jsonl")]
    assert len(texts) == len(ours)
    wrong = []
    for text, mine, (hf, cpp) in zip(texts, ours, peers(texts, out)):
        if not mine == hf == cpp:
            wrong.append(text)
            print(repr(text), "ours" if mine != hf else "", "\n ", mine, "\n ", hf, "\n ", cpp)
    print(f"{len(set(texts))} different strings, {len(wrong)} with unequal ids")
    return 1 if wrong else 0


# Other pre-tokenizers that Bantam rebuilds from a GGUF. transformers' Qwen2 normalizes to NFC first, llama.cpp leaves that to the caller.
OTHERS = {"gpt-2": None, "llama-bpe": None, "qwen2": "NFC", "default": None}


def vocabulary_only(tokenizer, pre, path):
    """A GGUF with a tokenizer.json's vocabulary under another pre-tokenizer's name, written by the gguf package."""
    import gguf

    data = json.loads(tokenizer.read_text())
    vocab = sorted(data["model"]["vocab"], key=data["model"]["vocab"].get)
    w = gguf.GGUFWriter(path, "llama")
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(vocab)
    w.add_token_types([gguf.TokenType.CONTROL if t in SPECIAL else gguf.TokenType.NORMAL for t in vocab])
    w.add_token_merges([" ".join(m) for m in data["model"]["merges"]])
    w.add_eos_token_id(0)
    w.add_add_bos_token(False)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def golden(strings, out, to, n=200):
    import llama_cpp

    texts = [json.loads(line) for line in open(strings, encoding="utf-8")]
    texts = texts if n is None else [t for t in texts if len(t) <= 32][:n]
    rows = []
    for text, (hf, cpp) in zip(texts, peers(texts, out)):
        assert hf == cpp, text
        rows.append({"text": text, "smollm": hf})
    for pre, form in OTHERS.items():
        path = out / f"vocabulary-{pre}.gguf"
        vocabulary_only(out / "llama" / "tokenizer.json", pre, path)
        model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
        for row in rows:
            text = unicodedata.normalize(form, row["text"]) if form else row["text"]
            row[pre] = model.tokenize(text.encode(), add_bos=False, special=True)
    to.mkdir(parents=True, exist_ok=True)
    (to / "strings.jsonl").write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))
    (to / "tokenizer.json").write_bytes((out / "llama" / "tokenizer.json").read_bytes())


def golden_all(strings, out, to):
    golden(strings, out, to, None)


WORDS = ("parse Http Request get User Id my Var is OK XML to JSON file Name don't IT'S we'Ll foo/bar path/ a.b 1234 567 89 `code` x'S Größe ÉCOLE школа ДОМ "
         "日本語 カタカナ").split()
KINDS = ["smollm", "gpt-2", "llama-bpe", "dbrx", "glm4", "qwen2", "qwen35", "deepseek-llm", "deepseek-coder", "deepseek-v3", "falcon", "bloom", "viking", "tekken",
         "gpt-4o", "seed-coder", "default"]


def joined(seed, n):
    rng = random.Random(seed)
    return ["".join(rng.choice(WORDS) + rng.choice(["", "", "", " ", "  ", "\n", "/\n", "/", "`"]) for _ in range(rng.randrange(2, 7))) for _ in range(n)]


def kinds(strings, corpus, to, n=120):
    import tempfile

    import llama_cpp
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    read = lambda path: [json.loads(line) for line in open(path, encoding="utf-8")]
    free = Tokenizer(models.BPE())
    free.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    free.decoder = decoders.ByteLevel()
    free.train_from_iterator(read(corpus)[:2500] + joined(3, 1500), trainers.BpeTrainer(
        vocab_size=1024, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    free.save(str(to / "kinds.json"), pretty=False)
    texts = joined(4, 1500) + read(strings)
    if n is not None:
        texts = texts[:n // 3] + [t for t in texts[1500:] if len(t) <= 32][: n - n // 3]
    rows = [{"text": text} for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            path = pathlib.Path(folder) / f"{kind}.gguf"
            vocabulary_only(to / "kinds.json", kind, path)
            model = llama_cpp.Llama(str(path), vocab_only=True, verbose=False)
            for row in rows:
                text = unicodedata.normalize("NFC", row["text"]) if kind in ("qwen2", "qwen35") else row["text"]
                row[kind] = model.tokenize(text.encode(), add_bos=False, special=True)
                if kind in ("deepseek-llm", "deepseek-coder") and any(c > "\x7f" and c.isspace() for c in text):
                    row[kind] = None
    # What most agree on stands once.
    for row in rows:
        row["most"] = max((row[k] for k in KINDS), key=[row[k] for k in KINDS].count)
        for kind in KINDS:
            if row[kind] == row["most"]:
                del row[kind]
    (to / "kinds.jsonl").write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows))


def kinds_all(strings, corpus, to):
    kinds(strings, corpus, to, None)


if __name__ == "__main__":
    verb, *paths = sys.argv[1:]
    sys.exit({"make": make, "check": check, "golden": golden, "golden_all": golden_all, "kinds": kinds, "kinds_all": kinds_all}[verb](*map(pathlib.Path, paths)))
