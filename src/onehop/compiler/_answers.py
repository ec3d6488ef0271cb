"""What a compiler says. Whatever it is, it was made from an agent's text: hostile until checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from onehop.compiler._frames import AnswerError, frame_of, place_of, text_of
from onehop.inputs.gc import Body

_MOST_WORDS = 2000
_POSITIONS = re.compile(r"[A-Za-z0-9+/,;]*")


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
    is_checked: bool = True
    """Whether V8 has read it. A worker's reads it anyway, before it runs; where that refuses what
    was not checked, the compiler has to be asked again."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The program has a mistake; the place counts from 1 in the text as it was sent."""

    message: str
    line: int | None
    column: int | None


Answer = Ready | LibraryWanted | Compiled | Refused


def read_answer(body: Body, number: int) -> Answer:
    """The answer to question ``number``. Raises AnswerError and nothing else."""
    frame = frame_of(body, number)
    match frame.get("kind"):
        case "ready":
            return Ready()
        case "library":
            return LibraryWanted()
        case "compiled":
            return Compiled(text_of(frame, "code"), _positions(frame))
        case "refused":
            words = text_of(frame, "message")[:_MOST_WORDS]
            return Refused(words, place_of(frame, "line"), place_of(frame, "column"))
        case _:
            raise AnswerError("an answer of an unknown kind")


def _positions(frame: dict[str, Any]) -> str:
    """The numbers in it are read by the worker, whose own places they are, and nobody else."""
    text = text_of(frame, "map")
    if not _POSITIONS.fullmatch(text):
        raise AnswerError("an answer with a map that is not one")
    return text
