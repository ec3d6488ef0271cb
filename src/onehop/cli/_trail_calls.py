"""What the command line says of the tools that a recorded run has called.

A record may have been tampered with, so that any field may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from onehop.cli._output import to_json
from onehop.cli._table import Column
from onehop.runs.ledger import LedgerLine, ledger

CALLS: Final = (
    Column("call", whole=True),
    Column("tool"),
    Column("outcome"),
    Column("effect", optional=True),
    Column("ms", number=True),
    Column("bytes", number=True, optional=True),
    Column("arguments", wraps=True),
)
"""The columns of a run's calls; ``bytes`` are those of the answer."""
LEDGER: Final = (
    Column("call", whole=True),
    Column("tool"),
    Column("effect", optional=True),
    Column("what became of it", whole=True),
    Column("decided by", wraps=True),
    Column("when", whole=True, optional=True),
)
"""The columns of what a run did to the world."""
_ELSEWHERE: Final = ("toolCalls", "toolArguments", "toolDecisions", "avoided")


def call_rows(details: Any) -> Sequence[Sequence[Any]]:
    """A row for each call, in the order in which the code made them."""
    return [*_rows(details)] if isinstance(details, Mapping) else []


def saved(details: Any) -> str | None:
    """What the calls have kept from passing through a model."""
    avoided = details.get("avoided") if isinstance(details, Mapping) else None
    if not isinstance(avoided, Mapping):
        return None
    return f"{_counted(avoided, 'turn')} and {_counted(avoided, 'token')}"


def _counted(avoided: Mapping[str, Any], what: str) -> str:
    number = avoided.get(f"{what}s")
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ledger_rows(details: Any, show_time: Callable[[int], str]) -> Sequence[Sequence[Any]]:
    """A row for each call of a tool that may change something."""
    return [
        (
            line.id,
            line.tool,
            line.effect,
            line.state,
            _decided(line),
            show_time(line.at) if line.at is not None else None,
        )
        for line in ledger(details)
        if line.state != "read"
    ]


def reading(details: Any) -> int:
    """How many calls only read."""
    return sum(line.state == "read" for line in ledger(details))


def _decided(line: LedgerLine) -> str:
    """A person, or the rule alone."""
    if line.decision is None:
        return f"rule {line.rule}" if line.rule else "no rule: a granted tool is allowed"
    who = f" by {line.by}" if line.by else ""
    why = f": {line.reason}" if line.reason else ""
    return f"{line.decision}{who}{why} (rule {line.rule})"


def other_details(details: Any) -> Any:
    """The details that are not shown as calls; all of them if what they say of calls is wrong."""
    if not isinstance(details, Mapping):
        return details
    hidden = _ELSEWHERE if call_rows(details) else ()
    return {
        name: _risk(value) if name == "risk" else value
        for name, value in details.items()
        if name not in hidden and name != "ran"
    }


def _risk(risk: Any) -> Any:
    """``level`` is how strict validation was, and does not say that the run was blocked."""
    if not isinstance(risk, Mapping):
        return risk
    names = {"level": "validationLevel"}
    return {names.get(name, name): value for name, value in risk.items()}


def _rows(details: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    calls, given = details.get("toolCalls"), details.get("toolArguments")
    arguments = given if isinstance(given, Mapping) else {}
    for call in calls if isinstance(calls, list) else ():
        if not isinstance(call, Mapping):
            continue
        yield (
            call.get("id"),
            call.get("tool"),
            _outcome(call),
            call.get("effect"),
            call.get("duration"),
            call.get("bytesOut"),
            _text(arguments, call.get("id")),
        )


def _outcome(call: Mapping[str, Any]) -> str:
    """With the reason of a failure, and the rule that decided."""
    reasons = [call.get("error"), call.get("rule")]
    known = [str(reason) for reason in reasons if reason and reason != call.get("outcome")]
    return f"{call.get('outcome')} ({', '.join(known)})" if known else str(call.get("outcome"))


def _text(arguments: Mapping[str, Any], number: Any) -> str | None:
    if not isinstance(number, str) or number not in arguments:
        return None
    return to_json(arguments[number])
