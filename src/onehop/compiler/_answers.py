"""What a compiler says. Whatever it is, it was made from an agent's text: hostile until checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from onehop.inputs.gc import read_json

_MOST_WORDS = 2000
_MOST_LINES = 1 << 30
_POSITIONS = re.compile(r"[A-Za-z0-9+/,;]*")


class AnswerError(Exception):
    """An honest compiler never says this."""


@dataclass(frozen=True, slots=True)
class Ready:
    """It waits for the first question."""


@dataclass(frozen=True, slots=True)
class LibraryWanted:
    """It cannot answer without TypeScript's own compiler."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program as JavaScript."""

    code: str
    positions: str
    """Where its parts come from: the ``mappings`` of a source map (ECMA-426)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The program has a mistake; the place counts from 1 in the text as it was sent."""

    message: str
    line: int | None
    column: int | None


Answer = Ready | LibraryWanted | Compiled | Refused


def read_answer(body: bytes, number: int) -> Answer:
    """The answer to question ``number``. Raises AnswerError and nothing else."""
    frame = _object(body)
    if frame.get("id") != number or isinstance(frame["id"], bool):
        raise AnswerError("an answer to another question")
    match frame.get("kind"):
        case "ready":
            return Ready()
        case "library":
            return LibraryWanted()
        case "compiled":
            return Compiled(_text(frame, "code"), _positions(frame))
        case "refused":
            words = _text(frame, "message")[:_MOST_WORDS]
            return Refused(words, _place(frame, "line"), _place(frame, "column"))
        case _:
            raise AnswerError("an answer of an unknown kind")


def _object(body: bytes) -> dict[str, Any]:
    try:
        frame = read_json(body)
    except ValueError as error:
        raise AnswerError(f"an answer that is not JSON: {str(error)[:80]}") from None
    if not isinstance(frame, dict):
        raise AnswerError("an answer that is not an object")
    return frame


def _text(frame: dict[str, Any], name: str) -> str:
    value = frame.get(name)
    if not isinstance(value, str):
        raise AnswerError(f"an answer with a wrong or missing field {name!r}")
    return value


def _positions(frame: dict[str, Any]) -> str:
    """The numbers in it are read by the worker, whose own places they are, and nobody else."""
    text = _text(frame, "map")
    if not _POSITIONS.fullmatch(text):
        raise AnswerError("an answer with a map that is not one")
    return text


def _place(frame: dict[str, Any], name: str) -> int | None:
    value = frame.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _MOST_LINES:
        raise AnswerError(f"an answer with an impossible number in {name!r}")
    return value
