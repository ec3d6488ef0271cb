"""Random programs that call tools, rightly and wrongly, at places that runs reach or not."""

from __future__ import annotations

from random import Random
from typing import Literal

from onehop import Tools, tool

_BAD = (
    "tools.box.nope({})",
    "tools.box.put({})",
    'tools.box.put({size: "large"})',
    'tools.box.put({size: 1, kind: "c"})',
    "tools.box.put({size: 1, sise: 2})",
    "tools.box.put({size: 1}, 2)",
    "tools.box.put(3)",
    "tools.gone.put({})",
    "put({})",
    "box.nope({})",
)
_GOOD = (
    "tools.box.put({size: 1})",
    'put({size: 2, kind: "b"})',
    "box.list()",
    'tools["box"].list({})',
    "tools.box.put({size: count})",
)
_CONDITIONS = ("true", "false", "count > 0", "count > 99", "one", "none", '"nope" in tools.box')
_HEAD = """\
const { box } = tools;
const { put } = tools.box;
let count = 0; const one = 1, none = 0; const full = [1, 2], empty = [];
"""


@tool(effect="read")
def put(size: int, kind: Literal["a", "b"] = "a") -> int:
    """Put something there."""
    return size if kind == "a" else 0


@tool(effect="read", name="list")
def list_() -> list[int]:
    """What is there."""
    return [1, 2]


BOX = Tools(box=[put, list_])


class Writer:
    """Writes one program."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._names = 0

    def program(self) -> str:
        """Its text, the body of an async function."""
        return _HEAD + self._block(3) + "\nreturn count;"

    def _one(self, *choices: str) -> str:
        return self._random.choice(choices)

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    def _call(self) -> str:
        return self._one(*_BAD) if self._random.random() < 0.3 else self._one(*_GOOD)

    def _promise(self, depth: int) -> str:
        call = self._call()
        if depth <= 0:
            return call
        inner = self._promise(depth - 1)
        forms = (
            call,
            f"{call}.catch(() => 0)",
            f"{call}.then((x) => x)",
            f"{call}.then((x) => x, () => 1)",
            f"{call}.finally(() => {{ count++ }})",
            f"Promise.all([{inner}, {call}])",
            f"Promise.allSettled([{inner}])",
            f"Promise.any([{inner}, 1])",
            f"Promise.race([1, {inner}])",
            f"Promise.resolve({inner})",
            f"Promise.all({self._list()}.map((i) => {inner}))",
            f"Promise.all({self._list()}.map(async (i) => {{ {self._block(depth - 1)} }}))",
            f"(async () => {{ {self._block(depth - 1)} }})()",
            f"(async (tools) => {{ {self._block(depth - 1)} }})"
            "({box: {put: async () => 1, list: async () => [], nope: async () => 1}, gone: "
            "{put: async () => 1}})",
            f"(() => {inner})()",
            f"({self._one(*_CONDITIONS)} ? {inner} : {call})",
            f"({self._one(*_CONDITIONS)} && {inner})",
            f"({self._one(*_CONDITIONS)} || {inner})",
            f"(null ?? {inner})",
            "tools.box.nope?.call({})" if self._random.random() < 0.5 else call,
        )
        return self._random.choice(forms)

    def _list(self) -> str:
        return self._one("full", "empty", "[1]", "[]", "[...empty]", "full.filter((x) => x > 9)")

    def _block(self, depth: int) -> str:
        return "\n".join(self._statement(depth) for _ in range(self._random.randint(1, 3)))

    def _statement(self, depth: int) -> str:
        promise = self._promise(min(depth, 2))
        name = self._name()
        simple = (
            f"await {promise};",
            f"const {name} = await {promise};",
            f"const {name} = {promise}; {name}.catch?.(() => 0);",
            f"const {name} = {promise}; await {name};",
            f"const [{name}] = [await {promise}];",
            f"count += [await {promise}].length;",
            "count++;",
            "if (count > 50) return count;",
        )
        if depth <= 0:
            return self._random.choice(simple)
        compound = [*self._compound(depth - 1, promise), *self._changing(depth - 1, promise)]
        return self._random.choice([*simple, *compound])

    def _changing(self, depth: int, promise: str) -> list[str]:
        """What is not what it seems: defaults, names of two meanings, lists and promises that are
        changed behind their names."""
        name, other, block = self._name(), self._name(), self._block(depth)
        change = self._one(
            f'{name}["pop"]();',
            f"({name}).pop();",
            f"{name}.forEach((x, i, all) => {{ all.pop(); }});",
            f"{name}.map((...all) => {{ all[2].length = 0; }});",
            f"{name}.some(function () {{ arguments[2].pop(); }});",
            f"const {other} = {name}; {other}.length = 0;",
            f"[{name}][0].pop();",
            f"{name}.map((x) => x + 1); [...{name}].pop();",
            f"{name}.at(0); {name}.map(String);",
        )
        hook = self._one(
            f"{name}.then = (f) => f(1);",
            f"Object.assign({name}, {{then: (f) => f(1)}});",
            f"[{name}][0].then = (f) => f(1);",
            "",
        )
        begun = self._one(f"({name} = 9)", f"{name}++ + {name}++", "1")
        shared = self._one(
            "Array.prototype.map = () => [];",
            "[].constructor.prototype.map = () => [];",
            "Array.prototype[Symbol.iterator] = function* () {};",
            *[""] * 20,  # after one of these, nothing in all of the program is certain
        )
        return [
            f"let {name}; ({{{name} = await {promise}}} = {{{self._one('', f'{name}: 1')}}});",
            f"let {name}; [{name} = await {promise}] = [{self._one('', '1')}];",
            f"await (async () => {{ async function {name}() {{ {block} }} "
            f"var {name} = async () => 1; await {name}(); }})();",
            f"for (let {name} = 0, {other} = {begun}; {name} < 2; {name}++) {{ {block} }}",
            f"const {name} = [1]; {change} for (const x of {name}) {{ {block} }}",
            f"const {name} = [1]; {change} "
            f"await Promise.all({name}.map(async () => {{ {block} }}));",
            f"const {name} = {promise}; {name}.catch?.(() => 0); {hook} "
            f"await Promise.all([{name}]);",
            f"{shared} for (const x of [1]) {{ {block} }}",
        ]

    def _compound(self, depth: int, promise: str) -> list[str]:
        name, condition, listed = self._name(), self._one(*_CONDITIONS), self._list()
        block, other = self._block(depth), self._block(depth)
        jump = self._one("", "break;", "continue;", f"if ({condition}) break;")
        return [
            f"if ({condition}) {{ {block} }}",
            f"if ({condition}) {{ {block} }} else {{ {other} }}",
            f"if ({condition}) return 1; {block}",
            f"if ({condition}) throw new Error('on purpose'); {block}",
            f"try {{ {block} }} catch {{ count++; }}",
            f"try {{ {block} }} catch {{ {other} }} finally {{ count++; }}",
            f"try {{ {block} }} finally {{ {other} }}",
            f"{name}: try {{ {block} }} finally {{ break {name}; }}",
            f"for (const {name} of {listed}) {{ {jump} {block} }}",
            f"for (let {name} = 0; {name} < {self._one('0', '2', 'full.length')}; {name}++) "
            f"{{ {jump} {block} }}",
            f"for (const {name} in {{}}) {{ {block} }}",
            f"while (true) {{ {block} break; }}",
            f"while ({condition} && count++ < 3) {{ {block} }}",
            f"do {{ {jump} {block} }} while (false);",
            f"switch ({self._one('1', 'count')}) {{ case 1: {block} break; default: {other} }}",
            f"{name}: {{ if ({condition}) break {name}; {block} }}",
            f"async function {name}() {{ {block} return {promise}; }}",
            f"async function {name}() {{ {block} }} await {name}();",
            f"const {name} = async (x = 1) => {{ {block} }}; await {name}({listed});",
            f"let {name} = async () => {{ {block} }}; {name} = async () => 1; await {name}();",
            f"function* {name}() {{ count++; yield 1; }} for (const x of {name}()) {{ {block} }}",
            f"{listed}.forEach((x) => {{ count++; {promise}.catch?.(() => 0); }});",
            f"class {name} {{ static async go() {{ {block} }} }} "
            f"{self._one('', f'await {name}.go();')}",
            "{ const tools = { box: { put: async () => 2 } }; await tools.box.put(9); }",
            f"{{ {block} }}",
            f"await Promise.all({listed}.map(async (x) => {{ {block} }})).catch(() => 0);",
        ]
