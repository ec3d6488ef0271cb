"""The life of a worker: its states, and which frames it may send in each."""

from __future__ import annotations

from typing import Final, Literal

from onehop.inputs.frames import ProtocolError
from onehop.runs.questions import Ask, Call, Headway, Shown, Sleep, Stored
from onehop.workers.protocol import (
    Failure,
    LargeResult,
    Log,
    Message,
    Names,
    Ready,
    Result,
    Warm,
)

State = Literal["starting", "idle", "warming", "overtaken", "running", "ending", "answered", "kept"]
"""starting → idle ⇄ warming; then, with its one job, running → ending or answered. With a call of a
session: running → ending or kept, and kept → running with the next call. With a process that has
realms, running → idle again after a result that says so.

- ``starting``: confines itself; ``idle``: waits for its job; ``warming``: runs the machinery once.
- ``overtaken``: the job came while it was warming up, which it ends first.
- ``running``: has the job. ``ending``: is being killed; what it has printed is still read.
- ``answered``: nothing of what follows is heard.
- ``kept``: waits for the next call of its session, and says nothing.
"""

Turn = Literal["take", "drop"]

_ANSWERS: Final = (Result, LargeResult, Failure)
_QUESTIONS: Final = (Names, Call, Ask, Sleep, Stored, Shown, Headway)
_TURNS: Final[dict[State, dict[type[Message], Turn]]] = {
    "starting": {Ready: "take"},
    "idle": {},
    "warming": {Warm: "take"},
    "overtaken": {Warm: "take"},
    "running": dict.fromkeys((Log, *_QUESTIONS, *_ANSWERS), "take"),
    "ending": {Log: "take", **dict.fromkeys((*_QUESTIONS, *_ANSWERS), "drop")},
    "kept": {},
    "answered": dict.fromkeys((Ready, Warm, Log, *_QUESTIONS, *_ANSWERS), "drop"),
}

WITH_JOB: Final = frozenset[State]({"running", "ending", "answered", "kept"})
"""States in which a frame must show the job's token."""


def turn(state: State, message: Message) -> Turn:
    """What becomes of a frame. Raises ProtocolError when it is not this frame's turn."""
    found = _TURNS[state].get(type(message))
    if found is None:
        raise ProtocolError(f"a frame {type(message).__name__!r} out of turn, in state {state!r}")
    return found
