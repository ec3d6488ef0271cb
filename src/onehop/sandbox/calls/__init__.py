"""The calls of tools that one run makes: who may, in what order, at what cost, and what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late

if TYPE_CHECKING:
    from onehop.sandbox.calls._asking import Asker, Question
    from onehop.sandbox.calls._avoided import with_calls
    from onehop.sandbox.calls._beside import Beside
    from onehop.sandbox.calls._desk import CallEvent, Hear, RunDesk
    from onehop.sandbox.calls._grant import Grant
    from onehop.sandbox.calls._narrowing import LONGEST_NAME, MOST_NAMES, Narrowing, narrowing_from
    from onehop.sandbox.calls._record import CallRecord, hash_of
    from onehop.sandbox.calls._tape import Met, Stop, Tape
    from onehop.sandbox.calls._toolbox import Layer, Toolbox, Wanted, call_directly, make_desk

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

__getattr__ = late(
    {
        "onehop.sandbox.calls._asking": "Asker Question",
        "onehop.sandbox.calls._avoided": "with_calls",
        "onehop.sandbox.calls._beside": "Beside",
        "onehop.sandbox.calls._desk": "CallEvent Hear RunDesk",
        "onehop.sandbox.calls._grant": "Grant",
        "onehop.sandbox.calls._narrowing": "LONGEST_NAME MOST_NAMES Narrowing narrowing_from",
        "onehop.sandbox.calls._record": "CallRecord hash_of",
        "onehop.sandbox.calls._tape": "Met Stop Tape",
        "onehop.sandbox.calls._toolbox": "Layer Toolbox Wanted call_directly make_desk",
    }
)
