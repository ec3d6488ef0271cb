"""What prepare takes out of TypeScript, what it refuses, and what it never touches."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sampling import examples

from onehop.source import Prepared, Problem, lines, prepare
from onehop.source._lines import utf16_length

pytestmark = pytest.mark.unit


def prepared(code: str) -> str:
    result = prepare(code, "typescript")
    assert isinstance(result, Prepared), result
    return result.code


def problem(code: str) -> Problem:
    result = prepare(code, "typescript")
    assert isinstance(result, Problem), result
    return result


@pytest.mark.parametrize("code", ["import x from 'y'", "export default 1", "let a: = 1", "}}}"])
def test_javascript_passes_unchanged(code: str) -> None:
    assert prepare(code, "javascript") == Prepared(code)


@pytest.mark.parametrize(
    "code",
    [
        "import type A from 'x';",
        "import type {A} from 'x'",
        "import type * as N from 'x'",
        "import type X = require('y')",
        "import { type A } from 'x';",
        "import {\n  type A,\n  type B as C,\n} from 'x'",
        "export type { A };",
        "export type {A} from 'x'",
        "export type * from 'x'",
        "export type * as N from 'x'",
        "export { type A, type B }",
        "export { type A } from 'x'",
        "export {}",
        "export as namespace Foo;",
    ],
)
def test_a_statement_of_types_only_is_erased(code: str) -> None:
    erased = prepared(f"{code}\nreturn 1")
    assert erased.endswith("\nreturn 1")
    assert erased.removesuffix("\nreturn 1").split() == [";"]


def test_an_erased_statement_still_separates_its_neighbours() -> None:
    assert prepared("const a = b\nexport {}\n(c)()") == "const a = b\n;        \n(c)()"


@pytest.mark.parametrize(
    ("code", "rest"),
    [
        ("export interface X { a: number }", "interface X { a: number }"),
        ("export type A = 1", "type A = 1"),
        ("export declare const x: number", "declare const x: number"),
        ("export declare function f(): void", "declare function f(): void"),
        ("export declare namespace A { const x: 1 }", "declare namespace A { const x: 1 }"),
        ("export abstract class A {}", "abstract class A {}"),
        ("export default interface X {}", "interface X {}"),
        ("export namespace N { export interface A {} type B = 1 }", None),
        ("@d export abstract class A {}", None),
    ],
)
def test_a_declaration_of_a_type_loses_only_its_export(code: str, rest: str | None) -> None:
    result = prepared(code)
    assert result == code.replace("export ", " " * 7, 1).replace("default ", " " * 8)
    assert rest is None or result.endswith(rest)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import X = NS.Y;", "var    X = NS.Y;"),
        ("import X = NS.Y.Z\nreturn X", "var    X = NS.Y.Z\nreturn X"),
        ("import X = A", "var    X = A"),
        ("export import X = A.B;", "       var    X = A.B;"),
    ],
)
def test_an_alias_of_a_namespace_becomes_a_variable(code: str, expected: str) -> None:
    assert prepared(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        "import x from 'y'",
        "import 'y'",
        "import * as x from 'y'",
        "import {} from 'y'",
        "import { type A, b } from 'y'",
        "import d, { type A } from 'y'",
        "import type from 'y'",
        "import { type } from 'y'",
        "import x = require('y')",
        "import x from 'y' with { type: 'json' }",
    ],
)
def test_a_real_import_is_refused_where_it_stands(code: str) -> None:
    found = problem(f"const a = 1\n  /* é😀 */ {code}\nreturn a")
    assert found.message.startswith("import is not available in the sandbox")
    assert (found.line, found.column) == (2, 13)


@pytest.mark.parametrize(
    "code",
    [
        "export const a = 1",
        "export default 5",
        "export default class {}",
        "export default abstract class A {}",
        "export function f() {}",
        "export function f(a: string): string;\nexport function f(a: any) { return a }",
        "export async function f() {}",
        "export class A {}",
        "export enum E { A }",
        "export namespace N { export const x = 1 }",
        "export * from 'x'",
        "export * as n from 'x'",
        "export { a }",
        "export { type A, b }",
        "export {} from 'x'",
        "export = {}",
    ],
)
def test_an_export_of_a_value_is_refused_where_it_stands(code: str) -> None:
    found = problem(f"\u2028\r\n\t{code}")
    assert found.message.startswith("export has no meaning here")
    assert (found.line, found.column) == (3, 2)


def test_the_first_problem_is_reported() -> None:
    found = problem("export interface A {}\nexport const a = 1\nimport 'b'")
    assert (found.message[:6], found.line) == ("export", 2)


@pytest.mark.parametrize(
    "code",
    [
        "const m = await import('x')",
        "return import.meta",
        "const s = 'import x from y'",
        "// import x from 'y'\n/* export default 1 */ return `export const a = ${1}`",
        "const o = { import: 1, export: 2 }; return o.import + o.export",
        "namespace N { export const x = 1; export interface Y {} }\nreturn N.x",
        "declare module 'x' { export const x: number; import y from 'z' }",
        "declare global { interface W {} }",
        "type A = import('y').Z",
        "const importer = 1, exporter = $export",
        "function f() { import x from 'y' }",
    ],
)
def test_what_is_no_statement_of_the_top_level_stays(code: str) -> None:
    assert prepared(code) == code


def test_columns_hold_with_astral_characters_inside_and_before() -> None:
    code = "/* 😀 */ import type { A /* 😀é */ } from '😀'; let x: A = 1"
    result = prepared(code)
    assert result.startswith("/* 😀 */ ;  ")
    assert utf16_length(result) == utf16_length(code)
    assert result.endswith(" let x: A = 1")


def test_line_ends_of_every_kind_survive_inside_an_erased_statement() -> None:
    code = "import type {\r\n A,\r B,\u2028 C\n} from 'x'\nreturn 1"
    assert [len(line) for line in lines(prepared(code))] == [len(line) for line in lines(code)]


def test_a_text_that_is_broken_elsewhere_is_left_to_the_engine() -> None:
    code = "import x from 'y'\nlet a = = 1"
    assert prepared(code) == code


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "piece", ["(", "{", "[", "`${", "f(`", "a<b>(", "export {", "export interface X {", "<a>{"]
)
def test_deep_nesting_neither_fails_nor_hangs(piece: str) -> None:
    code = "export type A = 1\n" + piece * 100_000
    assert len(prepared(code)) == len(code)


def test_a_text_beyond_the_bound_passes_unchanged() -> None:
    code = "export type A = 1\n" + "x;" * 300_000
    assert prepared(code) == code


_WORDS = (
    "import export type default interface abstract class declare namespace const from as X A.B ="
    " { } ( ) * ; : , 'x' \"y\" `z` ` // /* */ é 😀 1 @d function require ?."
)
_PIECES = st.sampled_from([*_WORDS.split(), "\n", "\r\n", "\u2028", "\t"])


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(_PIECES, max_size=40).map(" ".join) | st.text(max_size=60).map("export ".__add__))
def test_no_line_ever_changes_its_length(code: str) -> None:
    result = prepare(code, "typescript")
    text = result.code if isinstance(result, Prepared) else code
    assert [utf16_length(line) for line in lines(text)] == [
        utf16_length(line) for line in lines(code)
    ]
