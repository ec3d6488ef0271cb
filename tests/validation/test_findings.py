"""Where findings are, what they say, and what gives a warning."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from onehop.types import Finding, Language
from onehop.validation import Validator
from tests.validation.programs import harmless

Found = Callable[..., list[Finding]]
Patterns = Callable[..., list[str]]


@pytest.fixture
def found(validator: Validator) -> Found:
    """What is found in code."""
    return lambda code, language="javascript": validator.validate(code, language).issues


@pytest.fixture
def patterns(found: Found) -> Patterns:
    """By which rules."""
    return lambda code, language="javascript": [each.pattern for each in found(code, language)]


# --- places and words ---


@pytest.mark.parametrize(
    ("code", "line", "column"),
    [
        ("eval('1')", 1, 1),
        ("return 1 +\n  eval('1')", 2, 3),
        ("const a = '😀é'; eval('1')", 1, 18),
        ("a\r\nb\rc\u2028d; process", 4, 4),
        ("x = '\ud800'; Deno", 1, 10),
        ("return globalThis?.process", 1, 8),
        ("const { Deno: d } = globalThis", 1, 9),
        ("setTimeout(\n'x')", 2, 1),
    ],
)
def test_a_finding_is_where_v8_would_put_it(
    code: str, line: int, column: int, found: Found
) -> None:
    assert [(issue.line, issue.column) for issue in found(code)] == [(line, column)]


def test_findings_come_in_the_order_of_the_text(patterns: Patterns) -> None:
    assert patterns("while (true) {}\nprocess.exit()\neval('1')") == [
        "endless_loop",
        "process",
        "eval",
    ]


def test_a_finding_says_what_does_not_work_and_what_to_write_instead(found: Found) -> None:
    [issue] = found("return process.env.TOKEN")
    assert "does not exist in the sandbox" in issue.message
    assert issue.suggestion is not None
    assert "`context`" in issue.suggestion
    assert (issue.type, issue.severity, issue.issue_type) == (
        "error",
        "high",
        "unauthorized_access",
    )


def test_an_import_is_told_that_there_are_no_modules(found: Found) -> None:
    [issue] = found('import fs from "fs"; return 1')
    assert "no modules" in issue.message


def test_the_same_thing_all_over_the_text_is_reported_a_bounded_number_of_times(
    found: Found,
) -> None:
    assert len(found("eval(1);" * 5000)) == 50


def test_code_that_does_not_parse_is_scanned_as_far_as_the_tree_goes(found: Found) -> None:
    issues = found("const a = (1 + ;\nreturn process.env")
    assert {"syntax", "process"} <= {issue.pattern for issue in issues}


# --- loops ---


@pytest.mark.parametrize(
    "code",
    [
        "while (true) { work() }",
        "while (1) ;",
        "while (!0) work()",
        "while ((true)) { work() }",
        "for (;;) { work() }",
        "for (let i = 0; ; i++) { work() }",
        "for (; true; ) work()",
        "do { work() } while (true)",
        "while (true) { for (const x of y) { break } }",
        "while (true) { switch (x) { case 1: break } }",
        "while (true) { list.map((x) => { return x }) }",
        "while (true) { const f = function () { throw 1 } }",
        "while (true) { class A { f() { return 1 } } }",
        "while (true) { continue }",
        "a: while (true) { continue a }",
        "while (true) { b: for (const x of y) { break b } }",
        "while (true) { try { throw 1 } catch {} }",
        "while (true) { await wait(1) }",
        "while (true) { /* break */ work('return') }",
        "while (true) { row.break; ({ return: 1 }) }",
    ],
)
def test_a_loop_without_a_way_out_is_warned_of(code: str, patterns: Patterns) -> None:
    assert patterns(code) == ["endless_loop"]


@pytest.mark.parametrize(
    "code",
    [
        "while (true) { if (x) break }",
        "while (true) { if (x) return 1 }",
        "while (true) { throw new Error('x') }",
        "while (true) { try { work() } catch { throw 1 } }",
        "while (true) { try { throw 1 } finally { work() } }",
        "a: while (true) { for (;;) { break a } }",
        "a: for (const x of y) { while (true) { continue a } }",
        "function* f() { while (true) yield 1 }",
        "for (;;) { switch (x) { case 1: return 2 } }",
        "do { if (x) break } while (true)",
        "while (x) work()",
        "for (; x; ) work()",
        "do work(); while (false)",
        "while (0) work()",
        "while (list.length) list.pop()",
        "for (const x in y) work()",
    ],
)
def test_a_loop_with_a_way_out_is_not(code: str, patterns: Patterns) -> None:
    assert "endless_loop" not in patterns(code)


def test_more_than_ten_loops_are_warned_of(found: Found, patterns: Patterns) -> None:
    loop = "for (const x of list) use(x);\n"
    assert patterns(loop * 10) == []
    [issue] = found(loop * 11)
    assert (issue.pattern, issue.severity, issue.line) == ("many_loops", "low", 11)


def test_loops_nested_four_deep_are_warned_of(patterns: Patterns) -> None:
    loop = "for (const x of list) "
    assert patterns(loop * 3 + "use()") == []
    assert patterns(loop * 4 + "use()") == ["nested_loops"]
    assert patterns(f"{loop * 2} list.map(() => {{ while (x) {{ do y(); while (z) }} }})") == [
        "nested_loops"
    ]


# --- disguise, length ---


@pytest.mark.parametrize(
    "code",
    [
        r"return '\x70\x72\x6f\x63\x65\x73\x73\x2e\x65\x6e\x76'",
        r"return '\u0070\u0072\u006f\u0063\u0065\u0073\u0073\u002e'",
        r"return '\u{70}\u{72}\u{6f}\u{63}\u{65}\u{73}\u{73}\u{2e}'",
        r"const t\u006ftal = 1; return total",
        "return " + "[][(![]+[])[+[]]+([![]]+[][[]])[+!+[]+[+[]]]]" * 4,
    ],
)
def test_disguised_code_is_warned_of(code: str, patterns: Patterns) -> None:
    assert "obfuscation" in patterns(code)


@pytest.mark.parametrize(
    "code",
    [
        r"return '\x1b[31mred\x1b[0m \u00e9\u4f60\u597d\u4e16\u754c\u4f60\u597d\u4e16\u754c'",
        r"return /[\x00-\x1f\x7f]/.test(x)",
        r"return '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09'",
        r"return 'C:\\users\\u1' + '\\u0041'",
        "return [[[[1]]], [], [[]], !!x, !(!(y))]",
    ],
)
def test_ordinary_escapes_and_brackets_are_not(code: str, patterns: Patterns) -> None:
    assert "obfuscation" not in patterns(code)


@pytest.mark.parametrize(
    "code",
    [
        "return globalThis[context.name]",
        "const g = globalThis; return g[name + 1]",
        "for (const k of list) use(globalThis[k])",
        "return this[context.name]()",
        "return Reflect.get(globalThis, context.name)",
    ],
)
def test_a_global_under_a_computed_name_is_warned_of(code: str, patterns: Patterns) -> None:
    assert patterns(code) == ["computed_global"]


@pytest.mark.parametrize(
    "code",
    [
        "class A { get(k) { return this[k] } }",
        "return globalThis['Math'].PI",
        "const globalThis = {}; return globalThis[k]",
        "const o = { f(k) { return this[k] } }; return o",
        "return list[k]",
    ],
)
def test_a_property_of_another_object_under_a_computed_name_is_not(
    code: str, patterns: Patterns
) -> None:
    assert patterns(code) == []


def test_code_above_100000_characters_is_warned_of(patterns: Patterns) -> None:
    assert patterns("return '" + "x" * 99_900 + "'") == []
    assert patterns("return '" + "x" * 100_000 + "'") == ["long_code"]


@pytest.mark.parametrize("name", ["fetch", "Buffer", "document", "localStorage", "module"])
def test_a_global_of_another_place_is_warned_of_in_words_that_help(
    name: str, found: Found, patterns: Patterns
) -> None:
    [issue] = found(f"return {name}.x")
    assert (issue.pattern, issue.type, issue.severity) == ("missing_global", "warning", "low")
    assert patterns(f"const {name} = 1; return {name}.x") == []
    assert patterns(f"return typeof {name}") == []


# --- syntax ---


def test_a_syntax_error_is_a_warning_at_its_place(found: Found) -> None:
    [issue] = found("const a = 1;\nconst b = a +* 2;")
    assert (issue.pattern, issue.type, issue.severity) == ("syntax", "warning", "high")
    assert issue.line == 2


def test_typescript_sent_as_javascript_is_told_so(found: Found) -> None:
    [issue] = found("interface A { b: string }\nreturn 1 as number")
    assert 'language "typescript"' in issue.message


@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_jsx_is_named(language: Language, found: Found) -> None:
    [issue] = found("const name = 'x';\nreturn <div id='a'>{name}</div>", language)
    assert (issue.pattern, issue.line, issue.column) == ("jsx", 2, 8)


@pytest.mark.parametrize(
    "code", ["return a<b", "return a <b> c", "const f = <T,>(x: T) => x", "return <any>x"]
)
def test_less_than_and_generics_are_no_jsx(code: str, patterns: Patterns) -> None:
    assert "jsx" not in patterns(code, "typescript")


@pytest.mark.parametrize("code", ["export const a = 1", "const a = 1; export default a"])
def test_an_export_is_warned_of(code: str, patterns: Patterns) -> None:
    assert patterns(code) == ["export"]


@pytest.mark.parametrize(
    "code", ["export type A = 1", "export interface A {}", "export {}", "export type { A }"]
)
def test_an_export_of_types_is_not(code: str, patterns: Patterns) -> None:
    assert patterns(code, "typescript") == []


# --- what names mean ---


@pytest.mark.parametrize(
    "code",
    [
        "{ let eval = f } eval('1')",
        "{ const process = 1 } return process.env",
        "const f = (process) => 1; return process.env",
        "class A { process() { return process.env } }",
        "const o = { process: 1 }; return process.env",
        "try {} catch (process) {} return process.env",
        "for (const process of list) {} return process.env",
        "const f = function process() {}; return process.env",
        "const { process: p } = row; return process.env",
        "process: for (;;) { return process.env }",
        "const f = (x = process) => { const process = 1 }",
        "if (x) { class process {} } return process.env",
    ],
)
def test_a_local_holds_only_where_it_is_declared(code: str, patterns: Patterns) -> None:
    assert {"process", "eval"} & set(patterns(code))


@pytest.mark.parametrize(
    "code",
    [
        "return process; const process = 1",
        "return f(); function f() { return process } var process",
        "{ function process() {} } return process",
        "for (var process of list) {} return process",
        "const { a: [{ process = 1 }] } = row; return process",
        "const [, ...process] = list; return () => process",
        "import_: { const process = 1; return { process } }",
        "switch (x) { case 1: let process = 2; default: return process }",
    ],
)
def test_a_local_holds_everywhere_where_it_is_declared(code: str, patterns: Patterns) -> None:
    assert patterns(code) == []


def test_every_rule_of_scope_holds_in_typescript_too(patterns: Patterns) -> None:
    programs = [each for each in harmless() if each.name.startswith("names: ")]
    found_in = {each.name: patterns(each.code, "typescript") for each in programs}
    # In strict code a function is known in its block only, so this one uses the global.
    assert found_in.pop("names: a function in a block") == ["import_scripts"]
    assert {name: issues for name, issues in found_in.items() if issues} == {}
