"""How bfcl-eval decodes outputs and judges calls.

Run with
    python tests/reference/bfcl.py decode
from the repository's root. Writes crates/eval/tests/data/bfcl_decoded.json: outputs in Python's call syntax, each with
what bfcl-eval decodes it to (`repr`), or null where it raises.

bfcl-eval 2026.3.23, installed without its dependencies; Python 3.11. Its table of models and its parsers for Java and
JavaScript import what no test here needs, so empty modules stand in for those.
"""

import json
import pathlib
import sys
import types

OUT = pathlib.Path("crates/eval/tests/data")


class Models(dict):
    """Every model name has a configuration; one named `...-dots` has dots in function names replaced."""

    def __missing__(self, name):
        return types.SimpleNamespace(underscore_to_dot=name.endswith("dots"))


def stand_in(name, **members):
    module = types.ModuleType(name)
    module.__dict__.update(members)
    sys.modules[name] = module


stand_in("bfcl_eval.constants.model_config", MODEL_CONFIG_MAPPING=Models())
stand_in("bfcl_eval.model_handler.parser.java_parser", parse_java_function_call=None)
stand_in("bfcl_eval.model_handler.parser.js_parser", parse_javascript_function_call=None)

from bfcl_eval.model_handler.utils import default_decode_ast_prompting  # noqa: E402

OUTPUTS = [
    "[f(a=1)]", "f(a=1)", "`f(a=1)`", "```\n[f(a=1)]\n```", "```python\n[f(a=1)]\n```", "[f()]", "f", "[f]", "[]", "", "[[]]",
    "[f(a=1), g.h(b='x')]", "f(a=1), g(b=2)", "[f(a=1)\n, g(b=2)]", "[f(a=1)]\n[g(b=2)]", "[f(a=1)], [g(b=2)]",
    "f(a=1)\ng(b=2)", "[f(a=1)] # done", "[f(a=1) # one\n, g()]", "'[f(a=1)]'", "I cannot help with that.", "[No function]",
    "[f(a=1, a=2)]", "[f(1, a=2)]", "[f(a=2, 1)]", "[f(*x, a=1)]", "[f(a=1, *x)]", "[f(**x)]", "[f(**x, a=1)]", "[f(**{'a': 1})]",
    "[f(**x, *y)]", "[f(a=1,)]", "[f(,)]", "[f(a=1,,b=2)]", "[f(a=1 b=2)]", "[f(a=1", "[f(a=1))]", "[f(a=(1, 2))]", "[f(a=(1,))]",
    "[f(a=(1))]", "[f(a=())]", "[f(a=1,2)]", "[f(a=[1, 2.0, None, True, -3, 'x'])]", "[f(a=[])]", "[f(a=[1,])]", "[f(a=[,])]",
    "[f(a={'k': [1, {'z': (1, 2)}]})]", "[f(a={})]", "[f(a={1: 'x', True: 'y'})]", "[f(a={[1]: 2})]", "[f(a={(1, 2): 3})]",
    "[f(a={1, 2})]", "[f(a={**x})]", "[f(a={'a': 1, 'a': 2})]", "[f(a=True, b=False, c=None)]", "[f(a=true, b=null)]",
    "[f(a=-1)]", "[f(a=+1)]", "[f(a=~5)]", "[f(a=not True)]", "[f(a=--1)]", "[f(a=- 1.5)]", "[f(a=-'x')]", "[f(a=-x)]", "[f(a=-True)]",
    "[f(a=1+2)]", "[f(a=2*3.5)]", "[f(a=7/2)]", "[f(a=7//-2)]", "[f(a=-7%3)]", "[f(a=(1+2)*3)]", "[f(a=2**10)]", "[f(a=2**-1)]",
    "[f(a=1/0)]", "[f(a='a'+'b')]", "[f(a='ab'*3)]", "[f(a=[1]+[2])]", "[f(a=x+1)]", "[f(a=1<<4|3)]", "[f(a=5&6^1)]", "[f(a=-2**2)]",
    "[f(a=0.1+0.2)]", "[f(a=7.5%-2)]", "[f(a=1 if True else 2)]", "[f(a=1<2)]", "[f(a=1 and 2)]", "[f(1<2, a=3)]", "[f(x or y, a=3)]",
    "[f(1 if x else 2, a=3)]", "[f(a=x is not None)]", "[f(a=x not in y)]", "[f(a=lambda: 1)]", "[f(a=[x for x in y])]",
    "[f(a='it''s')]", "[f(a='x' 'y')]", "[f(a='x'\n'y')]", "[f(a=\"it's\")]", "[f(a='it\\'s')]", "[f(a='it's')]", "[f(a='''x\ny''')]",
    "[f(a='x\ny')]", "[f(a='x\\ny')]", "[f(a=r'x\\ny')]", "[f(a=r'\\'')]", "[f(a=u'x')]", "[f(a=f'x')]", "[f(a='x' b'y')]",
    "[f(a=ur'x')]", "[f(a='\\x41\\u00e9\\U0001F600\\101\\0')]", "[f(a='\\xZZ')]", "[f(a='\\d\\q')]", "[f(a='x\\\ny')]", "[f(a='é—“q”')]",
    "[f(a=“x”)]", "[f(a=0x1F, b=0o17, c=0b101)]", "[f(a=1_000, b=1__0)]", "[f(a=1_000)]", "[f(a=1_)]", "[f(a=_1)]", "[f(a=007)]",
    "[f(a=00)]", "[f(a=1.)]", "[f(a=.5)]", "[f(a=1e5)]", "[f(a=1E-7)]", "[f(a=1e)]", "[f(a=5px)]", "[f(a=5 px)]",
    "[f(a=1.5.2)]", "[f(a=123456789012345678901234567890)]", "[f(a=1e400)]", "[f(a=12.30)]", "[f(a=...)]", "[f(a=$5)]", "[f(a=50%)]",
    "[f(a=g(1, 2))]", "[f(a=g(1,2+3))]", "[f(a=g(b=2))]", "[f(a=g())]", "[f(a=g.h('x', [1]))]", "[f(a=g(x=1)(2))]", "[f(a=[g(b=1), 2])]",
    "[f(a=datetime.date(2024,1,5))]", "[f(a=lambda x: x+1)]", "[f(a=x[0])]", "[f(a=x['k'])]", "[f(a=x[1:2])]", "[f(a=x[::2])]",
    "[f(a=x[1,2])]", "[f(a=x.y)]", "[f(a=x.y[0])]", "[f(a=x[0].y)]", "[f(a=x[(1+2)*3])]", "[f(a=g(-x, not y, -1 ** 2))]",
    "[f(a=g((1, 2), {'k': 1}, *z, **w))]", "[f(a=g({1}, (1,), 1e20, \"it's\"))]", "[f(a=*x)]", "[*f(a=1)]",
    "[a.b.c.d(x=1)]", "[f(a=1)(b=2)]", "[f[0](b=2)]", "[f().g(b=2)]", "[(f)(b=2)]", "['f'(b=2)]", "['f'.g(b=2)]", "[f(a=1)](b=2)",
    "[f(a=1)] + [g()]", "[f(a=1)][0]", "{f(a=1)}", "(f(a=1), g())", "(f(a=1))", "[f(class=1)]", "[f(from='x', to='y')]", "[f(type=1, match=2)]",
    "[class(a=1)]", "[f(None=1)]", "[f(True=1)]", "[f('a'=1)]", "[f(a.b=1)]", "[f(a:1)]", "[f(a==1)]", "[f(a:=1)]", "[f{a=1}]", "[f (a = 1)]",
    "[f(a=1);g()]", "[f(a=1)]]", "[[f(a=1)]]", "[{'name': 'f', 'arguments': {'a': 1}}]", "[{\"f\": {\"a\": 1}}]", "[f({'a': 1})]",
    "Sure! [f(a=1)]", "[f(a=1)] I hope this helps", "<|python_tag|>f(a=1)", "[f(a=1)]<|end|>", "f(a=1) and g(b=2)", "[not f(a=1)]",
    "[-f(a=1)]", "[f(a=1), 'x']", "[f(a=1), None]", "[f(a=1) g(b=2)]", "[func_name1(params_name1=params_value1...)]", "[f-g(a=1)]",
    "[f/g(a=1)]", "[f(a-b=1)]", "[naïve(ä=1)]", "[f(a=1)\\\n]", "[f(\n  a=1,\n  b=[\n    2\n  ]\n)]", "\t[f(a=1)]", "[f(a=1)]\t", "[f(a='\t')]",
    "[f(a=1\x00)]", "[f(a=!x)]", "[await f(a=1)]", "[f(a=await g())]", "[f(a=yield)]", "[f(a=x for x in y)]", "[f(a=1 or)]", "[f(a=)]",
    "[" * 90 + "]" * 90, "[f(a=" + "[" * 90 + "]" * 90 + ")]", "[f(a=" + "-" * 60 + "1)]", "[f(a=" + "(" * 80 + "1" + ")" * 80 + ")]",
]


def decoded(output):
    try:
        return repr(default_decode_ast_prompting(output))
    except Exception:
        return None


def write(name, rows):
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (OUT / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main():
    if sys.argv[1:] == ["decode"]:
        write("bfcl_decoded.json", [[output, decoded(output)] for output in OUTPUTS])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
