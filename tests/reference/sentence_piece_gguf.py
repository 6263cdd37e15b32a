"""A SentencePiece model in a GGUF's metadata, with ids by SentencePiece itself and by llama.cpp.

    python tests/reference/tokenizer_strings.py make STRINGS.jsonl CORPUS.jsonl
    python tests/reference/sentence_piece_gguf.py STRINGS.jsonl CORPUS.jsonl

trains a small BPE model with byte fallback on the corpus and writes crates/formats/tests/data/sentence_piece/vocabulary.gguf (keys only) and
gguf_strings.jsonl: {text, ids (without BOS, marks of the format becoming themselves)} for 200 strings on which SentencePiece and llama.cpp
agree (SentencePiece is only asked for texts without marks, which it does not read). Prints on how many of all they do. vocabulary.gguf.zst is the same file by the zstd command (1.5).

sentencepiece 0.2.1, llama-cpp-python 0.3.36, gguf 0.19.0
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import gguf
import llama_cpp
import sentencepiece

OUT = pathlib.Path("crates/formats/tests/data/sentence_piece")
SPECIAL = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|pad|>"]


def write_vocabulary(model, path):
    w = gguf.GGUFWriter(path, "llama")
    tokens, scores, types = [], [], []
    for i in range(model.get_piece_size()):
        tokens.append(model.id_to_piece(i).encode())
        scores.append(model.get_score(i))
        kind = gguf.TokenType.NORMAL
        if model.is_unknown(i):
            kind = gguf.TokenType.UNKNOWN
        elif model.is_control(i):
            kind = gguf.TokenType.CONTROL
        elif model.is_byte(i):
            kind = gguf.TokenType.BYTE
        types.append(kind)
    w.add_tokenizer_model("llama")
    w.add_tokenizer_pre("default")
    w.add_token_list(tokens)
    w.add_token_scores(scores)
    w.add_token_types(types)
    w.add_bos_token_id(model.bos_id())
    w.add_eos_token_id(model.eos_id())
    w.add_unk_token_id(model.unk_id())
    w.add_add_bos_token(True)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main(strings, corpus):
    texts = [json.loads(line) for line in open(strings, encoding="utf-8")]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        # Latin and its neighbours; everything else has to go by bytes.
        lines = [text for text in map(json.loads, open(corpus, encoding="utf-8")) if max(map(ord, text), default=0) < 0x180]
        # What Llama 2's model was trained with, but for the sizes.
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(lines), model_prefix=str(folder / "spm"), vocab_size=1000, model_type="bpe", byte_fallback=True,
            split_digits=True, normalization_rule_name="identity", remove_extra_whitespaces=False, allow_whitespace_only_pieces=True,
            character_coverage=0.99, control_symbols=SPECIAL, minloglevel=2)
        model = sentencepiece.SentencePieceProcessor(model_file=str(folder / "spm.model"))
    OUT.mkdir(parents=True, exist_ok=True)
    write_vocabulary(model, OUT / "vocabulary.gguf")
    subprocess.run(["zstd", "-19", "-q", "-f", "--check", OUT / "vocabulary.gguf"], check=True)
    cpp = llama_cpp.Llama(str(OUT / "vocabulary.gguf"), vocab_only=True, verbose=False)
    rows, compared, unequal = [], 0, []
    for text in texts:
        ids = cpp.tokenize(text.encode(), add_bos=False, special=True)
        if not any(s in text for s in SPECIAL + ["<s>", "</s>", "<unk>"]):
            compared += 1
            if model.encode(text) != ids:
                unequal.append(text)
                continue
        rows.append({"text": text, "ids": ids})
    print(f"{compared} strings without marks, {len(unequal)} with unequal ids", [ascii(t) for t in unequal[:5]])
    short = [r for r in rows if len(r["text"]) <= 32][:200]
    (OUT / "gguf_strings.jsonl").write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in short))
    if len(sys.argv) > 3:
        pathlib.Path(sys.argv[3]).write_text("".join(json.dumps(r) + "\n" for r in rows))


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:3]))
