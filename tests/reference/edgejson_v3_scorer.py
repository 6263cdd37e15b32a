"""What does EdgeJSON v3's published scorer say of right, wrong and broken outputs?

usage: edgejson_v3_scorer.py EVAL.py OUT.json

EVAL.py is benchmarks/edge_json/scripts/eval.py of github.com/CycleCore-Technologies/slmbench at commit
12a8f8addc850c682dc33a0c7afa235e63eae10e; only its three scoring functions are run, so that it needs no model library.
Written with CPython 3.11, standard library only. The golds are made up here.
"""

import ast
import json
import random
import re
import sys
import typing

FUNCTIONS = ["extract_json_from_text", "calculate_field_f1", "check_schema_compliance"]

GOLDS = [
    '{"name":"Ada","age":36,"paid":true}',
    '{"order":{"id":"A-1","total":12.5},"items":[{"sku":"x","n":1},{"sku":"y","n":2}],"note":null}',
    '{"a":{"b":{"c":{"d":1}}},"t":"{brace}","f":0.1}',
    '{"n":1,"m":1.0,"big":123456789012345678901234567890,"flag":false}',
    '{"s":"\\u00e9\\ud83d\\ude00","e":"","list":[],"obj":{}}',
    "{}",
]

# For GOLDS[3] and the others: what is equal, what is read, and what is an answer at all.
FIXED = [
    "", " ", "null", "true", "0", "0.0", '""', "[]", "{}", "[1]", '"text"', "no json", "\u00a0{}\u00a0", "\x1c{}\x1f",
    "\ufeff{}", "{\u00a0}", "NaN", "-Infinity", "01", "1.", "1e5", "-", "-0", "[1,]", '{"a":1,}', "{'a':1}", '{"a" 1}',
    '{"n":true,"m":1,"big":123456789012345678901234567890,"flag":0}',
    '{"n":1.0,"m":true,"big":123456789012345678901234567890,"flag":false}',
    '{"n":1,"m":1,"big":1.2345678901234568e29,"flag":false}',
    '{"n":1,"m":1.0,"big":123456789012345677877719597056.0,"flag":false}',
    '{"n":1,"m":1.0000000000000000001,"big":123456789012345678901234567890,"flag":-0.0}',
    '{"n":2,"n":1,"m":1.0,"big":123456789012345678901234567890,"flag":false}',
    '{"n":NaN,"m":Infinity,"big":-Infinity,"flag":null}',
    '{"n":1e400,"m":1.0,"big":1,"flag":false}',
    '{"n":"1","m":1.0,"big":1,"flag":false}',
    '{"name":"Ada","age":36.0,"paid":1}', '{"name":"Ada","age":36,"paid":true,"more":0}', '{"name":"Ada","age":36}',
    '{"name":["Ada"],"age":36,"paid":true}', '{"name":null,"age":true,"paid":true}',
    'Sure: {"name":"Ada","age":36,"paid":true}', '```json\n{"name":"Ada","age":36,"paid":true}\n```',
    '{oops} {"name":"Ada","age":36,"paid":true} {"name":"Eve"}', '{ {"name":"Ada","age":36,"paid":true}',
    '{"name":"Ada","age":36,"paid":true} }', '{"name":"Ada"}{"name":"Ada","age":36,"paid":true}',
    '{"name":"A{d}a","age":36,"paid":true} x', '{"name":"A{da","age":36,"paid":true} x', "{}{}", "{{}}", "{{{}}}", "x {} y",
    'a {"t":"{brace}","f":0.1,"a":{"b":{"c":{"d":1}}}} b', '{"t":"{brace}","f":0.1,"a":{"b":{"c":{"d":1.0}}}}',
    '{"s":"\\u00e9\\ud83d\\ude00","e":"","list":[],"obj":{}}', '{"s":"\u00e9\U0001f600","e":"","list":[],"obj":{}}',
    '{"s":"\\ud83d","e":"","list":{},"obj":[]}', '{"s":"\\ude00\\ud83d","e":"","list":[],"obj":{}}', '{"s":"\\u00E9\\uD83D\\uDE00","e":""}',
    '{"s":"\\u00g9"}', '{"s":"\\x41"}', '{"s":"a\tb"}', '{"s":"a\nb"}', '{"s":"\x7f"}', '{"s":"open', '{"a":1', "[" * 50 + "]" * 50,
    "\n{\n \"name\" : \"Ada\" ,\t\"age\":36,\r\"paid\":true}\n", '{"name":"Ada","age":36,"paid":true}.', '{"name":"Ada","age":3.6e1,"paid":true}',
]


def mutated(rng, gold):
    """A gold as a model might garble it."""
    text = rng.choice([gold, json.dumps(json.loads(gold)), json.dumps(json.loads(gold), indent=2), gold])
    for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
        at = rng.randrange(len(text) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            text = text[:at] + text[at + 1 :]
        elif kind == 1:
            text = text[:at] + rng.choice('{}[]",:0.1 tn\\') + text[at:]
        elif kind == 2:
            text = text[:at]
        elif kind == 3:
            text = rng.choice(["Sure! ", "{x} ", "```json\n", "[", "The answer: "]) + text
        elif kind == 4:
            text = text + rng.choice([" Done.", "\n```", " {}", "}", " {\"name\":\"Eve\"}"])
        else:
            swaps = [("true", "1"), ("false", "0"), ("36", "36.0"), ("12.5", "12.50"), ("1", "true"), ("null", "NaN"), ('"Ada"', '"Bob"')]
            old, new = rng.choice(swaps)
            text = text.replace(old, new, 1)
    return text


def main():
    source = open(sys.argv[1], encoding="utf-8").read()
    tree = ast.parse(source)
    kept = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in FUNCTIONS]
    names = {"json": json, "re": re, "Dict": typing.Dict, "Any": typing.Any, "List": typing.List, "Tuple": typing.Tuple}
    exec(compile(ast.Module(kept, []), sys.argv[1], "exec"), names)
    rng = random.Random(5)
    pairs = [(output, GOLDS[i]) for output in FIXED for i in (0, 3) ]
    pairs += [(output, gold) for output in FIXED for gold in GOLDS if output and output[:5] == gold[:5]]
    pairs += [(output, GOLDS[-1]) for output in FIXED[:16]]
    pairs += [(mutated(rng, gold), gold) for gold in GOLDS for _ in range(45)]
    cases, seen = [], set()
    for output, gold in pairs:
        if (output, gold) in seen:
            continue
        seen.add((output, gold))
        expected = json.loads(gold)
        answer = names["extract_json_from_text"](output.strip())
        case = {"output": output, "gold": gold, "parsed": answer is not None, "json_exact": False, "field_f1": 0.0, "schema_compliance": False}
        if answer is not None:
            case["json_exact"] = answer == expected
            case["field_f1"] = names["calculate_field_f1"](expected, answer)[2]
            case["schema_compliance"] = names["check_schema_compliance"](expected, answer)
        cases.append(case)
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        out.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    exact = sum(case["json_exact"] for case in cases)
    print(len(cases), "cases,", exact, "exact,", sum(case["schema_compliance"] for case in cases), "compliant")


if __name__ == "__main__":
    main()
