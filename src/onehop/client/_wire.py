"""The JSON of the HTTP API, to and from the types of the library.

What a newer server adds is left out; what is missing or of another type raises ValueError.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, TypeVar

from pydantic.alias_generators import to_camel, to_snake

from onehop.answers import (
    AgentStats,
    Failure,
    LanguageCount,
    PausedRun,
    PauseStats,
    ToolStats,
    WaitingCall,
)
from onehop.errors import InvalidRequestError
from onehop.runs.decisions import Approval, Approve, Decision, Edit, Reject
from onehop.runs.states import JournalState, PoolState, RunState, ServerState, UpstreamState
from onehop.types import Wire
from onehop.types.shown.markup import Shown

Rules = Sequence[Any] | Mapping[str, Any]
"""Rules as ``onehop.Rule`` objects, dicts of their fields, or globs by action."""
W = TypeVar("W", bound=Wire)
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the server takes the caller for."""

    agent_id: str
    role: str
    limits: dict[str, Any] = field(default_factory=dict)


def encode(body: Mapping[str, Any]) -> bytes:
    """JSON text. Raises InvalidRequestError that names the field which is not JSON data."""
    try:
        return _json(body)
    except (TypeError, ValueError, RecursionError):
        for name, value in body.items():
            _refuse(str(name), value)
        raise


def _refuse(name: str, value: Any) -> None:
    try:
        _json(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequestError(
            name, f"a value that is not JSON ({error})", "JSON data"
        ) from None


def _json(value: Any) -> bytes:
    return json.dumps(
        value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
    ).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def given(**arguments: Any) -> dict[str, Any]:
    """The arguments that are not None, under their names on the wire."""
    return {to_camel(name): value for name, value in arguments.items() if value is not None}


def tool_names(names: Any) -> list[str] | None:
    """As the wire has them. Raises InvalidRequestError for one text: its letters are not names."""
    if names is None:
        return None
    if isinstance(names, str | bytes) or not isinstance(names, Iterable):
        raise InvalidRequestError("tools", repr(names)[:80], "a list of names and globs of tools")
    return list(names)


def rule_list(rules: Rules | None) -> list[dict[str, str]] | None:
    """Rules in any of their forms as the wire has them. Raises InvalidRequestError."""
    if rules is None:
        return None
    from onehop.tools import read_rules  # only who has rules needs what knows them

    return [rule.to_dict() for rule in read_rules(rules)]


def query(**arguments: Any) -> dict[str, Any]:
    """``given`` for a query string."""
    return {name: _query_value(value) for name, value in given(**arguments).items()}


def _query_value(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return int(value.timestamp() * 1000) if isinstance(value, datetime) else value


def decode(model: type[W], wire: Any) -> W:
    """A model of the library."""
    return model.model_validate(wire, extra="ignore")


def decode_list(model: type[W], wire: Mapping[str, Any], name: str) -> list[W]:
    """The models in the list that is called ``name``."""
    return Shown(decode(model, each) for each in _list(wire, name))


def decode_identity(wire: Mapping[str, Any]) -> Identity:
    """The answer of ``/api/v1/me``."""
    match wire:
        case {"agentId": str(agent_id), "role": str(role), **rest}:
            limits = rest.get("limits") or {}
            return Identity(agent_id, role, {to_snake(name): each for name, each in limits.items()})
    raise ValueError("it does not say who the key belongs to")


def decode_stats(wire: Mapping[str, Any]) -> AgentStats:
    """The contract's statistics."""
    languages = wire.get("languageBreakdown") or {}
    counts = {name: _dataclass(LanguageCount, each) for name, each in languages.items()}
    return _dataclass(AgentStats, {**wire, "languageBreakdown": counts})


def decode_tool_stats(wire: Mapping[str, Any]) -> list[ToolStats]:
    """What came of calls of tools."""
    return [_dataclass(ToolStats, each) for each in _list(wire, "tools")]


def decode_paused(wire: Mapping[str, Any]) -> list[PausedRun]:
    """Runs that wait for people."""
    return Shown(
        _dataclass(
            PausedRun,
            {**each, "waitsFor": [_dataclass(WaitingCall, c) for c in _list(each, "waitsFor")]},
        )
        for each in _list(wire, "paused")
    )


def decode_pause_stats(wire: Mapping[str, Any]) -> PauseStats:
    """Runs that waited for people."""
    return _dataclass(PauseStats, wire)


def encode_decisions(decisions: Mapping[str, Decision]) -> dict[str, dict[str, Any]]:
    """As the wire has them. Raises InvalidRequestError."""
    return {call_id: _decision(call_id, each) for call_id, each in dict(decisions).items()}


def _decision(call_id: str, decision: Any) -> dict[str, Any]:
    match decision:
        case Approve():
            return {"action": "approve"}
        case Edit(arguments):
            return {"action": "edit", "arguments": dict(arguments)}
        case Reject(reason):
            return {"action": "reject", "reason": reason}
    raise InvalidRequestError(call_id, repr(decision)[:80], "Approve, Edit or Reject")


def decode_approvals(wire: Mapping[str, Any]) -> list[Approval]:
    """Calls that wait."""
    return [_approval(each) for each in _list(wire, "approvals")]


def decode_decided(wire: Mapping[str, Any]) -> dict[str, Approval]:
    """What stands."""
    return {call_id: _approval(each) for call_id, each in (wire.get("decisions") or {}).items()}


def _approval(wire: Mapping[str, Any]) -> Approval:
    return _dataclass(Approval, {**wire, "arguments": json.dumps(wire.get("arguments"))})


def decode_state(wire: Mapping[str, Any]) -> ServerState:
    """How the server is."""
    pool, journal = wire.get("pool"), wire.get("journal")
    parts = {
        "pool": None if pool is None else _dataclass(PoolState, pool),
        "journal": None if journal is None else _dataclass(JournalState, journal),
        "upstreams": tuple(_dataclass(UpstreamState, each) for each in _list(wire, "upstreams")),
        "runs": tuple(_dataclass(RunState, each) for each in _list(wire, "runs")),
    }
    return _dataclass(ServerState, {**wire, **parts})


def decode_failures(wire: Mapping[str, Any]) -> list[Failure]:
    """An agent's recent failures."""
    return Shown(_dataclass(Failure, each) for each in _list(wire, "failures"))


def _list(wire: Mapping[str, Any], name: str) -> list[Any]:
    found = wire.get(name)
    if not isinstance(found, list):
        raise ValueError(f"it sent no list of {name}")  # noqa: TRY004 - of the server, not of ours
    return found


def _dataclass(cls: type[D], wire: Mapping[str, Any]) -> D:
    names = {item.name: to_camel(item.name) for item in fields(cls)}  # type: ignore[arg-type]
    try:
        return cls(**{name: wire[alias] for name, alias in names.items() if alias in wire})
    except TypeError as error:
        raise ValueError(f"it sent no {cls.__name__}: {error}") from None
