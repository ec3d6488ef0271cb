"""What a model reads of a result, and what is left of one that is too large."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.types import CallToolResult, JSONRPCResponse, TextContent

from onehop.definition.text import render, to_text
from onehop.definition.told import told_of
from onehop.server.mcp._data import SCHEMA, to_data, to_meta
from onehop.server.mcp._fit import MAX_OUTPUT, Fitted, fit
from onehop.types import Correction, ErrorInfo, ExecutionResult, Finding, LogEntry, ResourceUsage

pytestmark = pytest.mark.unit

FINDING = Finding(
    type="warning",
    message="the loop has no way out",
    pattern="endless-loop",
    severity="medium",
    line=2,
    column=1,
    suggestion="count, and stop",
)
AWKWARD = st.text(st.sampled_from('"\\\n\x01é😀x'), max_size=40).flatmap(
    lambda text: st.integers(0, 12_000).map(lambda times: text * times)
)


def result(**fields: Any) -> ExecutionResult:
    """A result with what is the same in all of them."""
    usage = ResourceUsage(memory=0)
    return ExecutionResult(**{"success": True, "resource_usage": usage, "code_hash": "0", **fields})


def printed(*lines: str) -> dict[str, Any]:
    """The fields of console lines."""
    entries = [LogEntry(level="log", message=line, time=1) for line in lines]
    return {"logs": list(lines), "log_entries": entries}


def failure(message: str, **fields: Any) -> dict[str, Any]:
    """The fields of a failed run."""
    info = ErrorInfo(type="runtime", name="Error", message=message, **fields)
    return {"success": False, "error": f"Error: {message}", "error_info": info}


def kept_nowhere(_text: str) -> str:
    raise AssertionError("nothing was to be kept")


# --- text ---


def test_a_value_alone_stands_alone() -> None:
    assert render(result(output="a\nb")) == '"a\\nb"'
    assert render(result(output=None)) == "null"
    assert render(result(output=[])) == "[]"


def test_warnings_are_shown_with_their_advice() -> None:
    assert render(result(output=1, findings=[FINDING])) == (
        "Output:\n1\n\nWorth a look:\n- line 2, column 1: the loop has no way out; count, and stop"
    )


def test_hints_follow_the_error() -> None:
    shown = render(result(**failure("no"), hints=["try this", "or that"]))
    assert shown == "Error (runtime): Error: no\nHints:\n- try this\n- or that"


def test_corrections_are_shown_briefly() -> None:
    fixed = Correction.model_validate(
        {"kind": "alias", "field": "language", "from": "ts", "to": "y" * 500}
    )
    shown = render(result(output=1, corrections=[fixed]))
    assert shown.startswith(
        'Output:\n1\n\nCorrected before the run:\n- language (alias): "ts" → "yy'
    )
    assert len(shown) < 250


def test_lines_that_are_gone_are_said_to_be() -> None:
    shown = render(result(output=1, **printed("a"), logs_truncated=True))
    assert "Console:\na\n" in shown
    assert "more lines were printed" in shown


def test_json_for_a_model_has_no_indentation() -> None:
    assert render(result(output={"a": [1, {"b": None}]})) == '{"a":[1,{"b":null}]}'


# --- data ---


SUCCESS = {
    "output": [1],
    "warnings": ["work was left behind"],
    "findings": [FINDING],
    "corrections": [Correction.model_validate({"kind": "alias", "field": "language"})],
    **printed("a", "b"),
}
FAILURE = {
    **failure("no", line=1, column=1, excerpt=" 1 | throw\n   | ^"),
    "hints": ["try this"],
    "warnings": ["work was left behind"],
    "findings": [FINDING],
    **printed("a", "b"),
}


def parts_of(value: Any) -> Iterator[str]:
    """The texts in data."""
    match value:
        case dict():
            yield from parts_of([*value.values()])
        case list():
            for item in value:
                yield from parts_of(item)
        case str():
            yield value


@pytest.mark.parametrize("fields", [SUCCESS, FAILURE], ids=["success", "failure"])
def test_the_text_and_the_data_tell_the_same(fields: dict[str, Any]) -> None:
    told = told_of(result(**fields))
    text, data = to_text(told), to_data(told)
    assert [part for part in parts_of({**data, "status": ""}) if part not in text] == []
    said = set(parts_of(data))
    for line in ("work was left behind", "a", "b"):
        assert line in said
    assert any("the loop has no way out; count, and stop" in part for part in said)


def test_what_a_value_alone_is_told_with_is_little() -> None:
    assert to_data(told_of(result(output=42))) == {"status": "completed", "output": 42}


def test_a_failure_comes_with_its_place_and_what_to_do() -> None:
    data = to_data(told_of(result(**FAILURE)))
    assert data["status"] == "failed"
    assert data["error"] == "Error: no\n 1 | throw\n   | ^"
    assert data["next"] == [
        "line 2, column 1: the loop has no way out; count, and stop",
        "try this",
    ]
    assert "output" not in data


def test_a_finding_that_is_the_error_is_told_once() -> None:
    place = {"line": FINDING.line, "column": FINDING.column}
    refused = result(**failure(FINDING.message, **place), findings=[FINDING])
    assert render(refused).count(FINDING.message) == 1
    assert "- line 2, column 1: count, and stop" in render(refused)


def test_what_only_programs_read_lies_in_meta() -> None:
    given = result(**SUCCESS)
    wire, data, meta = given.to_dict(), to_data(told_of(given)), to_meta(given)
    told = {"success", "output", "logs", "warnings"}
    assert meta == {f"onehop/{name}": wire[name] for name in wire.keys() - told}
    assert set(data) <= set(SCHEMA["properties"])


# --- size ---


def shown_of(fitted: Fitted) -> dict[str, Any]:
    """The data that a client gets."""
    return to_data(told_of(fitted.result, fitted.lines))


def test_what_is_small_stays_as_it_is() -> None:
    small = result(output=["x" * 50_000], **printed("a"))
    assert fit(small, kept_nowhere) == Fitted(small, ["a"])


def test_a_large_output_is_kept_whole_and_shown_in_part() -> None:
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return "id"

    output = {"rows": ["é" * 100] * 2000}
    shown = fit(result(output=output), keep).result
    assert json.loads(kept[0]) == output
    assert (shown.output_truncated, shown.persisted_output_id) == (True, "id")
    assert kept[0].startswith(shown.output)
    assert len(shown.output) > 8000


def test_a_preview_of_the_sandbox_is_made_smaller_and_keeps_its_id() -> None:
    large = result(output="[" + "1," * 2_000_000, output_truncated=True, persisted_output_id="its")
    shown = fit(large, kept_nowhere).result
    assert shown.persisted_output_id == "its"
    assert large.output.startswith(shown.output)


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "lines",
    [
        [str(number) for number in range(5000)],
        [""] * 10_000,
        ["x" * 999] * 1000,
        ["é" * 300_000, "\x01" * 100_000],
        ['"' * 4000] * 250,
    ],
    ids=["short", "empty", "long", "enormous", "awkward"],
)
@pytest.mark.parametrize("size", [1, MAX_OUTPUT - 10], ids=["small", "large"])
def test_many_lines_never_touch_the_output(lines: list[str], size: int) -> None:
    output = ["x" * size]
    fitted = fit(result(output=output, **printed(*lines)), kept_nowhere)
    assert fitted.result.output == output
    assert fitted.result.output_truncated is None
    assert fitted.result.logs_truncated is True
    assert answer_size(fitted) < 1_000_000


def test_of_many_lines_the_beginning_and_the_end_stay() -> None:
    lines = [str(number) for number in range(5000)]
    fitted = fit(result(output=1, **printed(*lines)), kept_nowhere)
    (marker,) = [line for line in fitted.lines if not line.isdigit()]
    place = fitted.lines.index(marker)
    head, tail = fitted.lines[:place], fitted.lines[place + 1 :]
    assert head == lines[: len(head)]
    assert tail == lines[-len(tail) :]
    assert len(head) > 1000 < len(tail)
    assert marker == f"… ({5000 - len(head) - len(tail)} lines left out) …"
    entries = [entry.message for entry in fitted.result.log_entries]
    assert entries == [*head, *tail]
    assert shown_of(fitted)["logs"] == fitted.lines
    assert marker in to_text(told_of(fitted.result, fitted.lines))


def test_a_line_that_is_cut_says_how_much_is_missing() -> None:
    fitted = fit(result(**printed("x" * 300_000, "end")), kept_nowhere)
    line, end = fitted.lines
    kept, _, told = line.partition("… (")
    assert told == f"{300_000 - len(kept)} more characters)"
    assert end == "end"


def test_an_enormous_message_is_cut() -> None:
    long = "m" * 1_000_000
    given = result(**failure(long, stack=long, excerpt=long), hints=[long], warnings=[long] * 99)
    fitted = fit(given, kept_nowhere)
    assert shown_of(fitted)["error"].startswith("Error: mmm")
    assert answer_size(fitted) < 60_000


def answer_size(fitted: Fitted) -> int:
    """Bytes of the event that brings an answer."""
    told = told_of(fitted.result, fitted.lines, "onehop://outputs/id")
    answer = CallToolResult(
        content=[TextContent(text=to_text(told))],
        structured_content=to_data(told),
        _meta=to_meta(fitted.result),
    )
    wire = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
    return len(JSONRPCResponse(jsonrpc="2.0", id=1, result=wire).model_dump_json().encode())


@settings(max_examples=60, deadline=None)
@given(AWKWARD, st.lists(AWKWARD, max_size=4), AWKWARD)
def test_no_result_is_too_large_for_a_client(output: str, lines: list[str], words: str) -> None:
    fixed = Correction.model_validate(
        {"kind": "alias", "field": "code", "from": words, "to": words}
    )
    advice = {"hints": [words] * 3, "warnings": [words] * 3, "corrections": [fixed] * 3}
    given = result(output=output, **printed(*lines), **advice)
    failed = result(**printed(*lines), **failure(words, stack=words), **advice)
    for large in (given, failed):
        assert answer_size(fit(large, lambda _text: "id")) < 1_000_000
