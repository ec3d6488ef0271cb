"""What happens in a run, one entry for each: asked, about to be sent, answered, ended."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic_core import to_json

from onehop.errors import SealedError
from onehop.types import Effect, ExecutionResult, ToolCall

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
    effect: Effect = "write"
    """The effect that its tool declares; logs did not always have it."""


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


@dataclass(frozen=True, slots=True)
class Outgrown:
    """The run has been answered more than is kept of one: from here on only its calls are kept, not
    what they were answered."""


Entry = Made | Intended | Answered | Ended | Outgrown
_TAGS: dict[type[Entry], str] = {
    Made: "m",
    Intended: "i",
    Answered: "a",
    Ended: "e",
    Outgrown: "o",
}
ENTRY: Final = 64
"""Bytes that an entry counts for beside its text."""
Place = tuple[int, int]
"""Of a part in the log: the number of its owner, and its own among that one's parts."""
START: Final[Place] = (0, 0)
"""Before the first part."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a run's log."""

    place: Place
    entries: list[Entry]
    after: Place | None
    """The part that it follows; None in logs from before parts said so."""


def write_entries(place: Place, entries: Iterable[Entry], after: Place | None = None) -> bytes:
    """One part of a run's log, with its place there, and that of the part before it."""
    rows = [[_TAGS[type(each)], *_fields(each)] for each in entries]
    chain = [] if after is None else [list(after)]
    return json.dumps([*place, rows, *chain], separators=(",", ":")).encode()


def _fields(entry: Entry) -> list[Any]:
    return [getattr(entry, name) for name in entry.__slots__]


def read_entries(part: bytes) -> Part:
    """A part of a log. Raises SealedError for what nobody has written."""
    kinds = {tag: kind for kind, tag in _TAGS.items()}
    try:
        fence, number, rows, *chain = json.loads(part)
        entries: list[Entry] = [kinds[tag](*values) for tag, *values in rows]
        after = (int(chain[0][0]), int(chain[0][1])) if chain else None
    except (ValueError, TypeError, KeyError, IndexError) as error:
        raise SealedError(f"it is not a part of a run's log: {error!r}") from None
    return Part((int(fence), int(number)), entries, after)


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
