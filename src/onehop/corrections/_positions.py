"""Results of corrected code, in the coordinates of the text that the caller wrote."""

from __future__ import annotations

import re
from collections.abc import Callable

from onehop import source
from onehop.corrections._corrected import CorrectedCode
from onehop.types import ErrorInfo, ExecutionResult, Finding, PlannedCall

_FRAME = re.compile(r"^(\s+at .*code\.[jt]s):(\d{1,9}):(\d{1,9})(\)?)$", re.MULTILINE)
_IN_WORDS = re.compile(r"\b(line) (\d{1,9}), (column) (\d{1,9})\b")


def in_original(
    result: ExecutionResult, original: str, corrected: CorrectedCode
) -> ExecutionResult:
    """The result with every position of its error and findings in ``original``.

    Console lines and the output are the code's own words and stay as they are.
    """
    if not corrected.corrections:
        return result
    changes: dict[str, object] = {}
    if result.error_info is not None:
        info = _error_in_original(result.error_info, original, corrected)
        changes = {"error_info": info}
        if result.error == result.error_info.headline:
            changes["error"] = info.headline
    if result.findings:
        findings = [finding_in_original(finding, corrected) for finding in result.findings]
        changes["findings"] = findings
    if result.plan:
        changes["plan"] = [_call_in_original(call, corrected) for call in result.plan]
    return result.model_copy(update=changes)


def finding_in_original(finding: Finding, corrected: CorrectedCode) -> Finding:
    """The finding at its place in the caller's text."""
    line, column = corrected.original_position(finding.line, finding.column)
    return finding.model_copy(update={"line": line, "column": column})


def _call_in_original(call: PlannedCall, corrected: CorrectedCode) -> PlannedCall:
    line, column = corrected.original_position(call.line, call.column)
    return call.model_copy(update={"line": line, "column": column})


def _error_in_original(info: ErrorInfo, original: str, corrected: CorrectedCode) -> ErrorInfo:
    line, column = info.line, info.column
    if line is not None and column is not None:
        line, column = corrected.original_position(line, column)
    changes = {
        "line": line,
        "column": column,
        "stack": info.stack and _FRAME.sub(_mover(corrected), info.stack),
        "excerpt": source.excerpt(original, line, column),
    }
    if info.name == "SyntaxError" and info.stack is None:  # the words are ours, not the code's
        words = _IN_WORDS.sub(_word_mover(corrected), info.message)
        changes["message"] = words + _contradiction(corrected, words)
    return info.model_copy(update=changes)


def _contradiction(corrected: CorrectedCode, words: str) -> str:
    if corrected.contradiction is None:
        return ""
    said, named = corrected.contradiction
    advice = "" if "send it with language" in words else ": send it with that language"
    return (
        f'. The call says language "{said}", but the fence or tag around the code says '
        f'"{named}"{advice}'
    )


def _mover(corrected: CorrectedCode) -> Callable[[re.Match[str]], str]:
    def move(frame: re.Match[str]) -> str:
        line, column = corrected.original_position(int(frame[2]), int(frame[3]))
        return f"{frame[1]}:{line}:{column}{frame[4]}"

    return move


def _word_mover(corrected: CorrectedCode) -> Callable[[re.Match[str]], str]:
    def move(place: re.Match[str]) -> str:
        line, column = corrected.original_position(int(place[2]), int(place[4]))
        return f"line {line}, column {column}"

    return move
