"""The calls of tools in a record, as statistics count them: the same in every store."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, get_args

from onehop.records import ExecutionRecord
from onehop.stores._kept import clean_text
from onehop.types import ToolOutcome

_MOST: Final = 10_000
"""Calls of one run that are counted by tool."""
_LONGEST: Final = 257
"""Characters of a tool's path."""
_OUTCOMES: Final = frozenset(get_args(ToolOutcome))
_UNKNOWN: Final = "unknown_tool"
"""The error of a call whose name the code made up: there is no such tool to count."""


@dataclass(frozen=True, slots=True)
class KeptCall:
    """One call."""

    tool: str
    outcome: str
    duration: float
    """ms; 0 for one that did not reach its tool."""
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What one run called."""

    calls: int
    """All of them, also those of tools that there are not."""
    avoided_turns: int
    avoided_tokens: int
    listed: tuple[KeptCall, ...]


def tool_run(record: ExecutionRecord) -> ToolRun | None:
    """What a record says of its calls; None for one without. It may have been tampered with, so
    that anything may stand in it."""
    details: Any = record.details
    calls = details.get("toolCalls") if isinstance(details, dict) else None
    if not isinstance(calls, list) or not calls:
        return None
    avoided = details.get("avoided")
    sums = avoided if isinstance(avoided, dict) else {}
    return ToolRun(
        calls=len(calls),
        avoided_turns=_count(sums.get("turns")),
        avoided_tokens=_count(sums.get("tokens")),
        listed=tuple(_kept(calls[:_MOST])),
    )


def called_tools(record: ExecutionRecord) -> frozenset[str]:
    """The paths of the tools that a record's run has called."""
    run = tool_run(record)
    return frozenset(call.tool for call in run.listed) if run else frozenset()


def _kept(calls: list[Any]) -> Iterator[KeptCall]:
    for call in calls:
        if not isinstance(call, dict) or call.get("error") == _UNKNOWN:
            continue
        tool, outcome = call.get("tool"), call.get("outcome")
        if not isinstance(tool, str) or not isinstance(outcome, str):
            continue
        if 0 < len(tool) <= _LONGEST and outcome in _OUTCOMES:
            yield KeptCall(
                tool=clean_text(tool),
                outcome=outcome,
                duration=_duration(call.get("duration")),
                bytes_in=_count(call.get("bytesIn")),
                bytes_out=_count(call.get("bytesOut")),
            )


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 1 << 53 else 0


def _duration(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) + 0.0 if is_number and math.isfinite(value) and value > 0 else 0.0
