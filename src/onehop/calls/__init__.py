"""The calls of tools that one run makes: who may, in what order, at what cost, and what is kept."""

from __future__ import annotations

from onehop.calls._asking import Asker, Question
from onehop.calls._avoided import with_calls
from onehop.calls._beside import Beside
from onehop.calls._desk import CallEvent, Hear, RunDesk
from onehop.calls._grant import Grant
from onehop.calls._narrowing import LONGEST_NAME, MOST_NAMES, Narrowing, narrowing_from
from onehop.calls._record import CallRecord, hash_of
from onehop.calls._tape import Met, Stop, Tape
from onehop.calls._toolbox import Layer, Toolbox, Wanted, call_directly, make_desk

__all__ = [
    "LONGEST_NAME",
    "MOST_NAMES",
    "Asker",
    "Beside",
    "CallEvent",
    "CallRecord",
    "Grant",
    "Hear",
    "Layer",
    "Met",
    "Narrowing",
    "Question",
    "RunDesk",
    "Stop",
    "Tape",
    "Toolbox",
    "Wanted",
    "call_directly",
    "hash_of",
    "make_desk",
    "narrowing_from",
    "with_calls",
]
