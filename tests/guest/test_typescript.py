"""TypeScript's own syntax, inside the body of a function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.guest.worker import Run, RunGuest
from tests.workers.remover import Remover

FEATURES: dict[str, tuple[str, Any]] = {
    "interfaces and type aliases": (
        "interface A { x: number }\ntype B = A | null;\nconst a: B = { x: 1 };\nreturn a!.x", 1),
    "generics": ("const id = <T,>(x: T): T => x;\nreturn id<number>(2)", 2),
    "enums": ("enum E { A = 1, B, C = 'c' as any }\nreturn [E.B, E[1], E.C]", [2, "A", "c"]),
    "const enums": ("const enum F { Q = 7 }\nreturn F.Q", 7),
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
        [["field s", "method m", "accessor z", "field f", "class A"], 5, 2]),
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
    "an empty text": ("", None),
    "only types": ("interface A {}", None),
    "helpers of one's own": ("function __outer__() { return 9 }\nreturn __outer__()", 9),
}  # fmt: skip


@pytest.mark.parametrize("name", FEATURES)
def test_a_feature_of_typescript_runs(name: str, run: RunGuest) -> None:
    code, expected = FEATURES[name]
    assert run(code, language="typescript", context={"n": 7}).output == expected


ERASABLE = {
    **{name: code for name, (code, _) in FEATURES.items() if name not in (
        "enums", "const enums", "namespaces", "parameter properties", "assertions",
        "decorators", "a decorator that replaces", "declare", "a variable named declare")},
    "a thrown error": (
        "type A = 1\nfunction f<T>(x: T): never { throw new RangeError(`${x}`) }\n"
        "/* 😀 */ f<string>('é')"),
    "a missing property": "const a: { b?: { c: number } } = {};\nreturn (a.b as any)!.c.d",
    "no function": "interface F { (x: number): void }\nconst f = 1 as unknown as F;\n  f(2)",
    "an error in a method": (
        "abstract class A { private x = 1; abstract m(): void }\n"
        "class B extends A {\n  override m(): void { (this as any).y.z }\n}\nnew B().m()"),
    "an error in a callback": "const xs: number[] = [1];\nxs.map((x: number): number =>\n  x!.y.z)",
    "an error later": (
        "const wait = (): Promise<void> => new Promise(r => setTimeout(r, 1));\n"
        "await wait();\n\tnull!.x"),
    "an error with a cause": "throw new Error('a' as string, { cause: new TypeError('b') })",
    "a redeclaration": "let a: number = 1;\nlet a: string = 'b'",
    "await in a plain function": "function f(): void {\n  await g()\n}",
    "sloppy mode": (
        "undeclared = 5 as number;\nconst f = function (): any { return this };\n"
        "return [undeclared, f() === globalThis]"),
    "statements that end in types": (
        "let a: number\nlet b = 2 as number\nconst c = [1]\n"
        "type D = 1\n[a] = c\nreturn [a, b] as number[]"),
    "fields that end in types": (
        "class A {\n  a: number\n  b = 1\n  private ['c'] = 2\n"
        "  static e?: string\n  [k: string]: unknown\n}\n"
        "return [Object.keys(new A()), Object.keys(A)]"),
    "generic calls and comparisons": (
        "const f = <T, U>(x: T, y?: U): T => x, a = 1, b = 2, c = 3;\n"
        "return [f<number, string>(1), f(a < b, c > (2)), a < b && c > (2), a < b ? c > b : b]"),
    "names that are keywords elsewhere": (
        "const type = 1, of = 2, as = 3;\n"
        "const o = { type, as, readonly: 5, get: 6, private: 7 };\n"
        "return [o.type! + as, of as number, o]"),
    "an arrow on another line": "const f = (x: number):\n  number => x;\nreturn f(1)",
    "a stack in the console": (
        "class A { f(): void { console.log(new Error('x'), 1 as any) } }\n  new A()!.f()"),
}  # fmt: skip


def _seen(run: Run) -> Any:
    return run.end, run.lines


@pytest.fixture(scope="module")
def remover() -> Iterator[Remover]:
    with Remover() as remover:
        yield remover


@pytest.mark.parametrize("name", ERASABLE)
def test_erasing_changes_neither_value_nor_place(
    name: str, run: RunGuest, remover: Remover
) -> None:
    code = ERASABLE[name]
    plain = remover.plain(code)
    assert plain is not None
    given: dict[str, Any] = {"language": "typescript", "context": {"n": 7}}
    assert _seen(run(code, plain=plain, **given)) == _seen(run(code, **given))


def test_plain_text_that_does_not_compile_is_not_used(run: RunGuest) -> None:
    assert run("return 1 as number", language="typescript", plain="return )").output == 1


@pytest.mark.parametrize("plain", ["} return 1; {", "}; async function __run__() { return 2"])
def test_plain_text_that_ends_the_function_is_not_used(plain: str, run: RunGuest) -> None:
    assert run("return 3 as number", language="typescript", plain=plain).output == 3


def test_decorated_code_that_fails_is_placed(run: RunGuest) -> None:
    code = "const d = (v: any, c: any) => v;\nclass A {\n  @d m() { throw new Error('x') }\n}\n"
    failure = run(code + "new A().m()", language="typescript").failure
    assert (failure.message, failure.line, failure.column) == ("x", 3, 18)
    assert failure.stack is not None
    assert failure.stack.splitlines()[-1] == "    at code.ts:5:9"


@pytest.mark.parametrize("call", ["import('node:fs')", "import /* x */ ('data:text/javascript,1')"])
def test_decorated_code_cannot_import(call: str, run: RunGuest) -> None:
    code = f"const d = (v: any, c: any) => v;\nclass A {{ @d m() {{ return {call} }} }}\n"
    run_ = run(code + "console.log('ran'); return await new A().m()", language="typescript")
    assert run_.failure.message.startswith("import() is not available in the sandbox")
    assert run_.logs == []


def test_a_mention_of_the_decorators_helper_gives_no_import(run: RunGuest) -> None:
    code = "const _apply_decs_2203_r = 1;\nconst s = 'x';\nreturn [await import('node:' + s)]"
    assert run(code, language="typescript").failure.message.startswith("import() is not available")


def test_decorated_code_cannot_generate_code_or_see_the_host(run: RunGuest) -> None:
    code = """const d = (v: any, c: any) => v;
    class A { @d m() { try { return eval('1') } catch (e: any) { return e.name } } }
    return [new A().m(), typeof (globalThis as any).Deno, typeof (globalThis as any).process]"""
    assert run(code, language="typescript").output == ["EvalError", "undefined", "undefined"]


def test_a_long_text_keeps_its_places(run: RunGuest) -> None:
    lines = [f"function f{i}(a: number): number {{ return a + {i} }}" for i in range(2000)]
    failure = run("\n".join([*lines, "null!.x"]), language="typescript").failure
    assert (failure.line, failure.column) == (2001, 7)
