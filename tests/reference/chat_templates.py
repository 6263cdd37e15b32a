"""Prompts that transformers' apply_chat_template makes: golden data for crates/formats' chat::render.

    python tests/reference/chat_templates.py

writes crates/formats/tests/data/chat_templates.json: templates by name, conversations, and for each template what transformers makes of each
conversation without and with the generation prompt; null where it raises.

transformers 5.23.0, jinja2 3.1
"""

import json
import pathlib

from transformers import AutoTokenizer

TOKENIZER = pathlib.Path("crates/formats/tests/data/tokenizer")
OUT = pathlib.Path("crates/formats/tests/data/chat_templates.json")

TEMPLATES = {
    "plain": "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
    "chatml with a default system prompt": """{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system
You are a helpful assistant.<|im_end|>
' }}{% endif %}{{'<|im_start|>' + message['role'] + '
' + message['content'] + '<|im_end|>' + '
'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant
' }}{% endif %}""",
    "blocks on lines of their own": """
{% for message in messages %}
    {% if message.role == "user" %}
<user>{{ message.content | trim }}</user>
    {% elif message.role == "assistant" %}
<answer>{{ message.content }}</answer>{{ eos_token }}
    {% else %}
    {{ message.content }}
    {% endif %}
{% endfor %}
{% if add_generation_prompt %}
<answer>
{%- endif %}
""",
    "namespace, slices, raise_exception": """{{- bos_token }}{% set ns = namespace(system='', n=0) %}
{%- if messages[0]['role'] == 'system' %}{% set ns.system = messages[0]['content'] %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}
{%- for message in rest %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- set ns.n = ns.n + 1 %}
    {%- if message['role'] == 'user' %}
        {{- '[INST] ' + (ns.system + '\\n\\n' if ns.system and loop.last else '') + message['content'] + ' [/INST]' }}
    {%- else %}
        {{- ' ' + message['content'] + eos_token }}
    {%- endif %}
{%- endfor %}({{ ns.n }})""",
    "python methods": """{% for m in messages %}{{ m.content.strip().upper() }}|{{ m['content'].split(' ')[-1] }}|{{ m.content.startswith('a') }}|{{ m.content.replace('o', '0') }}|{{ m.role.title() }}|{{ m.content.rstrip('.') }}|{{ m.content.lstrip() }}
{% endfor %}""",
    "tojson": """{{ messages | tojson }}
{{ messages[0] | tojson(indent=4) }}
{{ {"a": [1, 2.5, none, true], "b": {}, "c": "<&é'\\""} | tojson }}""",
    "loop controls": """{% for m in messages %}{% if m.role == 'assistant' %}{% continue %}{% endif %}{% if loop.index > 3 %}{% break %}{% endif %}[{{ loop.index }}/{{ loop.length }} {{ m.role }}]{% endfor %}""",
    "macro and tests": """{% macro turn(role, text='') -%}<{{ role }}>{{ text }}{%- endmacro %}
{% for m in messages %}{{ turn(m.role, m.content) }}{% endfor %}{{ tools is defined }} {{ messages is iterable }} {{ messages[0] is mapping }} {{ messages[0].content is string }} {{ undefined_name is none }} {{ messages[0].nothing is defined }} {{ 'x' ~ 1 ~ none }} {{ not add_generation_prompt }}""",
    "refuses": "{{ raise_exception('no system role') if messages[0].role == 'system' else 'fine' }}",
    "syntax error": "{% for m in messages %}{{ m.content }",
    "join and length": "{{ messages | map(attribute='role') | join(', ') }} {{ messages | length }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ (messages | last).content[:5] }} {{ messages[-1].role }} {{ range(3) | list }} {{ 'a' in messages[0].content }} {{ '%s-%d' | format('a', 3) }}",
}

CONVERSATIONS = [
    [{"role": "user", "content": "  a fox, Order 12 <b>&\n"}],
    [{"role": "system", "content": "Answer in JSON."}, {"role": "user", "content": "Zoë said: \"two foos.\""}],
    [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b."}, {"role": "user", "content": "one two three"}, {"role": "assistant", "content": "é 日本"},
     {"role": "user", "content": "last"}],
]


def main():
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER, bos_token="<|system|>", eos_token="<|end|>")
    expected = {}
    for name, template in TEMPLATES.items():
        expected[name] = []
        for messages in CONVERSATIONS:
            for add in (False, True):
                try:
                    text = tokenizer.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=add)
                except Exception as e:
                    text = None
                    print(name, "->", type(e).__name__, e)
                expected[name].append(text)
    data = {"templates": TEMPLATES, "conversations": CONVERSATIONS, "expected": expected}
    OUT.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n")


main()
