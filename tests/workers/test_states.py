"""Which frames a worker may send in which state of its life: the whole table."""

from __future__ import annotations

from typing import get_args

import pytest

from onehop.inputs.frames import ProtocolError
from onehop.runs.questions import Headway, Shown, Stored
from onehop.workers._states import State, turn
from onehop.workers.protocol import (
    Failure,
    LargeResult,
    Log,
    Message,
    Ready,
    Result,
    Warm,
)

pytestmark = pytest.mark.unit

FRAMES: tuple[Message, ...] = (
    Ready("2", "15", "5"),
    Warm(),
    Log("log", "x"),
    Result(1, 0),
    LargeResult("1", 1, 0),
    Failure("Error", "x", None, None, None, syntax=False, dropped=0),
    Shown("text", "", "", b"", more=False),
    Headway(0.5),
    Stored(1, "keys", "", ""),
)
TAKEN = {
    "starting": {"Ready"},
    "idle": set(),
    "warming": {"Warm"},
    "overtaken": {"Warm"},
    "running": {"Log", "Result", "LargeResult", "Failure", "Shown", "Headway", "Stored"},
    "ending": {"Log"},
    "answered": set(),
    "kept": set(),
}


def outcome(state: State, frame: Message) -> str:
    try:
        return turn(state, frame)
    except ProtocolError:
        return "refused"


@pytest.mark.parametrize("state", get_args(State))
def test_each_state_takes_its_frames_and_no_others(state: State) -> None:
    taken = {type(frame).__name__ for frame in FRAMES if outcome(state, frame) == "take"}
    assert taken == TAKEN[state]


def test_frames_are_dropped_only_when_the_run_is_over() -> None:
    states: tuple[State, ...] = get_args(State)
    dropping = {state for state in states for frame in FRAMES if outcome(state, frame) == "drop"}
    assert dropping == {"ending", "answered"}


def test_a_frame_out_of_turn_is_named_with_the_state() -> None:
    with pytest.raises(ProtocolError, match=r"'Result' out of turn, in state 'warming'"):
        turn("warming", Result(1, 0))
