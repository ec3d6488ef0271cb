"""Types that the host erases: what goes, what is left to the compiler, and that both agree."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.source.stripper import Stripper, same_program

from onehop.source import Prepared, lines, prepare
from onehop.source._lines import utf16_length


@pytest.fixture(scope="module")
def stripper() -> Iterator[Stripper]:
    with Stripper() as stripper:
        yield stripper


def plain(code: str) -> str | None:
    result = prepare(code, "typescript")
    return result.plain if isinstance(result, Prepared) else None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("let a: number = 1", "let a         = 1"),
        ("return 1 + 1", "return 1 + 1"),
        ("let a!: T, b: U", "let a    , b   "),
        ("const f = <T,>(x: T, y?: U): V => x", "const f =     (x   , y    )    => x"),
        ("function f(this: T, a) {}", "function f(         a) {}"),
        ("x = a as const", "x = a         "),
        ("x = a! as T satisfies U", "x = a                  "),
        ("a!.b![0]!()", "a .b [0] ()"),
        ("f<T>(x); new M<K, V<W>>()", "f   (x); new M         ()"),
        ("type A = 1\nreturn 2", ";         \nreturn 2"),
        ("const a = b\ninterface A {\n}\n(c)()", "const a = b\n;            \n \n(c)()"),
        ("declare const x: number; x", ";                        x"),
        ("class A<T> extends B<T> implements C {}", "class A    extends B                 {}"),
        ("abstract class A { abstract f(): T }", "         class A { ;               }"),
        ("class A { x = 1\n private [y] = 2 }", "class A { x = 1\n ;       [y] = 2 }"),
        ("class A { declare a: T; b?: U; c!: V }", "class A { ;           ; b    ; c     }"),
        ("class A { [k: string]: T }", "class A { ;              }"),
        ("class A { f(a): T; f?(a) {} }", "class A { ;      ; f (a) {} }"),
        (
            "class A { static override readonly x = 1 }",
            "class A { static                   x = 1 }",
        ),
        ("try {} catch (e: any) {}", "try {} catch (e     ) {}"),
        ("export interface A {}", ";      ;             "),
        ("import type A from 'b'\nlet c: A", ";                     \nlet c   "),
        ("if (a < b && c > (d)) x as T", "if (a < b && c > (d)) x     "),
        ("const n = '😀' as T, m: U = '\\0'", "const n = '😀'     , m    = '\\0'"),
        ("let a: {\r\n x: T\u2028} = {}", "let a   \r\n     \u2028  = {}"),
        ("type A = B\n[0].x", ";         \n[0].x"),
        ("let f: () => T\n[1].map(g)", "let f         \n[1].map(g)"),
        ("x = [a < b, c > (d)]", "x = [a          (d)]"),
        (
            "if (a < b) { c } else if (d > (e as T)) {}",
            "if (a < b) { c } else if (d > (e     )) {}",
        ),
    ],
)
def test_types_become_spaces(code: str, expected: str, stripper: Stripper) -> None:
    result = plain(code)
    assert result is not None
    assert same_program(result, expected)
    stripped = stripper.judge(prepared_code(code), result).stripped
    assert stripped is not None
    assert same_program(result, stripped)


def prepared_code(code: str) -> str:
    result = prepare(code, "typescript")
    assert isinstance(result, Prepared)
    return result.code


@pytest.mark.parametrize(
    "code",
    [
        "enum A { B }",
        "const enum A { B }",
        "namespace N { export const x = 1 }",
        "namespace N { export type X = 1 }",
        "class A { constructor(private x) {} }",
        "class A { constructor(readonly x: T) {} }",
        "class A { constructor(override x?: T) {} }",
        "@d class A {}",
        "class A { @d x: T }",
        "class A { accessor x: T = 1 }",
        "import X = A.B",
        "const a = <T>b",
        "const a = f<T>",
        "f<T>`x`",
        "f<T>\n[x]",
        "new A<T>\nnew B",
        "with (a) { b as T }",
        "let a: T = 010",
        "let a: T = '\\01'",
        "let a: T = b <!--c",
        "type A = 1\n'use strict'",
        "const a = b as T\n(c)()",
        "const a = b as T\n[c]",
        "const a = b as T\n`c`",
        "x = a\nas T",
        "x = a + b as T * c",
        "x = a as b.c.D",
        "declare\nconst x: T",
        "let\nx: T",
        "interface\nA {}",
        "class A { get: T\nfoo() {} }",
        "class A { static: T\nfoo() {} }",
        "class A { public\nx: T }",
        "class A { x = 1\nreadonly in: T }",
        "const f = <\nT>(x: T) => x",
        "const f = async <T>\n(x: T) => x",
        "a<b>\nc",
        "tag<T<U>>\n!x",
        "type A =\n public\nB",
        "x = a as\n public\nB",
        "let a: public\nb",
        "if (a) type X = 1",
        "x: type X = 1",
        "({ private f() {} })",
        "({ f?() {} })",
        "let a: = 1",
        "let a: T😀",
    ],
)
def test_what_takes_more_is_left_to_the_compiler(code: str) -> None:
    assert plain(code) is None


def test_javascript_has_no_second_text() -> None:
    assert prepare("let a = 1", "javascript") == Prepared("let a = 1")


@pytest.mark.parametrize(
    "piece",
    ["(", "[", "a<b>(", "(a as ", "a!", "<T>(", "f<", "{x:", "a as T as ", "((x: T) => ", "a < "],
)
def test_deep_nesting_neither_fails_nor_hangs(piece: str) -> None:
    result = plain("let x: T = 1;\n" + piece * 20_000)
    assert result is None or len(result) > 20_000


@pytest.mark.parametrize(
    "line",
    [
        "var a = (((((b as T) as U)!)!) as V);",
        "if (a < b) { c = a < d ? 1 : 2 }",
        "x = a as T\n;",
        "type A = B | { [k: string]: T[] };",
        "var s = '\\0' + 'x';",
        "f<T>(/* a < b > */);",
    ],
)
def test_a_long_text_is_erased(line: str, stripper: Stripper) -> None:
    code = "let first: T\n" + "\n".join([line.replace("a =", f"a{i} =") for i in range(500)])
    result = plain(code)
    assert result is not None
    stripped = stripper.judge(code, result).stripped
    assert stripped is not None
    assert same_program(result, stripped)


def test_a_text_beyond_the_bound_is_left_to_the_compiler() -> None:
    assert plain("let a: T = 1;\n" * 20_000) is None


_PIECES = """
let a: T = b as U
|const f = async <T,>(x: T, y?: U): Promise<T> => await x!
|function g(a: string): string;
function g<T>(this: W, a?: any, ...b: T[]): a is string { return a satisfies any }
|abstract class Foo<T> extends Bar<T> implements Baz, Qux<T> {
  private readonly a: number = 1;
  static b?: string
  protected abstract c(): void
  [key: string]: any
  declare d: T
  e!: U
  constructor(a: T, b?: U) { super(a!) }
  override get f(): number { return this.a! }
  async *g<T>(this: Foo<T>, x: T): AsyncGenerator<T> { yield x as T }
}
|interface A<T> extends B { (x: T): void; new (x: T): B; readonly y?: T; [k: string]: T }
|type M = { [K in keyof T]: T[K] } | `x${string}` | [a?: string, ...b: T[]]
|declare const z: number
|declare function h(): void
|declare module "x" { export const y: number }
|for (const x of y as T[]) { if (x! > 1) continue }
|try {} catch (e: unknown) { throw e as Error }
|switch (x as T) { case y as U: type Q = 1; break; default: interface R {} }
|const o = { m<T>(x: T): void {}, get y(): T { return 1 }, w: x as T, ...(v as U) }
|x! = 1; x!.y!.z!(); a?.b!.c; a![0]! += 2; delete a!.b
|if (a < b && c > (d)) e = a < b ? -1 : a > b ? 1 : 0
|return f<T, U<V>>(x, a < b, c > d)
|const { a, b: { c = d as T } }: T = e, [i, j = 1]: U = k
|a ? (b) : c => d
|new Map<string, number[]>([["a", [1]]])
|(p)()
|[q].r
|`t`
|import type S from "s"
|export type {} from "t"
|export interface V {}
"""
_INSERTED = [
    " as T", " as T[]", " satisfies X<Y>", "!", "<T>", "<T, U>", ": T", "?: T", "?", " private ",
    " static ", " get ", " async ", "\ntype X = Y;\n", "\n", ";", "(", "[0]", "(a)", "`x`", "\n(a)",
    "\n[a]", "\n!x", "\n/x/g", "\n*x", "\n<T>x", " in ", " new A<T>", " as T < 3", " * 2", "\u2028",
    " = x as T\n", ", ", "?.", "&&", " typeof ", "yield ", " extends T", "...", " get: T\n",
]  # fmt: skip


@st.composite
def _programs(draw: st.DrawFn) -> str:
    """Statements with types, with something put in or taken out at random places."""
    pieces = st.sampled_from(_PIECES.strip().split("\n|"))
    code = draw(st.sampled_from(["\n", ";\n", " "])).join(draw(st.lists(pieces, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(code)))
        gone = draw(st.sampled_from([0, 0, 0, 1, 1, 4]))
        put = "" if gone > 1 else draw(st.sampled_from(_INSERTED))
        code = code[:at] + put + code[at + gone :]
    return code


@settings(max_examples=1500, deadline=None)
@given(code=_programs())
def test_what_is_erased_is_what_the_compiler_erases(code: str, stripper: Stripper) -> None:
    prepared = prepare(code, "typescript")
    if not isinstance(prepared, Prepared) or prepared.plain is None:
        return
    assert [*map(utf16_length, lines(prepared.plain))] == [*map(utf16_length, lines(code))]
    verdict = stripper.judge(prepared.code, prepared.plain)
    # Where V8 refuses one of the texts, the program is broken, or goes through the compiler.
    if verdict.plain_compiles and verdict.stripped is not None:
        assert same_program(prepared.plain, verdict.stripped)
