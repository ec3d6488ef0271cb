"""What a model reads of a result, and what is left of one that is too large."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from mcp.types import CallToolResult, JSONRPCResponse, TextContent

from onehop.server._mcp_fit import MAX_RESULT, fit
from onehop.server._mcp_text import render
from onehop.types import Correction, ErrorInfo, ExecutionResult, Finding, LogEntry, ResourceUsage

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
    assert shown.endswith("Console:\na\n(there was more, which is gone)")


# --- size ---


def test_what_is_small_stays_as_it_is() -> None:
    small = result(output=["x" * 200_000])
    assert fit(small, kept_nowhere) is small


def test_a_large_output_is_kept_whole_and_shown_in_part() -> None:
    kept: list[str] = []

    def keep(text: str) -> str:
        kept.append(text)
        return "id"

    output = {"rows": ["é" * 100] * 2000}
    shown = fit(result(output=output), keep)
    assert json.loads(kept[0]) == output
    assert (shown.output_truncated, shown.persisted_output_id) == (True, "id")
    assert kept[0].startswith(shown.output)
    assert len(shown.output) > 8000


def test_a_preview_of_the_sandbox_is_made_smaller_and_keeps_its_id() -> None:
    large = result(output="[" + "1," * 2_000_000, output_truncated=True, persisted_output_id="its")
    shown = fit(large, kept_nowhere)
    assert shown.persisted_output_id == "its"
    assert large.output.startswith(shown.output)


def test_many_lines_lose_their_end_and_the_output_stays() -> None:
    large = result(output=[1, 2], **printed(*["x" * 999] * 1000))
    shown = fit(large, kept_nowhere)
    assert shown.output == [1, 2]
    assert shown.logs_truncated is True
    assert len(shown.logs) == len(shown.log_entries) == 65


def test_an_enormous_message_is_cut() -> None:
    shown = fit(result(**failure("m" * 1_000_000, stack="s" * 1_000_000)), kept_nowhere)
    assert shown.error is not None
    assert shown.error.startswith("Error: mmm")
    assert len(json.dumps(shown.to_dict())) < 20_000


@settings(max_examples=60, deadline=None)
@given(AWKWARD, st.lists(AWKWARD, max_size=4), AWKWARD)
def test_no_result_is_too_large_for_a_client(output: str, lines: list[str], words: str) -> None:
    given = result(output=output, **printed(*lines))
    failed = result(**printed(*lines), **failure(words, stack=words), hints=[words])
    for large in (given, failed):
        shown = fit(large, lambda _text: "id")
        data = shown.to_dict()
        assert len(json.dumps(data, ensure_ascii=False).encode()) <= MAX_RESULT * 1.01
        text = TextContent(text=render(shown, "onehop://outputs/id"))
        answer = CallToolResult(content=[text], structured_content=data)
        wire = answer.model_dump(by_alias=True, mode="json", exclude_none=True)
        event = JSONRPCResponse(jsonrpc="2.0", id=1, result=wire).model_dump_json()
        assert len(event.encode()) < 1_000_000
