"""What a desk needs in order to record a run, and to make it again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from onehop.runs.questions import Question, Reply
    from onehop.sandbox.calls._record import CallRecord
    from onehop.types import Effect, ToolCall

Stop = Literal["paused", "diverged", "lost"]
"""Why a run ends before its code does: it waits for a person, it does something else than it did
before, or another server has taken it over."""


@dataclass(frozen=True, slots=True)
class Met:
    """A question, as the tape knows it."""

    number: int
    call_id: str = ""
    """Of a call."""
    attempts: int = 0
    """How often a call that may change something was about to be sent, without an answer."""
    sent_as: Effect = "write"
    """What its tool was said to do then."""
    is_answered: bool = False
    """Whether the tape answers it."""
    call: ToolCall | None = None
    """As the result had it then."""
    edited: Mapping[str, Any] | None = None
    """The arguments that it was, or may have been, sent with, where a person gave others than the
    code."""
    schema: str = ""
    """Digest of how its tool was to be called then."""


class Tape(Protocol):
    """Records what a run is asked and answered, and plays what was recorded."""

    stopped: asyncio.Future[Stop]
    """Set when the run must end."""

    @property
    def waited(self) -> float:
        """Seconds in which tools were at work before the run was made again."""
        ...

    @property
    def now(self) -> float | None:
        """See Desk."""
        ...

    def meet(self, question: Question) -> Met | None:
        """Take a question of the code's; None when the run ends by it."""

    def play(self, met: Met, reply: Reply) -> None:
        """Answer as it was answered before, when its turn has come."""

    def recording(self, met: Met, reply: Reply, record: CallRecord | None) -> Reply:
        """A reply that is written down."""
        ...

    async def intend(self, met: Met, tool: str, effect: Effect) -> None:
        """Write down that a call is about to be sent that may change something. Raises ToolError
        when it may not be sent."""
