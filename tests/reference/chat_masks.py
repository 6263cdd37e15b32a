"""Which tokens of a conversation are the assistant's, as transformers marks them.

    python tests/reference/chat_masks.py

writes crates/train/tests/data/chat_masks.json: for each conversation the token ids and the mask of `apply_chat_template(...,
return_assistant_tokens_mask=True)`, up to the last token that is the assistant's. The templates have transformers' {% generation %} marks;
`template` is the same without them. The tokenizer is crates/formats/tests/data/tokenizer.

transformers 5.23.0
"""

import json
import pathlib

from transformers import PreTrainedTokenizerFast

TOKENIZER = "crates/formats/tests/data/tokenizer/tokenizer.json"
OUT = pathlib.Path("crates/train/tests/data/chat_masks.json")
TEMPLATES = {
    # As ChatML: a line end after every turn, which nobody says.
    "lines": "{% for m in messages %}{% if m.role == 'assistant' %}<|assistant|>{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endif %}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}",
    # A line end between the mark and the answer, and a system message when there is none, as Qwen2 and SmolLM2.
    "default": "{% if messages[0].role != 'system' %}<|system|>You are helpful.{{ '\\n' }}{% endif %}{% for m in messages %}"
    "<|{{ m.role }}|>{{ '\\n' }}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
    "{% else %}{{ m.content }}{{ '\\n' }}{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{{ '\\n' }}{% endif %}",
}
CONVERSATIONS = [
    [("user", "What is 12 + 30?"), ("assistant", "42")],
    [("system", "Answer in JSON."), ("user", "Zoë lives in 日本."), ("assistant", '{"name": "Zoë"}'), ("user", "And?"),
     ("assistant", " Nothing else,\nreally.")],
    [("user", "a"), ("assistant", "b"), ("assistant", "c")],
    [("user", ""), ("assistant", "It's <|end|> of it.")],
]


def main():
    cases = []
    for name, template in TEMPLATES.items():
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=TOKENIZER, eos_token="<|end|>")
        tokenizer.chat_template = template
        for turns in CONVERSATIONS:
            messages = [{"role": r, "content": c} for r, c in turns]
            out = tokenizer.apply_chat_template(messages, return_dict=True, return_assistant_tokens_mask=True)
            ids, mask = out["input_ids"], out["assistant_masks"]
            end = max(i for i, m in enumerate(mask) if m) + 1
            plain = template.replace("{% generation %}", "").replace("{% endgeneration %}", "")
            cases.append({"template": plain, "messages": messages, "ids": ids[:end], "mask": mask[:end]})
    OUT.write_text(json.dumps(cases, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
