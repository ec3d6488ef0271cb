"""TypeScript's own syntax, as the body of a function, from the sandbox's door."""

from __future__ import annotations

from typing import Any

import pytest

from onehop import Sandbox
from onehop.types import ExecutionResult

FEATURES: dict[str, tuple[str, Any]] = {
    "interfaces and type aliases": (
        "interface A { x: number }\ntype B = A | null;\nconst a: B = { x: 1 };\nreturn a!.x", 1),
    "generics": ("const id = <T,>(x: T): T => x;\nreturn id<number>(2)", 2),
    "enums": ("enum E { A = 1, B, C = 'c' as any }\nreturn [E.B, E[1], E.C]", [2, "A", "c"]),
    "const enums": ("const enum F { Q = 7 }\nreturn F.Q", 7),
    "const enums as values": ("const enum F { Q = 7 }\nreturn ((f) => f.Q)(F as any)", 7),
    "members that follow a constant": (
        "const k = 5; enum E { A = k, B = k + 1, C }\nreturn [E.C, E[7]]", [7, "C"]
    ),
    "members of another enum": (
        "enum F { X = 'q' } enum E { A = F.X }\nreturn [E.A, Object.keys(E)]", ["q", ["A"]]
    ),
    "namespaces": ("namespace N { export const z = 3 }\nreturn N.z", 3),
    "abstract classes": (
        "abstract class P { abstract f(): number; g() { return this.f() } }\n"
        "class R extends P { override f() { return 4 } }\nreturn new R().g()", 4),
    "parameter properties": (
        "class A { constructor(private readonly x: number, public y = 2) {} s() "
        "{ return this.x + this.y } }\nreturn new A(1).s()", 3),
    "satisfies and as const": ("return ({ a: 1 } as const) satisfies { a: number }", {"a": 1}),
    "using": (
        "const log: string[] = [];\n{ using x = { [Symbol.dispose]() { log.push('gone') } } }\n"
        "return log", ["gone"]),
    "await using": (
        "let n = 0;\n{ await using x = { async [Symbol.asyncDispose]() { n++ } } }\nreturn n", 1),
    "overloads": (
        "function f(a: string): string;\nfunction f(a: number): number;\n"
        "function f(a: any) { return a }\nreturn f(5)", 5),
    "declare": ("declare const nothing: number;\nreturn typeof nothing", "undefined"),
    "type predicates": (
        "const s = (x: unknown): x is string => typeof x === 'string';\nreturn s('')", True),
    "assertions": ("const x: unknown = 6;\nreturn (x as number) + (<number> x)", 12),
    "optional chaining and defaults": (
        "const o: { a?: { b?: number } } = {};\nreturn o?.a?.b ?? 'none'", "none"),
    "private fields and index signatures": (
        "class A { [key: string]: unknown; #p = 8; get p() { return this.#p } }\n"
        "return new A().p", 8),
    "decorators": (
        "const log: string[] = [];\n"
        "function seen(value: any, context: any) { log.push(context.kind + ' ' + context.name) }\n"
        "@seen class A { @seen m() {} @seen f = 1; @seen accessor z = 5; @seen static s = 2 }\n"
        "return [log, new A().z, A.s]",
        [["method m", "accessor z", "field s", "field f", "class A"], 5, 2]),
    "a decorator that replaces": (
        "const twice = (f: any, _: any) => function (this: any, x: number) "
        "{ return f.call(this, x) * 2 };\n"
        "class A { @twice m(x: number) { return x } }\nreturn new A().m(21)", 42),
    "async iteration": (
        "async function* g(): AsyncGenerator<number> { yield 1; yield 2 }\n"
        "const out: number[] = [];\nfor await (const x of g()) out.push(x);\nreturn out", [1, 2]),
    "a variable named declare": ("let declare: number = 1;\ndeclare\n++declare\nreturn declare", 2),
    "context with types": ("const { n } = context as { n: number };\nreturn n * 2", 14),
    "unicode": ("const 名: string = 'é😀\\u2028';\nreturn 名", "é😀\u2028"),
    "a comment at the end": ("return 1 // the end", 1),
    "an empty text": (" ", None),
    "only types": ("interface A {}", None),
    "a namespace in two parts": (
        "namespace N { export const x = 1 } namespace N { export const y = x + 1 } return N.y", 2),
    "a class and a namespace of its name": (
        "class C { s() { return C.k } } namespace C { export const k = 5 } return new C().s()", 5),
    "a function and a namespace of its name": (
        "function f() { return f.k } namespace f { export let k = 6 } return f()", 6),
    "an enum and a namespace of its name": (
        "enum E { A = 1 }\nnamespace E { export function next() { return E.A + 1 } }\n"
        "return E.next()", 2),
    "an enum in two parts": (
        "enum E { A } enum E { B = 5, C = A } return [E.A, E.B, E.C]", [0, 5, 0]),
    "a namespace in the old spelling": ("module M { export const a = 1 } return M.a", 1),
    "an alias of a name in a namespace": (
        "namespace N.M { export const y = 4 } import Y = N.M.y; export import Z = N.M; "
        "return [Y, Z.y]", [4, 4]),
    "a constant enum shadowed": (
        "const enum F { Q = 1 } { const F = { Q: 2 }; return F.Q }", 2),
    "an enum of computed values": (
        "const n = 3; enum E { A = n, B = A * 2, C = 'ab'.length, D = 1 << 4, S = `x${1}` } "
        "return [E.A, E.B, E.C, E.D, E.S, E[16]]", [3, 6, 2, 16, "x1", "D"]),
    "an accessor without a decorator": (
        "class A { accessor x: number = 1; static accessor y = 2 }\nconst a = new A(); a.x += 5;\n"
        "return [a.x, A.y, Object.keys(a)]", [6, 2, []]),
    "the word import in a text of decorated code": (
        "const d = (v: any, _: any) => v;\nclass A { @d m() { return 'please import it' } }\n"
        "return new A().m()", "please import it"),
    "fields that need parameter properties": (
        "class A { y = this.x * 2; constructor(public x: number) {} }\nreturn new A(4).y", 8),
    "names that globals have": (
        "function main(context: any, name: string) { return [context.n, name, main.name] }\n"
        "return main(context, typeof (globalThis as any).name)", [7, "undefined", "main"]),
    "a local function of a global's name": (
        "typeof structuredClone; function f() { function structuredClone() {}\n"
        "return structuredClone.name }\nreturn f()", "structuredClone"),
    "this at the top, and sloppy mode": (
        "undeclared = 5 as number;\nconst f = function (): any { return this };\n"
        "return [undeclared, f() === globalThis, typeof this]", [5, True, "object"]),
    "strict mode when asked for": (
        "'use strict';\nconst f = function (): any { return this };\nreturn typeof f()",
        "undefined"),
    "strict mode beside decorators": (
        "'use strict';\nconst d = (v: any, _: any) => v; @d class A {}\n"
        "return typeof (function (): any { return this })()", "undefined"),
    "sloppy mode beside decorators": (
        "const d = (v: any, _: any) => v; @d class A {}\n"
        "return typeof (function (): any { return this })()", "object"),
    "statements that a type keeps apart": (
        "const a = (x: any) => x, b = 2\ntype X = 1; (b)\nreturn [typeof a, b]", ["function", 2]),
    "a cast before an operator": ("const a: any = 1, b: any = 2, c: any = 3;\n"
                                  "return a + b as any * c", 9),
    "text that is not ASCII in code of two compilers": (
        "namespace N { export const 名 = 'é😀\u2028\\ud83d' }\nreturn N.名.length", 5),
    "helpers of one's own": ("function __outer__() { return 9 }\nreturn __outer__()", 9),
}  # fmt: skip


async def typescript(sandbox: Sandbox, code: str) -> ExecutionResult:
    return await sandbox.execute(code, "typescript", context={"n": 7})


@pytest.mark.sample(10)
@pytest.mark.parametrize("name", FEATURES)
async def test_a_feature_of_typescript_runs(name: str, sandbox: Sandbox) -> None:
    code, expected = FEATURES[name]
    result = await typescript(sandbox, code)
    assert (result.success, result.output) == (True, expected), result.error


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("code", "words", "line", "column"),
    [
        ("if (1) { }\nconst a: number = 1; const a = 2;", "Identifier 'a' has already", 2, 28),
        ("const n: number;\nif (n) {}", "Missing initializer in const", 1, 7),
        ("let a: number = 1;\n  let b: = 2", "Unexpected token `=`", 2, 10),
        (
            "namespace N { export const a = 1 }\nlet b: string = '';\n  let b = 2",
            "Identifier 'b'",
            3,
            7,
        ),
        ("@d class A { }\nnamespace A { let b = ; }", "Expression expected", 2, 23),
        ("const x = 1\n  /* never closed", "Unterminated comment", 2, 3),
        ("return 1\n@d function f() {}", "Decorators are not valid here", 2, 1),
        ("class A { m(@d x: any) {} }", "Decorators are not valid here", 1, 13),
        ("const f = (): void => { await g() }", "await is only valid in async functions", 1, 25),
        ("return 1\n}", "Unexpected token '}'", 2, 1),
        ("return 1 as number\n} return 2; {", "Unexpected token '}'", 2, 1),
        ("return <div>x</div>", "JSX is not supported", 1, 8),
    ],
)
async def test_a_mistake_is_told_in_place_and_nothing_runs(
    code: str, words: str, line: int, column: int, sandbox: Sandbox
) -> None:
    result = await typescript(sandbox, "console.log('ran');" + code)
    error = result.error_info
    assert error is not None
    assert error.message.startswith(words)
    shift = len("console.log('ran');") if line == 1 else 0
    assert (error.name, error.line, error.column) == ("SyntaxError", line, column + shift)
    assert result.logs == []


async def test_an_error_of_a_name_that_a_global_has_too_has_that_name(sandbox: Sandbox) -> None:
    code = "context; function main(context: any) { return context.foo() }\nreturn main(5)"
    result = await typescript(sandbox, code)
    assert result.error_info is not None
    assert result.error_info.message == "context.foo is not a function"


@pytest.mark.sample(1)
@pytest.mark.parametrize("call", ["import('node:fs')", "import /* x */ ('data:text/javascript,1')"])
async def test_decorated_code_cannot_import(call: str, sandbox: Sandbox) -> None:
    code = f"const d = (v: any, c: any) => v;\nclass A {{ @d m() {{ return {call} }} }}\n"
    result = await typescript(sandbox, code + "console.log('ran'); return await new A().m()")
    assert result.error_info is not None
    assert result.error_info.message.startswith("import() is not available in the sandbox")
    assert result.logs == ["ran"]


async def test_decorated_code_cannot_generate_code_or_see_the_host(sandbox: Sandbox) -> None:
    code = """const d = (v: any, c: any) => v;
    class A { @d m() { try { return eval('1') } catch (e: any) { return e.name } } }
    return [new A().m(), typeof (globalThis as any).Deno, typeof (globalThis as any).process]"""
    result = await typescript(sandbox, code)
    assert result.output == ["EvalError", "undefined", "undefined"]


async def test_decorated_code_that_fails_has_no_frames_of_helpers(sandbox: Sandbox) -> None:
    code = "const d = (v: any, c: any) => v;\nclass A {\n  @d m() { throw new Error('x') }\n}\n"
    result = await typescript(sandbox, code + "new A().m()")
    assert result.error_info is not None
    assert (result.error_info.stack or "").splitlines()[1:] == [
        "    at A.m (code.ts:3:18)",
        "    at code.ts:5:9",
    ]


async def test_a_long_text_keeps_its_places(sandbox: Sandbox) -> None:
    lines = [f"function f{i}(a: number): number {{ return a + {i} }}" for i in range(2000)]
    result = await typescript(sandbox, "\n".join([*lines, "null!.x"]))
    assert result.error_info is not None
    assert (result.error_info.line, result.error_info.column) == (2001, 7)


@pytest.mark.sample(1)
@pytest.mark.parametrize("text", ["x" * 200_000, "@" + "/* " * 66_000, "\n" * 200_000])
async def test_a_long_text_takes_no_long_time(sandbox: Sandbox, text: str) -> None:
    whole = f"enum Kind {{ A }}\nconst kind: Kind = Kind.A;\nreturn `{text}`.length"
    for code in (whole, f"return `{text}`.length"):
        result = await typescript(sandbox, code)
        assert result.success, result.error
        assert result.output == len(text)


async def test_a_name_that_is_long_keeps_its_value(sandbox: Sandbox) -> None:
    name = "x" * 50_000 + "1"
    result = await typescript(sandbox, f"const {name}: number = 3; return {name}")
    assert result.output == 3
