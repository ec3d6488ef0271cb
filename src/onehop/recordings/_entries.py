"""What happens in a run, one entry for each: asked, about to be sent, answered, ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import to_json

from onehop.errors import SealedError
from onehop.types import ExecutionResult, ToolCall

Kind = Literal["call", "ask", "sleep"]


@dataclass(frozen=True, slots=True)
class Made:
    """The code has asked something of its host, the ``number``-th time."""

    number: int
    kind: Kind
    subject: str
    """The path of a tool, or what is asked."""
    digest: str
    """Of the arguments."""
    call_id: str = ""
    schema: str = ""
    """Digest of how the tool is to be called; empty where there is none."""


@dataclass(frozen=True, slots=True)
class Intended:
    """A call is about to be sent that may change something."""

    number: int


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered: a value or an error, as JSON text."""

    number: int
    at: float | None
    """What time it was for the code, in ms since 1970."""
    value: str | None
    error: str | None
    call: dict[str, Any] | None = field(default=None)
    """The call as the result shows it, on the wire."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the run ended."""

    success: bool
    digest: str
    """Of the output's JSON."""
    error: str | None


Entry = Made | Intended | Answered | Ended
_TAGS: dict[type[Entry], str] = {Made: "m", Intended: "i", Answered: "a", Ended: "e"}


def write_entries(fence: int, number: int, entries: Iterable[Entry]) -> bytes:
    """One part of a run's log, with its place there."""
    rows = [[_TAGS[type(each)], *_fields(each)] for each in entries]
    return json.dumps([fence, number, rows], separators=(",", ":")).encode()


def _fields(entry: Entry) -> list[Any]:
    return [getattr(entry, name) for name in entry.__slots__]


def read_entries(part: bytes) -> tuple[int, int, list[Entry]]:
    """The place of a part, and what it holds. Raises SealedError for what nobody has written."""
    kinds = {tag: kind for kind, tag in _TAGS.items()}
    try:
        fence, number, rows = json.loads(part)
        entries: list[Entry] = [kinds[tag](*values) for tag, *values in rows]
    except (ValueError, TypeError, KeyError) as error:
        raise SealedError(f"it is not a part of a run's log: {error!r}") from None
    return fence, number, entries


def ended(result: ExecutionResult) -> Ended:
    """How a run ended, as far as another run of it must end so too."""
    text = to_json(result.output, inf_nan_mode="null")
    info = result.error_info
    error = None if info is None else f"{info.type} {info.name}"
    if info is not None and info.type == "runtime":
        error = f"{error}: {info.message}"
    return Ended(result.success, hashlib.sha256(text).hexdigest()[:16], error)


def call_of(answered: Answered) -> ToolCall | None:
    """The call as the result shows it."""
    return None if answered.call is None else ToolCall.model_validate(answered.call)
