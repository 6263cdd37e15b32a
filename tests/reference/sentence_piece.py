"""A tokenizer spelled as SentencePiece spells (Llama 2's kind: `▁` for a space, bytes as <0x0A>), with ids and decoded texts by transformers.

    python tests/reference/sentence_piece.py

writes crates/formats/tests/data/sentence_piece/{tokenizer.json, strings.jsonl}: {text, ids (with the BOS), decoded (without special tokens)}.

transformers 5.23.0, tokenizers 0.23.3
"""

import json
import pathlib

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors, trainers
from transformers import PreTrainedTokenizerFast

OUT = pathlib.Path("crates/formats/tests/data/sentence_piece")
STRINGS = ["Hello world", " Hello  world", "a", "", "order 12, paid: true\n", "naïve façade — 日本 👍🏽", "\t\ttabs\r\n", "ends with space ", "x</s>y", "<0x41> is not a byte",
           "it's the theatre", "  ", "\u2581 itself"]


def main():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    special = [AddedToken(t, special=True, normalized=False) for t in ("<unk>", "<s>", "</s>")]
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=special + [AddedToken(f"<0x{b:02X}>", normalized=False) for b in range(256)],
                                  show_progress=False)
    tokenizer.train_from_iterator(["Hello world order paid true the theatre it's a space tabs ends with"] * 3, trainer)
    data = json.loads(tokenizer.to_str())
    # The bytes belong to the vocabulary, not to the added tokens.
    data["added_tokens"] = data["added_tokens"][:3]
    tokenizer = Tokenizer.from_str(json.dumps(data))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)])
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "tokenizer.json").write_text(tokenizer.to_str() + "\n")
    fast = PreTrainedTokenizerFast(tokenizer_file=str(OUT / "tokenizer.json"), bos_token="<s>", eos_token="</s>", unk_token="<unk>",
                                   clean_up_tokenization_spaces=False)
    rows = []
    for text in STRINGS:
        ids = fast(text)["input_ids"]
        rows.append({"text": text, "ids": ids, "decoded": fast.decode(ids, skip_special_tokens=True)})
    (OUT / "strings.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))


main()
