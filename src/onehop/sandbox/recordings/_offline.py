"""The desk of a replay: every answer comes from the recording, and no tool is asked."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

from onehop.runs.questions import Call, Question, Reply
from onehop.sandbox.recordings._tape import Tape

if TYPE_CHECKING:
    from onehop.sandbox.calls import Stop
    from onehop.sandbox.recordings._recording import Recording
    from onehop.types import ToolCall

_PATIENCE = 60.0
"""Seconds that a replay waits for answers that never came."""


class OfflineDesk:
    """See ``questions.Desk``."""

    def __init__(self, recording: Recording) -> None:
        program = recording.program
        self._names = program.catalogue.encode()
        self.limits_json = program.limits
        limits = json.loads(program.limits)
        self.most_calls = int(limits["calls"])
        self.most_arguments = int(limits["arguments"])
        self.wait_seconds = _PATIENCE
        self.tape = Tape(None, recording.script, still=program.still, is_offline=True)
        self.calls: list[ToolCall] = []
        self.made = 0

    @property
    def now(self) -> float | None:
        """See Desk."""
        return self.tape.now

    @property
    def stopped(self) -> asyncio.Future[Stop]:
        """Set when the run does something else than before."""
        return self.tape.stopped

    def names(self) -> bytes:
        """See Desk."""
        return self._names

    def take(self, question: Question, reply: Reply) -> None:
        """See Desk."""
        met = self.tape.meet(question)
        if met is None:
            return
        self.made += isinstance(question, Call)
        if met.call is not None:
            self.calls.append(met.call)
        self.tape.play(met, reply)

    def run_out(self) -> None:
        """See Desk: what was never answered is not answered now."""
