"""Positions, bounds and reports of repaired code."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from onehop.config import CorrectionConfig
from onehop.corrections import CorrectedCode, correct_code, finding_in_original, in_original
from onehop.source import lines
from onehop.types import ErrorInfo, ExecutionResult, Finding, ResourceUsage
from tests.sampling import examples

pytestmark = pytest.mark.unit

ON = CorrectionConfig()


def corrected(code: str) -> CorrectedCode:
    return correct_code(code, "javascript", ON)


PROGRAMS = [
    "1",
    "const a = 5; a",
    "async () => {\n  return 1\n}",
    "async (context) => 1 // end",
    "'😀é'; '😀'",
    "\n\n  [1]\n    .map(String)\n",
    "a\u2028b",
    "```js\n() => {\n1 }\n```",
    "\tfoo( )\r\n\r\nfunction foo() {}",
]


@pytest.mark.parametrize("code", PROGRAMS)
def test_every_character_that_was_written_is_found_where_it_was(code: str) -> None:
    repaired = corrected(code)
    assert repaired.corrections
    seen: dict[tuple[int, int], list[bytes]] = {}
    for place, unit in positions(repaired.code):
        seen.setdefault(repaired.original_position(*place), []).append(unit)
    for place, unit in positions(code):
        assert unit in seen[place] or seen[place] == [" ".encode("utf-16-le")], (place, seen)


def positions(code: str) -> list[tuple[tuple[int, int], bytes]]:
    """Each UTF-16 unit of a text with its line and column."""
    found = []
    for number, line in enumerate(lines(code), 1):
        data = line.encode("utf-16-le")
        units = [data[at : at + 2] for at in range(0, len(data), 2)]
        found += [((number, column), unit) for column, unit in enumerate(units, 1)]
    return found


def test_a_position_inside_of_what_was_inserted_is_where_it_was_inserted() -> None:
    repaired = corrected("const a = 5; a")
    assert repaired.code == "const a = 5; return a"
    assert [repaired.original_position(1, column) for column in (13, 14, 17, 21, 22)] == [
        (1, 13),
        (1, 14),
        (1, 14),
        (1, 14),
        (1, 15),
    ]
    assert repaired.original_position(7, 70) == (7, 70)


def test_findings_and_words_of_syntax_errors_are_placed_in_the_original() -> None:
    code = "const a = 5; a"
    repaired = corrected(code)
    finding = Finding(type="error", message="m", pattern="p", severity="low", line=1, column=21)
    info = ErrorInfo(
        type="runtime",
        name="SyntaxError",
        message="the `(` opened at line 1, column 21 is never closed",
        line=1,
        column=21,
    )
    result = ExecutionResult(
        success=False,
        code_hash="0" * 16,
        resource_usage=ResourceUsage(memory=0),
        error=f"SyntaxError: {info.message} (line 1, column 21)",
        error_info=info,
        findings=[finding],
    )
    seen = in_original(result, code, repaired)
    assert finding_in_original(finding, repaired).column == 14
    assert seen.findings == [finding_in_original(finding, repaired)]
    assert seen.error == (
        "SyntaxError: the `(` opened at line 1, column 14 is never closed (line 1, column 14)"
    )
    assert seen.error_info is not None
    assert seen.error_info.excerpt == " 1 | const a = 5; a\n   |              ^"


def test_only_frames_of_a_stack_are_moved() -> None:
    code = "f()"
    stack = (
        "Error: at code.js:1:9 of\n    at f (code.js:1:9)\n    at code.js:1:8\nno at code.js:1:9"
    )
    info = ErrorInfo(type="runtime", name="Error", message="m", line=1, column=9, stack=stack)
    result = ExecutionResult(
        success=False,
        code_hash="0" * 16,
        resource_usage=ResourceUsage(memory=0),
        error="Error: something else",
        error_info=info,
    )
    seen = in_original(result, code, corrected(code))
    assert seen.error_info is not None
    assert seen.error_info.stack == (
        "Error: at code.js:1:9 of\n    at f (code.js:1:2)\n    at code.js:1:1\nno at code.js:1:9"
    )
    assert seen.error == "Error: something else"


@pytest.mark.parametrize(
    "code",
    [
        "x" * 200_000,
        "1 + " * 30_000 + "1",
        "(" * 90_000,
        "[" * 40_000 + "]" * 40_000,
        "{" * 40_000 + "}" * 40_000,
        "`" * 99_999,
        "```js\n" + "```" * 30_000,
        " " * 1_000_000,
        "\n" * 99_000 + "1",
        "```" + " " * 1_000_000,
        "```js\n" + " \n" * 500_000,
        "\0",
        "",
    ],
)
def test_hostile_text_is_left_or_repaired_and_never_fails(code: str) -> None:
    repaired = corrected(code)
    assert len(repaired.code) <= len(code) + 30
    assert all(len(str(made.from_)) + len(str(made.to)) < 200 for made in repaired.corrections)


def test_a_program_of_a_megabyte_is_repaired() -> None:
    filler = "// what this is about\n" * 45_000
    assert corrected("const a = 1;\n" * 75_000 + "a").code.endswith("return a")
    assert corrected("async function main() { return 7 }\n" + filler).corrections[0].kind == "call"
    assert "`add` is never called" in (corrected("function add(a, b) {}" + filler).missing or "")


@pytest.mark.sample(2)
@pytest.mark.parametrize("piece", ["const a = 1;\n", "a\n", "(", "`${", "m() {}\n", "{}"])
def test_a_program_too_much_to_examine_says_that_if_it_gives_nothing(piece: str) -> None:
    code = piece * (2_200_000 // len(piece))
    repaired = corrected(code)
    assert (repaired.code, repaired.corrections) == (code, [])
    assert "too long" in (repaired.missing or "")


def test_what_more_is_missing_is_said_when_no_more_repairs_are_allowed() -> None:
    code = "```js\nconst a = 1\na\n```"
    repaired = correct_code(code, "javascript", CorrectionConfig(max_retries=1))
    assert [made.kind for made in repaired.corrections] == ["fence"]
    assert "nothing was returned" in (repaired.missing or "")


NAMES = "".join(f"const n{number} = 1;\n" for number in range(199))
USES = "`" + " ".join(f"n{number}" for number in range(199)) + "`;"
HARD = [
    "export {};\n",
    "export default function a() {}\n",
    "module.exports = a;\n",
    "const a = 1;",
    "{{}}",
    "a &lt; b;\n",
    USES,
]


@pytest.mark.sample(1)
@pytest.mark.parametrize("piece", HARD)
def test_a_program_made_to_be_hard_costs_seconds_at_most(piece: str) -> None:
    before = time.thread_time()
    corrected(NAMES + piece * (2_000_000 // len(piece)))
    assert time.thread_time() - before < 9


def test_a_correction_repeats_one_short_line() -> None:
    made = corrected("[" + "1, " * 1000 + "]").corrections[0]
    assert made.model_dump(by_alias=True) == {
        "kind": "return",
        "field": "code",
        "from": "[" + "1, " * 19 + "1,…",
        "to": "return [" + "1, " * 19 + "1,…",
    }


PIECES = st.sampled_from(
    "1|a|'s'|`t`|{ a: 1 }|{|}|(|)|[1]|=>|() =>|async|function f() {|return|return 1|;|\n|\r\n|"
    "const a = 1|a.b()|// c\n|/* c */|```|```js\n|\n```|'use strict'|if (a)|else|for (;;)|"
    "class A {}|await|,|.|+|/|=|x:|😀|\u2028| ".split("|")
)


@settings(max_examples=examples(400), deadline=None)
@example("``` \u2028 \n``` 1")
@given(st.lists(PIECES, max_size=12).map(" ".join))
def test_only_what_is_reported_is_changed(code: str) -> None:
    repaired = corrected(code)
    kinds = [made.kind for made in repaired.corrections]
    assert len(kinds) == len(set(kinds)) <= 2
    assert bool(kinds) == (repaired.code != code)
    assert len(lines(repaired.code)) == len(lines(code))
    if kinds and kinds[-1] != "fence":
        assert "return " in repaired.code
    again = corrected(repaired.code)
    assert again.corrections == [] or kinds == ["fence"], (repaired.code, again.code)
    squeezed = re.sub(r"\s", "", code)
    assert "fence" in kinds or squeezed[:1] in re.sub(r"\s", "", repaired.code)
