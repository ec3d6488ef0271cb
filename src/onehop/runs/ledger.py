"""What a run did to the world, read from its record; pure.

The record may have been tampered with, so that any field may hold anything. What stands here is
in the chain of hashes, since it is part of the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from onehop.types import CallChange, Effect

State = Literal["read", "applied", "not applied", "unknown", "waits for a person"]
AGAIN: Final = "_again_"
"""Between the id of a call and how often it may have been sent, in the id of a question."""
_MOST: Final = 10_000
"""Calls that are read of one record."""
_STATES: Final[Mapping[CallChange, State]] = {
    "applied": "applied",
    "none": "not applied",
    "unknown": "unknown",
}


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One call of a tool."""

    id: str
    tool: str
    effect: Effect
    state: State
    """``read``: the tool changes nothing. ``unknown``: nobody knows whether it took effect.
    ``waits for a person``: only of a run that has not ended."""
    rule: str | None
    decision: str | None
    """What a person said: ``approved``, ``edited``, ``denied``, or ``expired`` for nobody."""
    by: str | None
    at: int | None
    """When it was decided, in ms since 1970."""
    reason: str | None


def ledger(details: Any, waiting: Collection[str] = ()) -> list[LedgerLine]:
    """The calls of a record, in the order in which the code made them; those whose ids are
    ``waiting`` wait for a person."""
    if not isinstance(details, Mapping):
        return []
    calls, decisions = details.get("toolCalls"), details.get("toolDecisions")
    known = _latest(decisions if isinstance(decisions, Mapping) else {})
    return [*_lines(calls[:_MOST] if isinstance(calls, list) else [], known, waiting)]


def _lines(
    calls: list[Any], decisions: Mapping[str, Any], waiting: Collection[str]
) -> Iterator[LedgerLine]:
    for call in calls:
        if not isinstance(call, Mapping):
            continue
        said = decisions.get(str(call.get("id")))
        said = said if isinstance(said, Mapping) else {}
        at = said.get("at")
        yield LedgerLine(
            id=str(call.get("id")),
            tool=str(call.get("tool")),
            effect=_effect(call),
            state="waits for a person" if str(call.get("id")) in waiting else _state(call),
            rule=_text(call.get("rule")),
            decision=_text(said.get("decision")),
            by=_text(said.get("by")),
            at=at if type(at) is int else None,
            reason=_text(said.get("reason")),
        )


def _latest(decisions: Mapping[str, Any]) -> dict[str, Any]:
    """What was decided last about each call: people are asked about one by another name each time
    when nobody knows what came of it, and it may be sent again."""
    order = sorted(map(str, decisions), key=_times_again)
    return {name.partition(AGAIN)[0]: decisions[name] for name in order if name in decisions}


def _times_again(name: str) -> int:
    times = name.partition(AGAIN)[2]
    return int(times) if times.isascii() and times.isdigit() else 0


def _effect(call: Mapping[str, Any]) -> Effect:
    effect: Any = call.get("effect")
    return effect if effect in get_args(Effect) else "write"


def _state(call: Mapping[str, Any]) -> State:
    """Records from before calls said what they changed have the outcome alone."""
    if _effect(call) == "read":
        return "read"
    change: Any = call.get("change")
    if change in get_args(CallChange):
        return _STATES[change]
    match call.get("outcome"):
        case "ok":
            return "applied"
        case "denied" | "cancelled":
            return "not applied"
    return "unknown"


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
