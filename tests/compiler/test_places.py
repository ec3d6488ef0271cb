"""Errors of TypeScript are placed in the text as it was sent, whatever is compiled around them."""

from __future__ import annotations

import pytest

from onehop import Sandbox
from onehop.types import ErrorInfo

pytestmark = pytest.mark.sample(4)

HERE = "«"
"""Stands right before what the place must be."""

CONSTRUCTS = {
    "a function with types": ("function f<T>(x: T, y?: string): any { BODY }", "f<number>(1)"),
    "an overloaded function": (
        "function f(a: string): any;\nfunction f(a: number): any;\n"
        "function f(a: any): any { BODY }",
        "f(5)",
    ),
    "an arrow with types": ("const f = <T,>(x: T, ...more: T[]): any => { BODY }", "f(1 as any)"),
    "an arrow behind a cast": ("const f = <any> ((x: number): any => { BODY });", "f!(1)"),
    "a method": ("abstract class A { abstract q: number; m(this: A): any { BODY } }\n"
                 "class B extends A { q: number = 1 }", "new B().m()"),
    "a method behind parameter properties": (
        "class A { constructor(private readonly x: number, public y = 2) {} m(): any { BODY } }",
        "new A(1).m()"),
    "a constructor with parameter properties": (
        "class A { static r: any; constructor(private x = 1, readonly y?: string) "
        "{ A.r = ((): any => { BODY })() } }", "(new A(1), A.r)"),
    "a getter and an index signature": (
        "class A { [k: string]: any; declare z: number; get p(): any { BODY } }",
        "(new A() as A).p"),
    "a static block": (
        "const run = (): any => { class A { static r: any; static { A.r = ((): any => { BODY })() }"
        " } return A.r };", "run()"),
    "an enum above": ("enum E { A = 1, B, C = 'c'.length }\nfunction f(e: E): any { BODY }",
                      "f(E.B)"),
    "an enum before it on the line": ("enum E { A } const f = (e: E): any => { BODY }", "f(E.A)"),
    "a constant enum": ("const enum E { A = 3 } function f(e: E = E.A): any { BODY }", "f()"),
    "an enum's own value": ("let b: () => any = (): any => { BODY };\n"
                            "const f = (): any => { enum E { A = b() } return E.A };", "f()"),
    "a namespace": ("namespace N { const k: number = 1; export function f(): any { BODY } }",
                    "N.f()"),
    "a namespace in two parts": (
        "namespace N { export const k = 1 }\nnamespace N { export function f(): any { k; BODY } }",
        "N.f()"),
    "a namespace in a namespace": (
        "namespace N.M { export enum E { A } export const f = (e = E.A): any => { BODY } }",
        "N.M.f()"),
    "a class and a namespace of its name": (
        "class A { m(): any { return A.f() } }\n"
        "namespace A { export const f = (): any => { BODY } }", "new A().m()"),
    "a decorated method": (
        "const d = (v: any, c: any) => function (this: any, ...a: any[]) "
        "{ return v.apply(this, a) };\nclass A { @d m(x?: number): any { BODY } }", "new A().m(1)"),
    "a decorator": (
        "function d(v: any, c: any): any { BODY }\nconst f = (): any => { let r: any; "
        "class A { @((v: any, c: any) => { r = d(v, c) }) m() {} } return r };", "f()"),
    "an accessor": ("class A { accessor x: number = 1; m(): any { BODY } }", "new A().m()"),
    "a decorated class": ("const d = (v: any, c: any) => v;\n@d class A { m(): any { BODY } }",
                          "new A().m()"),
    "types between statements": (
        "type T = { [K in 'a']: K }; interface I { (x: number): void } let x: T | I;\n"
        "declare const nothing: number; const f = function (this: void): any { BODY }", "f()"),
    "wide characters": ("const 名: string = '😀é'; /* 😀 */ const f = (x: string): any => { BODY }",
                        "f(名)"),
    "tabs and comments": ("\t// a comment\n\t/* another */ const f /* : */ : any = () => { BODY }",
                          "f()"),
    "an optional call": ("const o: { f?: () => any } = { f(): any { BODY } };", "o.f?.()!"),
    "a template": ("const f = (x: TemplateStringsArray, ...y: any[]): any => { BODY };",
                   "f`a${1 as any}\n${2}`"),
    "satisfies": ("const o = { f: (): any => { BODY } } satisfies Record<string, unknown>;",
                  "o.f()"),
}  # fmt: skip

THROWN = f"if (1 as number) {{ let z: any = 0; throw {HERE}new RangeError('x' as string) }}"
MISSING = f"const o: {{ a?: any }} = {{}}; return (o.a as any)!.{HERE}b.c as number"
CALLED = f"const o: any = {{}}; return (<any>o).{HERE}go(1 as any)!"
STACK = f"if (1) {{ const s: string = {HERE}new Error('x').stack!; return s }}"

LATER = "await new Promise<void>((done) => setTimeout(done, 100));"


def _program(construct: str, body: str, around: str) -> tuple[str, int, int]:
    declaration, call = CONSTRUCTS[construct]
    text = declaration.replace("BODY", body) + "\n" + around.replace("CALL", call)
    before = text[: text.index(HERE)].split("\n")
    return text.replace(HERE, ""), len(before), _units(before[-1]) + 1


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("body", [THROWN, MISSING, CALLED], ids=["thrown", "missing", "called"])
@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_an_error_is_placed(construct: str, body: str, sandbox: Sandbox) -> None:
    code, line, column = _program(construct, body, "const r = CALL;\nreturn r")
    result = await sandbox.execute(code, "typescript")
    _expect_place(result.error_info, line, column)


def _expect_place(error: ErrorInfo | None, line: int, column: int) -> None:
    assert error is not None
    assert (error.line, error.column) == (line, column), error.message
    assert error.stack is not None
    first = error.stack.splitlines()[1]
    assert f"code.ts:{line}:{column}" in first
    assert "onehop:" not in error.stack
    assert "blob:" not in error.stack
    assert "__" not in error.stack


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_a_stack_that_the_code_reads_is_placed(construct: str, sandbox: Sandbox) -> None:
    code, line, column = _program(construct, STACK, "if (1) { return CALL }")
    result = await sandbox.execute(code, "typescript")
    assert result.success, result.error
    head, first, *_ = str(result.output).splitlines()
    assert head == "Error: x"
    assert f"code.ts:{line}:{column}" in first
    assert "onehop:" not in str(result.output)
    assert "__" not in str(result.output)


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_an_error_in_the_console_is_placed(construct: str, sandbox: Sandbox) -> None:
    around = "try { CALL } catch (error: unknown) { console.error(error) }\nreturn 'on'"
    code, line, column = _program(construct, THROWN, around)
    result = await sandbox.execute(code, "typescript")
    assert (result.success, result.output) == (True, "on"), result.error
    (logged,) = result.logs
    assert "RangeError: x" in logged
    assert f"code.ts:{line}:{column}" in logged.splitlines()[1]


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_an_error_in_a_timer_is_placed(construct: str, sandbox: Sandbox) -> None:
    around = f"setTimeout((): void => {{ if (1) {{ CALL }} }}, 1);\n{LATER}"
    code, line, column = _program(construct, THROWN, around)
    result = await sandbox.execute(code, "typescript")
    _expect_place(result.error_info, line, column)


@pytest.mark.parametrize("construct", CONSTRUCTS)
async def test_an_error_behind_an_await_is_placed_with_its_callers(
    construct: str, sandbox: Sandbox
) -> None:
    around = (
        "const inner = async (n?: number): Promise<any> => { await null; return CALL };\n"
        "async function outer<T>(): Promise<T> { if (1) { return await inner() } return 1 as T }\n"
        "await outer<string>();"
    )
    code, line, column = _program(construct, THROWN, around)
    result = await sandbox.execute(code, "typescript")
    _expect_place(result.error_info, line, column)
    assert result.error_info is not None
    lines = (result.error_info.stack or "").splitlines()
    last = code.count("\n") + 1
    assert f"at async outer (code.ts:{last - 1}:" in lines[-2]
    assert lines[-1].endswith(f"code.ts:{last}:1")
