"""How bfcl-eval decodes outputs and judges calls.

Run with
    python tests/reference/bfcl.py decode
from the repository's root. Writes crates/eval/tests/data/bfcl_decoded.json: outputs in Python's call syntax, each with
what bfcl-eval decodes it to (`repr`), or null where it raises. With
    python tests/reference/bfcl.py judge
it writes crates/eval/tests/data/bfcl_judged.json: functions and possible answers made up here, outputs, and whether
bfcl-eval finds them right. With
    python tests/reference/bfcl.py answers BFCL_DIR OUT.jsonl [N]
it makes N answers (2,000) to the items of the BFCL files in BFCL_DIR, right, wrong and broken ones, with the verdicts, for
    BANTAM_BFCL=BFCL_DIR BANTAM_BFCL_ANSWERS=OUT.jsonl cargo test -p bantam-eval --test bfcl_verdicts

bfcl-eval 2026.3.23, installed without its dependencies; Python 3.11. Its table of models and its parsers for Java and
JavaScript import what no test here needs, so empty modules stand in for those.
"""

import collections
import copy
import json
import pathlib
import random
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

stand_in("bfcl_eval.constants.eval_config")
stand_in("bfcl_eval.eval_checker.eval_runner_helper")
stand_in("bfcl_eval.eval_checker.agentic_eval.agentic_checker", agentic_checker=None)
stand_in("bfcl_eval.eval_checker.multi_turn_eval.multi_turn_checker", multi_turn_checker=None, multi_turn_irrelevance_checker=None)
stand_in("bfcl_eval.eval_checker.multi_turn_eval.multi_turn_utils", is_empty_execute_response=None)
stand_in("bfcl_eval.model_handler.base_handler", BaseHandler=object)
stand_in("dotenv", load_dotenv=None)

from bfcl_eval.constants.enums import Language, ReturnFormat  # noqa: E402
from bfcl_eval.eval_checker import eval_runner  # noqa: E402
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



class Prompted:
    """A model that writes Python's call syntax."""

    def decode_ast(self, result, language, has_tool_call_tag):
        return default_decode_ast_prompting(result, language, has_tool_call_tag)


class FunctionCalling:
    """A model whose calls come as JSON, as those of OpenAI's protocol do."""

    def decode_ast(self, result, language, has_tool_call_tag):
        decoded = []
        for call in json.loads(result):
            name = list(call.keys())[0]
            decoded.append({name: call[name]})
        return decoded


def is_right(item, gold, category, syntax, output, dots=False):
    handler = Prompted() if syntax == "python" else FunctionCalling()
    entry = copy.deepcopy(item)
    name = "model-dots" if dots else "model"
    try:
        if "relevance" in category:
            return eval_runner._evaluate_single_relevance_entry(handler, "i", output, entry, name, category)["valid"]
        return eval_runner._evaluate_single_ast_entry(
            handler, "i", output, gold, entry, name, category, Language.PYTHON, ReturnFormat.PYTHON
        )["valid"]
    except Exception:
        return False  # The published evaluation stops here.


def parameter(type, **more):
    return {"type": type, "description": "", **more}


MADE_UP = {
    "name": "geo.find",
    "parameters": {
        "type": "dict",
        "properties": {
            "city": parameter("string"),
            "count": parameter("integer"),
            "radius": parameter("float"),
            "open": parameter("boolean"),
            "tags": parameter("array", items={"type": "string"}),
            "sizes": parameter("array", items={"type": "integer"}),
            "grid": parameter("array", items={"type": "array", "items": {"type": "integer"}}),
            "point": parameter("tuple", items={"type": "float"}),
            "owner": parameter("dict", properties={}),
            "staff": parameter("array", items={"type": "dict"}),
            "extra": parameter("any"),
        },
        "required": ["city"],
    },
}
OTHER = {"name": "stop", "parameters": {"type": "dict", "properties": {"now": parameter("boolean")}, "required": []}}
GOLD = {
    "geo.find": {
        "city": ["New York, NY", "NYC"], "count": ["", 3], "radius": ["", 2.0, 5], "open": ["", True], "tags": ["", ["a b", "c"], ["d"]],
        "sizes": ["", [1, 2]], "grid": ["", [[1, 2], [3]]], "point": ["", [1.0, 2.5]],
        "owner": ["", {"name": ["Ann", "Anna"], "age": [30, ""], "ids": [[1, 2]]}],
        "staff": ["", [{"n": ["x"], "k": [1, ""]}, {"n": ["y"]}]], "extra": ["", 7, "it's"],
    }
}
VARIABLE = {"geo.find": {"city": ["my_city"], "count": ["n", 4], "tags": ["tag_list"], "owner": ["owner_dict"], "radius": [3], "open": ["", "flag"]}}
CITY = "city='NYC'"
ARGUMENTS = [
    "city='NYC'", "city='nyc'", "city='New York NY'", "city='new-york_ny'", "city='New York, N.Y.'", "city='new york;ny'", "city=NYC", "city=''",
    "city=None", "city=1", "city=['NYC']", "city=f()", "city='NY' 'C'", "city='NYC', city='x'", "", "count=3", "'NYC'", "city='NYC', towns=1",
    "count=3", "count=3.0", "count='3'", "count=True", "count=4", "count=-3", "count=+3", "count=1+2", "count=''", "count=None", "count=03", "count=3,",
    "radius=2.0", "radius=2", "radius=5", "radius=5.0", "radius=2.5", "radius='2'", "radius=True", "radius=4/2", "radius=1+1", "radius=2e0",
    "open=True", "open=true", "open=1", "open='True'", "open=False", "open=not False", "open=None",
    "tags=['a b', 'c']", "tags=['A-B','C.']", "tags=['c','a b']", "tags=['d']", "tags=[]", "tags=('d',)", "tags='d'", "tags=['d', 1]", "tags=['a b']",
    "tags=['a b','c','d']", "tags=[1]", "tags=[d]", "tags=['d', None]",
    "sizes=[1,2]", "sizes=[2,1]", "sizes=[1.0,2]", "sizes=[True,2]", "sizes=(1,2)", "sizes=[1]", "sizes=[]", "sizes='12'", "sizes=[1]+[2]", "sizes=[1,'2']",
    "grid=[[1,2],[3]]", "grid=[[1,2],[3.0]]", "grid=[[3],[1,2]]", "grid=[]", "grid=[1,2]", "grid=[(1,2),(3,)]", "grid=[['1','2'],['3']]",
    "point=(1.0,2.5)", "point=[1.0,2.5]", "point=(1,2.5)", "point=(2.5,1.0)", "point=()", "point='x'", "point={'x':1.0}",
    "owner={'name':'ann','age':30,'ids':[1,2]}", "owner={'name':'Anna','ids':[1,2]}", "owner={'name':'Anna'}", "owner={'name':'Bob','ids':[1,2]}",
    "owner={'name':'Ann','ids':[2,1]}", "owner={'name':'Ann','ids':[1,2],'x':1}", "owner={}", "owner={'name':'Ann','age':30.0,'ids':[1,2]}",
    "owner={'name':'Ann','age':'30','ids':[1,2]}", "owner={'name':1,'ids':[1,2]}", "owner='Ann'", "owner=dict(name='Ann')", "owner=[('name','Ann')]",
    "owner={'name':'Ann','age':'','ids':[1,2]}", "owner={'name':'Ann','ids':(1,2)}", "owner={1:2}",
    "staff=[{'n':'x','k':1},{'n':'y'}]", "staff=[{'n':'X'},{'n':'Y'}]", "staff=[{'n':'y'},{'n':'x'}]", "staff=[{'n':'x'}]", "staff=[]",
    "staff=[{'n':'x'},{'n':'y','k':1}]", "staff=[{'n':'x'},'y']", "staff=['x','y']", "staff={'n':'x'}", "staff=[{'n':'x','k':2},{'n':'y'}]", "staff=[{},{}]",
    "extra=7", "extra='it\"s'", "extra=\"it's\"", "extra='7'", "extra=7.0", "extra=['x']", "extra=None", "extra=true",
]
WHOLE = [
    "", "[]", "geo.find", "[geo.find()]", "find(city='NYC')", "geo_find(city='NYC')", "geo.find.x(city='NYC')", "[geo.find(city='NYC'), stop()]",
    "[stop()]", "[stop(), geo.find(city='NYC')]", "[geo.find(city='NYC'), geo.find(city='NYC')]", "[geo.find(city='NYC'), geo.find(city='x')]",
    "[geo.find(city='NYC', count=3), geo.find(city='NYC')]", "[geo.find(city='NYC')", "geo.find(city='NYC'", "I would call geo.find(city='NYC')",
    "[geo.find(city='NYC')] Done.", "```python\n[geo.find(city='NYC')]\n```", "`geo.find(city='NYC')`", "No function fits.", "[{}]",
    "[{'geo.find': {'city': 'NYC'}}]", "{\"name\": \"geo.find\", \"arguments\": {\"city\": \"NYC\"}}", "[stop(now=True), stop(now=False)]",
]
JSON_OUTPUTS = [
    [{"geo.find": {"city": "NYC", "count": 3, "radius": 2, "open": True, "tags": ["a b", "c"], "point": [1.0, 2.5], "extra": 7}}],
    [{"geo.find": {"city": "NYC", "count": 3.0}}], [{"geo.find": {"city": "NYC", "radius": 5.0}}], [{"geo.find": {"city": "NYC", "open": 1}}],
    [{"geo.find": {"city": "NYC", "tags": None}}], [{"geo.find": {"city": None}}], [{"geo.find": {}}], [], [{"stop": {}}],
    [{"geo.find": {"city": "NYC", "owner": {"name": "Ann", "age": 30, "ids": [1, 2]}}}],
    [{"geo.find": {"city": "NYC", "staff": [{"n": "x", "k": 1}, {"n": "y"}]}}], [{"geo_find": {"city": "NYC"}}],
]


def judged():
    """Outputs to the function made up above: [category, gold's name, dots, syntax, output, verdict]."""
    two = [{"geo.find": GOLD["geo.find"]}, {"stop": {"now": ["", True]}}]
    golds = {"one": [GOLD], "variable": [VARIABLE], "two": two, "twins": [GOLD, GOLD]}
    rows = []

    def add(category, gold, output, syntax="python", dots=False):
        item = {"question": [], "function": [MADE_UP] if category == "simple" else [OTHER, MADE_UP]}
        rows.append([category, gold, dots, syntax, output, is_right(item, golds[gold], category, syntax, output, dots)])

    for text in ARGUMENTS:
        add("simple", "one", f"[geo.find({text})]" if text.startswith(("city", "'")) or not text else f"[geo.find({CITY}, {text})]")
    rest = "count=4, tags=[], owner={}, radius=3"
    for text in ["city=my_city", "city='my_city'", "city='My City'"]:
        add("simple", "variable", f"[geo.find({text}, {rest})]")
    full = {"city": "my_city", "count": "n", "tags": "tag_list", "owner": "owner_dict", "radius": "3"}
    for change in [{}, {"count": "4"}, {"count": "'N'"}, {"count": "5"}, {"tags": "'Tag_List'"}, {"tags": "['x']"}, {"owner": "{'a': 1}"},
                   {"radius": "3.0"}, {"radius": "'3'"}, {"open": "flag"}, {"open": "True"}, {"open": "'Flag'"}]:
        add("simple", "variable", "[geo.find(" + ", ".join(f"{k}={v}" for k, v in {**full, **change}.items()) + ")]")
    for output in WHOLE:
        add("simple", "one", output)
        add("multiple", "one", output)
        add("parallel_multiple", "two", output)
        add("parallel", "twins", output)
        add("irrelevance", "one", output)
        add("relevance", "one", output)
        add("simple", "one", output, dots=True)
    for calls in JSON_OUTPUTS:
        add("simple", "one", json.dumps(calls), "json")
        add("multiple", "one", json.dumps(calls), "json")
        add("irrelevance", "one", json.dumps(calls), "json")
        add("simple", "one", json.dumps(calls), "json", True)
    return {"functions": [MADE_UP, OTHER], "golds": golds, "cases": rows}


def spelled(calls, keywords=True):
    def one(name, arguments):
        return f"{name}({', '.join(f'{k}={v!r}' if keywords else repr(v) for k, v in arguments.items())})"

    return "[" + ", ".join(one(*next(iter(call.items()))) for call in calls) + "]"


def plain(value, rng):
    """A right value, given possible values that hold lists of possible values within dicts."""
    if isinstance(value, dict):
        chosen = {k: rng.choice(v) if isinstance(v, list) and v else v for k, v in value.items()}
        return {k: plain(v, rng) for k, v in chosen.items() if v != "" or rng.random() < 0.3}
    if isinstance(value, list):
        return [plain(v, rng) for v in value]
    return value


def right_calls(gold, rng):
    calls = []
    for call in gold:
        (name, parameters), = call.items()
        arguments = {}
        for key, possible in parameters.items():
            value = rng.choice(possible)
            if value == "" and rng.random() < 0.9:
                continue
            arguments[key] = plain(value, rng)
        calls.append({name: arguments})
    return calls


def other_value(value, rng):
    """Another value, or the same one in other clothes."""
    choices = [None, str(value), [value], {"value": value}, "", [], 0, rng.randint(-5, 500), "something", True, 1.5]
    if isinstance(value, bool):
        choices += [not value, int(value), str(value).lower()] * 2
    elif isinstance(value, int):
        choices += [float(value), value + 1, -value, value * 10] * 2
    elif isinstance(value, float):
        choices += [int(value), value + 0.5, -value, str(value)] * 2
    elif isinstance(value, str):
        choices += [value.upper(), value.lower(), value + " ", value.replace(" ", ""), value.replace(",", ""), value + "s", value[:-1], value.title(),
                    value.replace("'", '"'), value.replace(" ", "_")] * 2
    elif isinstance(value, list):
        choices += [tuple(value), value[::-1], value[:-1], value + value[:1], [str(v) for v in value], list(map(lambda v: other_value(v, rng), value))] * 2
    elif isinstance(value, dict):
        keys = list(value)
        choices += [{k: value[k] for k in keys[1:]}, {**value, "more": 1}, {k: value[k] for k in keys[::-1]},
                    {k: other_value(v, rng) if rng.random() < 0.5 else v for k, v in value.items()}] * 2
    return rng.choice(choices)


def mutated(calls, item, rng):
    """The calls after one or two changes of what they say."""
    calls = copy.deepcopy(calls)
    for _ in range(rng.choice([1, 1, 2])):
        if not calls:
            return calls
        at = rng.randrange(len(calls))
        (name, arguments), = calls[at].items()
        kind = rng.randrange(13)
        keys = list(arguments)
        if kind <= 5 and keys:
            key = rng.choice(keys)
            arguments[key] = other_value(arguments[key], rng)
        elif kind == 6 and keys:
            del arguments[rng.choice(keys)]
        elif kind == 7:
            arguments[rng.choice(["extra", "unit", "Name"])] = rng.choice([1, "x", None])
        elif kind == 8 and keys:
            key = rng.choice(keys)
            arguments[key + rng.choice(["_", "s", ""])] = arguments.pop(key)
        elif kind == 9:
            names = [f["name"] for f in item["function"]] + [name.replace(".", "_"), name.split(".")[-1], name + "s", name.upper()]
            calls[at] = {rng.choice(names): arguments}
        elif kind == 10:
            rng.shuffle(calls)
        elif kind == 11:
            calls.insert(at, copy.deepcopy(rng.choice(calls)))
        else:
            calls.pop(at)
    return calls


def broken(text, rng):
    """The text after a change of how it is written."""
    at = rng.randrange(len(text)) if text else 0
    kind = rng.randrange(20)
    if kind == 0:
        return text[:at] + text[at + 1:]
    if kind == 1:
        return text[:at] + rng.choice("()[]{}'\",=:.#\\\n x1") + text[at:]
    if kind == 2:
        return text[:at]
    if kind == 3:
        return text.replace("'", '"')
    if kind == 4:
        return text.replace("=", ": ")
    if kind == 5:
        return "Sure! " + text
    if kind == 6:
        return text + " I hope this helps."
    if kind == 7:
        return "```python\n" + text + "\n```"
    if kind == 8:
        return "`" + text + "`\n"
    if kind == 9:
        return text.strip("[]")
    if kind == 10:
        return text.replace("True", "true").replace("False", "false").replace("None", "null")
    if kind == 11:
        return text.replace("'", "")
    if kind == 12:
        return text.replace(", ", ",\n    ")
    if kind == 13:
        return "[" + text + "]"
    if kind == 14:
        return text + "\n" + text
    if kind == 15:
        return "result = " + text
    if kind == 16:
        return text.replace("(", "(1, ", 1)
    if kind == 17:
        return text.replace("=", "=-", 1)
    if kind == 18:
        return text.replace("0", "0 + 0", 1)
    return text.replace(")", ",)", 1)


REFUSALS = ["", "[]", "I cannot help with that.", "None of the functions can be used.", "No function fits (sorry).", "[None]", "[{}]", "null", "N/A",
            "The given question lacks the parameters required by the function.", "I'm sorry, but I can't calculate(that)."]


def answers(folder, count):
    rng = random.Random(20261121)
    items = []
    for path in sorted(folder.glob("BFCL_v4_*.json")):
        category = path.stem.removeprefix("BFCL_v4_")
        golds = folder / "possible_answer" / path.name
        known = {}
        if golds.exists():
            known = {g["id"]: g["ground_truth"] for g in map(json.loads, golds.read_text().splitlines())}
        for item in map(json.loads, path.read_text().splitlines()):
            items.append((category, item, known.get(item["id"])))
    rows = []
    for number in range(count):
        # Every item at least once where there are enough answers.
        category, item, gold = items[number % len(items)] if number < len(items) else rng.choice(items)
        if gold is None:
            name = item["function"][0]["name"]
            called = [{name: {k: 1 for k in item["function"][0]["parameters"]["required"]}}]
            text = rng.choice([rng.choice(REFUSALS), spelled(called), broken(spelled(called), rng)])
            syntax, calls = "python", called
        else:
            calls = right_calls(gold, rng)
            if rng.random() < 0.65:
                calls = mutated(calls, item, rng)
            syntax = "json" if rng.random() < 0.15 else "python"
            text = json.dumps(calls) if syntax == "json" else spelled(calls)
            if rng.random() < 0.3:
                text = broken(text, rng) if syntax == "python" else text[: rng.randrange(len(text) + 1)]
            if rng.random() < 0.03:
                text = json.dumps([{"name": n, "arguments": a} for c in calls for n, a in c.items()])
                syntax = "python"
        dots = rng.random() < 0.1
        right = is_right(item, gold, category, syntax, text, dots)
        rows.append({"id": item["id"], "dots": dots, "syntax": syntax, "output": text, "valid": right})
    return rows


def write(name, rows):
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (OUT / name).write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main():
    if sys.argv[1:] == ["decode"]:
        write("bfcl_decoded.json", [[output, decoded(output)] for output in OUTPUTS])
    elif sys.argv[1:] == ["judge"]:
        found = judged()
        cases = ",\n".join(json.dumps(case, ensure_ascii=False) for case in found.pop("cases"))
        text = json.dumps(found)[:-1] + f', "cases": [\n{cases}\n]}}\n'
        (OUT / "bfcl_judged.json").write_text(text, encoding="utf-8")
    elif sys.argv[1:2] == ["answers"] and len(sys.argv) in (4, 5):
        rows = answers(pathlib.Path(sys.argv[2]), int(sys.argv[4]) if len(sys.argv) == 5 else 2000)
        pathlib.Path(sys.argv[3]).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        print(collections.Counter((row["syntax"], row["valid"]) for row in rows))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
