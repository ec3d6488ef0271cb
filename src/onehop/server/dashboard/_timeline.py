"""When what happened in a run: its events, and its calls of tools as bars; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from onehop.events import Event, ToolStarted
from onehop.records import ExecutionRecord
from onehop.server.dashboard._figures import duration, size

_WIDTH: Final = 1000
"""Units of a bar's full width."""
_CALLS: Final = 500
_ENDS: Final = ("code:execution:completed", "code:execution:failed")
_LEFT_OUT: Final = frozenset(
    {"eventType", "requestId", "codeHash", "resourceUsage", "argumentsHash", "callId"}
)
_TOLD: Final[dict[str, tuple[str, Callable[[float], str] | None]]] = {
    "executionTime": ("took", duration),
    "validationTime": ("took", duration),
    "duration": ("took", duration),
    "actualTime": ("took", duration),
    "queued": ("waited", duration),
    "timeout": ("deadline", duration),
    "bytesIn": ("sent", size),
    "bytesOut": ("got", size),
    "outputSize": ("output", size),
    "errorCount": ("errors", None),
    "warningCount": ("warnings", None),
    "logCount": ("console lines", None),
    "codeLength": ("characters", None),
    "errorType": ("type", None),
    "issueType": ("issue", None),
    "language": ("", None),
    "tool": ("", None),
    "effect": ("", None),
    "fraction": ("at", "{:.0%}".format),
    "message": ("", None),
}
"""The words for a field of an event, and its unit. ``live.js`` has the same table."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One event."""

    event_type: str
    timestamp: int
    after: int
    """ms since the first one."""
    x: float
    """The same, as a part of 100."""
    about: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One call of a tool."""

    id: str
    tool: str
    outcome: str
    effect: str
    error: str
    rule: str
    queued: float
    duration: float
    start: float | None
    """ms since the run started; None where no event tells."""
    bytes_in: int
    bytes_out: int
    x: float = 0
    wait: float = 0
    width: float = 0


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The calls of a run, side by side in time."""

    bars: list[Bar]
    total: float
    """ms that the full width stands for."""
    more: int


def moments_of(record: ExecutionRecord, events: Sequence[Event]) -> list[Moment]:
    """The events, in order."""
    times = [event.timestamp for event in events] or [record.executed_at]
    first, length = min(times), max(max(times) - min(times), 1)
    return [
        Moment(
            event.event_type,
            event.timestamp,
            event.timestamp - first,
            round(3 + 94 * (event.timestamp - first) / length, 1),
            _about(event),
        )
        for event in events
    ]


def _about(event: Event) -> str:
    """The rest of an event, in short."""
    data = event.to_dict()["data"]
    return " · ".join(
        _fact(name, value)
        for name, value in data.items()
        if name not in _LEFT_OUT and value not in (None, "")
    )


def _fact(name: str, value: Any) -> str:
    words, unit = _TOLD.get(name, (name, None))
    shown = unit(value) if unit is not None and isinstance(value, int | float) else str(value)
    if isinstance(value, bool):
        shown = str(value).lower()
    return f"{words} {shown}".strip()


def waterfall_of(record: ExecutionRecord, events: Sequence[Event]) -> Waterfall:
    """The calls; bars stand where the events say that each was asked."""
    calls = [each for each in record.details.get("toolCalls") or () if isinstance(each, dict)]
    asked = {event.call_id: event.timestamp for event in events if isinstance(event, ToolStarted)}
    base = _began(record, events, asked.values())
    starts = {call_id: timestamp - base for call_id, timestamp in asked.items()}
    bars = [_bar(call, starts) for call in calls[:_CALLS]]
    ends = [(bar.start or 0) + bar.duration for bar in bars]
    total = max([record.execution_time, *ends, 1.0])
    return Waterfall([_drawn(bar, total) for bar in bars], total, max(0, len(calls) - _CALLS))


def _began(record: ExecutionRecord, events: Sequence[Event], asked: Iterable[int]) -> int:
    """When a worker had it, ms since the epoch: as long before its end as it took, so that the wait
    for a worker is left out. A run that has waited for a person began at its first call."""
    ends = [event.timestamp for event in events if event.event_type in _ENDS]
    if not ends:
        return record.executed_at
    return max(min(ends[-1] - round(record.execution_time), *asked, ends[-1]), record.executed_at)


def _bar(call: dict[str, Any], starts: dict[str, int]) -> Bar:
    return Bar(
        id=str(call.get("id", "")),
        tool=str(call.get("tool", "")),
        outcome=str(call.get("outcome", "")),
        effect=str(call.get("effect", "")),
        error=str(call.get("error") or ""),
        rule=str(call.get("rule") or ""),
        queued=float(call.get("queued") or 0),
        duration=float(call.get("duration") or 0),
        start=starts.get(str(call.get("id"))),
        bytes_in=int(call.get("bytesIn") or 0),
        bytes_out=int(call.get("bytesOut") or 0),
    )


def _drawn(bar: Bar, total: float) -> Bar:
    start = max(0.0, bar.start or 0.0)
    waited = min(bar.queued, start)
    scale = _WIDTH / total
    return Bar(
        **{
            name: getattr(bar, name) for name in Bar.__slots__ if name not in ("x", "wait", "width")
        },
        x=round((start - waited) * scale, 1),
        wait=round(waited * scale, 1),
        width=round(max(bar.duration * scale, 3), 1),
    )
