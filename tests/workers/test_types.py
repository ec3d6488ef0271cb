"""Types that are blanked: what goes, what is left to the compiler, and that both mean the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onehop.source import Prepared, lines, prepare
from onehop.source._lines import utf16_length
from tests.workers.compiler import Compiler
from tests.workers.remover import Remover


@pytest.fixture(scope="module")
def remover() -> Iterator[Remover]:
    with Remover() as remover:
        yield remover


@pytest.fixture(scope="module")
def compiler() -> Iterator[Compiler]:
    with Compiler() as compiler:
        yield compiler


def same_program(ours: str, theirs: str) -> bool:
    """Equal but for blanks, and for semicolons that stand where the other has a blank."""
    return len(ours) == len(theirs) and all(map(_same_character, ours, theirs))


def _same_character(ours: str, theirs: str) -> bool:
    return ours == theirs or (ours in "; " and theirs in "; ")


def prepared_code(code: str) -> str:
    result = prepare(code, "typescript")
    assert isinstance(result, Prepared)
    return result.code


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
        ("class A<T> extends B<T> implements C {}", "class A    extends B                 {}"),
        ("abstract class A { abstract f(): T }", "         class A { ;               }"),
        ("class A { x = 1\n private [y] = 2 }", "class A { x = 1\n ;       [y] = 2 }"),
        ("class A { b?: U; c!: V }", "class A { b    ; c     }"),
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
        ("import X = A.B", "var    X = A.B"),
        ("const a = f<T>", "const a = f   "),
        ("f<T>`x`", "f   `x`"),
        ("new A<T>\nnew B", "new A   \nnew B"),
        ("const a = b as T\n(c)()", "const a = b ;   \n(c)()"),
        ("const a = b as T\n[c]", "const a = b ;   \n[c]"),
        ("const a = b as T\n`c`", "const a = b ;   \n`c`"),
        ("x = a as b.c.D", "x = a         "),
        ("let\nx: T", "let\nx   "),
        ("class A { get: T\nfoo() {} }", "class A { get;  \nfoo() {} }"),
        ("class A { static: T\nfoo() {} }", "class A { static;  \nfoo() {} }"),
        ("class A { public\nx: T }", "class A { public\nx    }"),
        ("class A { x = 1\nreadonly in: T }", "class A { x = 1\n;        in    }"),
        ("const f = <\nT>(x: T) => x", "const f =  \n  (x   ) => x"),
        ("a<b>\nc", "a   \nc"),
        ("tag<T<U>>\n!x", "tag      \n!x"),
        ("type A =\n public\nB", "        \n       \n "),
        ("x = a as\n public\nB", "x = a   \n       \n "),
        ("let a: public\nb", "let a        \n "),
        ("if (a) type X = 1", "if (a) ;         "),
        ("const f = (x: T):\n  U => x", "const f = (x     \n  ) => x"),
        ("const f = async <\nT>(x: T) => x", "const f = async (\n   x   ) => x"),
        ("let a: {\r\n x: T\u2028} = {}", "let a   \r\n     \u2028  = {}"),
        ("type A = B\n[0].x", ";         \n[0].x"),
        ("x = [a < b, c > (d)]", "x = [a          (d)]"),
        (
            "if (a < b) { c } else if (d > (e as T)) {}",
            "if (a < b) { c } else if (d > (e     )) {}",
        ),
    ],
)
def test_types_become_spaces(
    code: str, expected: str, remover: Remover, compiler: Compiler
) -> None:
    result = remover.plain(code)
    assert result is not None
    assert same_program(result, expected)
    verdict = compiler.judge(prepared_code(code), result)
    assert verdict.code == verdict.plain


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
        "const a = <T>b",
        "f<T>\n[x]",
        "with (a) { b as T }",
        "let a: T = 010",
        "let a: T = '\\01'",
        "let a: T = b <!--c",
        "type A = 1\n'use strict'",
        "x = a\nas T",
        "x = a + b as T * c",
        "declare\nconst x: T",
        "interface\nA {}",
        "const f = async <T>\n(x: T) => x",
        "const a = b\ntype X = 1; (c)()",
        "const a = b as const\n(c)()",
        "a\ntype X = 1\n`${b}`",
        "class A { x = 1\n declare y: T\n ['z'] = 2 }",
        "class A { get\n private foo() {} }",
        "class A { a\n!x() {} }",
        "a: type X = 1\nwhile (b) {}",
        "for (const a of b) c: interface X {} { d }",
        "if (a)\nnamespace M {}\nb()",
        "declare const x: number; x",
        "declare const x: number b()",
        "let a: T = b as\ntype X = Y;\nU",
        "const a = b as T `c`",
        "let a = b as T [c].d",
        "x = a + b as T + c",
        "let f: () => T\n[1].map(g)",
        "x: type X = 1",
        "({ f?() {} })",
        "let a: = 1",
    ],
)
def test_what_takes_more_is_left_to_the_compiler(code: str, remover: Remover) -> None:
    assert remover.plain(code) is None


@pytest.mark.parametrize(
    "code",
    ["class A { accessor x: T = 1 }", "({ private f() {} })", "let a: T😀", "let a: T\nlet a"],
)
def test_what_the_engine_refuses_then_is_left_to_the_compiler_too(
    code: str, remover: Remover, compiler: Compiler
) -> None:
    result = remover.plain(code)
    assert result is not None
    assert not compiler.judge(code, result).compiles


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
def test_a_long_text_loses_its_types(line: str, remover: Remover, compiler: Compiler) -> None:
    code = "let first: T\n" + "\n".join([line.replace("a =", f"a{i} =") for i in range(500)])
    result = remover.plain(code)
    assert result is not None
    verdict = compiler.judge(code, result)
    assert verdict.code == verdict.plain


def test_a_text_beyond_the_bound_is_left_to_the_compiler(remover: Remover) -> None:
    assert remover.plain("let a: T = 1;\n" * 20_000) is None


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


@settings(max_examples=1000, deadline=None)
@given(code=_programs())
def test_what_is_left_means_what_the_program_meant(
    code: str, remover: Remover, compiler: Compiler
) -> None:
    plain = remover.plain(code)
    if plain is None:
        return
    assert [*map(utf16_length, lines(plain))] == [*map(utf16_length, lines(code))]
    verdict = compiler.judge(prepared_code(code), plain)
    # Where V8 refuses it, the program goes through the compiler; where that refuses the program, a
    # semicolon is missing, and a program that ran would mean what was evidently meant.
    if verdict.compiles and verdict.code is not None:
        assert verdict.plain == verdict.code
