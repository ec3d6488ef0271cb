"""How refused texts are explained; the messages are those that V8 and swc really give."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sampling import examples

from onehop.source import Diagnosis, _words, diagnose
from onehop.types import Language

pytestmark = pytest.mark.unit

BOTH: list[Language] = ["javascript", "typescript"]
TYPESCRIPT = 'This looks like TypeScript: send it with language "typescript"'


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("Unexpected token '='", "Unexpected token '='"),
        ("SyntaxError: Expression expected\n  |\n2 | let b = = 2;\n  |         ~", None),
        ("Uncaught SyntaxError: Expression expected at <anonymous>:1:9", None),
        (
            "The module's source code could not be parsed: Expression expected at data:x,y:2:9",
            None,
        ),
    ],
)
def test_otherwise_the_engines_words_stand_without_its_decoration(
    message: str, words: str | None
) -> None:
    expected = Diagnosis(words or "Expression expected", 1, 9)
    assert diagnose("let b = = 2;", "javascript", message, 1, 9) == expected


@pytest.mark.parametrize(
    ("code", "message", "place"),
    [
        ("import x from 'y'", "Cannot use import statement outside a module", (1, 1)),
        ("1;\n  import x from 'y'", "'import', and 'export' cannot be used outside of m", (2, 3)),
        ("import x from 'y'", "Unexpected identifier 'x'", (1, 8)),
        ("import { a } from 'y'", "Unexpected token '{'", (1, 8)),
    ],
)
@pytest.mark.parametrize("language", BOTH)
def test_an_import_is_explained_at_its_keyword(
    code: str, message: str, place: tuple[int, int], language: Language
) -> None:
    found = diagnose(code, language, message, *place)
    assert found.message.startswith("import is not available in the sandbox")
    assert (found.line, found.column) == (place[0], code.split("\n")[-1].index("import") + 1)


@pytest.mark.parametrize("language", BOTH)
def test_an_export_is_explained(language: Language) -> None:
    found = diagnose("export const a = 1", language, "Unexpected token 'export'", 1, 1)
    assert found.message.startswith("export has no meaning here")
    assert (found.line, found.column) == (1, 1)


def test_an_export_of_a_type_sent_as_javascript_is_typescript() -> None:
    code = "export interface X {}\nreturn 1"
    found = diagnose(code, "javascript", "Unexpected token 'export'", 1, 1)
    assert found.message == f"Unexpected token 'export'. {TYPESCRIPT}"


@pytest.mark.parametrize("column", [8, 15])
@pytest.mark.parametrize("language", BOTH)
def test_import_meta_is_explained(language: Language, column: int) -> None:
    message = "Cannot use 'import.meta' outside a module"
    found = diagnose("return import.meta.url", language, message, 1, column)
    assert found.message.startswith("import.meta is not available")
    assert (found.line, found.column) == (1, 8)


@pytest.mark.parametrize(
    "message",
    [
        "Unexpected reserved word",
        "await is only valid in async functions and the top level bodies of modules",
    ],
)
def test_an_await_in_a_plain_function_is_explained(message: str) -> None:
    found = diagnose("const f = () => { await x }", "typescript", message, 1, 19)
    assert found.message.startswith("await is only valid in async functions: make the function")
    assert (found.line, found.column) == (1, 19)


@pytest.mark.parametrize(
    ("code", "message", "at", "start"),
    [
        ("return <div/>", "Unexpected token '<'", (1, 8), (1, 8)),
        ("return <div/>", "Expression expected", (1, 13), (1, 8)),
        ("return <div>hi</div>", "Unterminated regexp literal", (1, 16), (1, 8)),
        ("return <></>;", "Expression expected", (1, 9), (1, 8)),
        ("return (\n  <A b='it'>don't {x}</A>\n)", "Expected '>', got 'b'", (2, 6), (2, 3)),
        ("const é = '😀', a = <A></A>;", "Expression expected", (1, 28), (1, 21)),
    ],
)
@pytest.mark.parametrize("language", BOTH)
def test_jsx_is_named_at_its_start(
    code: str, message: str, at: tuple[int, int], start: tuple[int, int], language: Language
) -> None:
    found = diagnose(code, language, message, *at)
    assert found.message.startswith("JSX is not supported")
    assert (found.line, found.column) == start


@pytest.mark.parametrize(
    "code", ["let y = <any>x; let b = = 2", "let f = <T>(x: T) => x; let b = = 2"]
)
def test_angle_brackets_of_types_are_no_jsx(code: str) -> None:
    column = code.index("= 2") + 1
    found = diagnose(code, "typescript", "Expression expected", 1, column)
    assert found == Diagnosis("Expression expected", 1, column)


@pytest.mark.parametrize(
    ("code", "message", "column"),
    [
        ("const s: string = 'x'", "Missing initializer in const declaration", 7),
        ("interface X {}", "Unexpected identifier 'X'", 11),
        ("const x = 1 as number", "Unexpected identifier 'as'", 13),
        ("function f(a: number) {}", "Unexpected token ':'", 13),
        ("enum A {B}", "Unexpected reserved word", 1),
        ("type X = 1", "Unexpected identifier 'X'", 6),
        ("class A { private x = 1 }", "Unexpected identifier 'x'", 19),
        ("return a!.b", "Unexpected token '!'", 9),
        ("abstract class A {}", "Unexpected token 'class'", 10),
        ("declare const x: number", "Unexpected token 'const'", 9),
        ("let a = 1 satisfies number", "Unexpected identifier 'satisfies'", 11),
        ("const f = (x: any) => x", "Expected ',', got ':'", 13),
        ("const { a }: X = y", "Missing initializer in destructuring declaration", 7),
        ("@dec class A {}", "Invalid or unexpected token", 1),
    ],
)
def test_typescript_sent_as_javascript_gets_a_hint(code: str, message: str, column: int) -> None:
    found = diagnose(code, "javascript", message, 1, column)
    assert found == Diagnosis(f"{message}. {TYPESCRIPT}", 1, column)


def test_plain_mistakes_get_no_such_hint() -> None:
    message = "Missing initializer in const declaration"
    assert diagnose("const a;", "javascript", message, 1, 7) == Diagnosis(message, 1, 7)


@pytest.mark.parametrize(
    ("code", "message", "place"),
    [
        ("return 1 }", "Unexpected token '}'", (1, 10)),
        ("if (x) { } }\nreturn 5", "Illegal return statement", (1, 12)),
        ("a = '}'; // }\n/}/.test(`}${b}`) }", "Unexpected token '}'", (2, 19)),
        ("))))", "Unexpected token ')'", (1, 1)),
    ],
)
def test_a_surplus_bracket_is_found(code: str, message: str, place: tuple[int, int]) -> None:
    found = diagnose(code, "javascript", message, 9, 1)
    bracket = code.split("\n")[place[0] - 1][place[1] - 1]
    assert found == Diagnosis(f"Unexpected token '{bracket}': it closes nothing, remove it", *place)


@pytest.mark.parametrize(
    ("code", "bracket", "place"),
    [
        ("if (true) {", "{", (1, 11)),
        ("f(", "(", (1, 2)),
        ("let x = [1, 2", "[", (1, 9)),
        ("const x = {a: 1, b: {c: 2}", "{", (1, 11)),
        ("for (const x of y) {\n  log('}')\n\nreturn 5 // }\n", "{", (1, 20)),
        ("\n\nasync () => { for (;;) { await x }", "{", (3, 13)),
        ("const s = `a ${b", "${", (1, 14)),
        ("x = a / b / {", "{", (1, 13)),
        ("x = a++ / 2; y = {", "{", (1, 18)),
        ("return /[/{]/.test('{') ? {", "{", (1, 27)),
    ],
)
def test_a_bracket_that_is_never_closed_is_named(
    code: str, bracket: str, place: tuple[int, int]
) -> None:
    found = diagnose(code, "javascript", "Unexpected token '}'", code.count("\n") + 2, 1)
    assert found == Diagnosis(
        f"Unexpected end of input: the `{bracket}` opened at "
        f"line {place[0]}, column {place[1]} is never closed",
        *place,
    )


@pytest.mark.parametrize(
    ("code", "kind", "place"),
    [
        ("let s = 'abc", "string: the `'`", (1, 9)),
        ('let s = "it\'s" + "x', 'string: the `"`', (1, 18)),
        ("return '\\", "string: the `'`", (1, 8)),
        ("\nlet s = `abc\n ${d} }", "template literal: the backtick", (2, 9)),
        ("/* abc", "comment: the `/*`", (1, 1)),
    ],
)
def test_a_quote_or_comment_without_an_end_is_named(
    code: str, kind: str, place: tuple[int, int]
) -> None:
    found = diagnose(code, "typescript", "Expected '}', got '<eof>'", 9, 2)
    expected = f"opened at line {place[0]}, column {place[1]} is never closed"
    assert found == Diagnosis(f"Unterminated {kind} {expected}", *place)


def test_a_bracket_closed_by_another_kind_is_named_at_the_wrong_one() -> None:
    found = diagnose("foo(bar[1)", "javascript", "Unexpected token ')'", 1, 10)
    words = "Unexpected token ')': the `[` opened at line 1, column 8 must be closed first"
    assert found == Diagnosis(words, 1, 10)


def test_a_missing_parenthesis_inside_the_text_names_its_opening() -> None:
    message = "missing ) after argument list"
    found = diagnose("f(1, 2\nreturn 3", "javascript", message, 2, 1)
    words = f"{message}: the `(` opened at line 1, column 2 is never closed"
    assert found == Diagnosis(words, 2, 1)


@pytest.mark.parametrize(
    ("code", "place"), [("1 +", (1, 4)), ("a\nawait  \n\n", (2, 6)), ("", (1, 1))]
)
def test_a_text_that_just_stops_ends_behind_its_last_line(
    code: str, place: tuple[int, int]
) -> None:
    found = diagnose(code, "javascript", "Unexpected token '}'", 99, 1)
    assert found == Diagnosis("Unexpected end of input", *place)


def test_without_a_position_the_words_stand_alone() -> None:
    assert diagnose("x", "javascript", "", None, None) == Diagnosis("Invalid syntax", None, None)


@pytest.mark.sample(3)
@pytest.mark.parametrize("language", BOTH)
@pytest.mark.parametrize(
    "piece", ["(", "}", "`${", "f(`", "a<b>(", "/(", "/[", "'\n", "<a>{", "\\"]
)
def test_hostile_texts_are_explained_in_bounded_time(piece: str, language: Language) -> None:
    code = piece * (130_000 // len(piece))
    start = time.thread_time()
    found = diagnose(code, language, "Expression expected", 1, 100)
    assert found.message
    assert time.thread_time() - start < 3


def test_beyond_the_bound_only_the_words_and_the_end_are_told() -> None:
    code = "(" * 200_000
    assert diagnose(code, "javascript", "Maximum depth", 1, 9) == Diagnosis("Maximum depth", 1, 9)
    found = diagnose(code, "javascript", "Unexpected token '}'", 2, 1)
    assert found == Diagnosis("Unexpected end of input", 1, 200_001)


@settings(max_examples=examples(300), deadline=None)
@given(
    st.text("(){}[]`'\"/*\\$<>=+ax:;\n é😀\u2028", max_size=60),
    st.sampled_from(BOTH),
    st.text(max_size=30),
    st.integers(-2, 9) | st.none(),
    st.integers(-2, 70) | st.none(),
)
def test_any_text_and_any_position_are_survived(
    code: str, language: Language, message: str, line: int | None, column: int | None
) -> None:
    found = diagnose(code, language, message, line, column)
    assert found.message
    assert (found.line is None) == (found.column is None)


def test_a_self_closing_element_is_named_though_the_engine_points_to_the_end() -> None:
    found = diagnose("return <div/>", "typescript", "Unterminated regexp literal", 2, 2)
    assert (found.message, found.line, found.column) == (_words.JSX, 1, 8)


def test_a_comparison_at_the_end_of_a_text_is_no_element() -> None:
    found = diagnose("return 1 <a && (b > 2", "typescript", "Expected ')'", 2, 1)
    assert "never closed" in found.message
