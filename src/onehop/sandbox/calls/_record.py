"""What is kept of one call."""

from __future__ import annotations

import hashlib
import json
import time
from typing import TYPE_CHECKING, Any

from onehop.runs.ledger import AGAIN
from onehop.types import CallChange, Effect, ToolCall, ToolOutcome

if TYPE_CHECKING:
    from onehop.sandbox.calls._tape import Met


class CallRecord:
    """Written while the call goes on; ``call`` is what the result shows of it."""

    def __init__(self, number: int, path: str) -> None:
        self.id = f"call_{number}"
        self.met: Met | None = None
        """How the tape knows it."""
        self.path = path
        self._effect: Effect = "read"
        self.rule: str | None = None
        self.asks = False
        """Whether a person must decide about it."""
        self.outcome: ToolOutcome | None = None
        self.error: str | None = None
        self._change: CallChange | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self._arguments: dict[str, Any] = {}
        self._digest: str | None = None
        self._admitted: float | None = None
        self._started: float | None = None
        self._ended = 0.0

    @property
    def arguments(self) -> dict[str, Any]:
        """What the tool is called with."""
        return self._arguments

    @arguments.setter
    def arguments(self, arguments: dict[str, Any]) -> None:
        self._arguments, self._digest = arguments, None

    @property
    def digest(self) -> str:
        """The hash of the arguments, made once: events and the result show the same."""
        if self._digest is None:
            self._digest = hash_of(self._arguments)
        return self._digest

    @property
    def question_id(self) -> str:
        """The name of the question that people are asked about it: another one when nobody knows
        what came of it, and it may be sent again."""
        if self.met is None or not self.may_have_been_sent:
            return self.id
        return f"{self.id}{AGAIN}{self.met.attempts}"

    @property
    def may_have_been_sent(self) -> bool:
        """Whether a server that is gone was about to send it, and nobody knows what came of it."""
        return self.met is not None and self.met.attempts > 0

    @property
    def effect(self) -> Effect:
        """What the tool does; of a call that may have been sent, what it did then, whatever it is
        now."""
        if self.met is not None and self.may_have_been_sent:
            return self.met.sent_as
        return self._effect

    @effect.setter
    def effect(self, effect: Effect) -> None:
        self._effect = effect

    @property
    def has_started(self) -> bool:
        """Whether the tool was asked."""
        return self._started is not None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.outcome is None

    def admit(self) -> None:
        """It may be made, and waits for its turn."""
        self._admitted = time.perf_counter()

    def start(self) -> None:
        """Its turn has come."""
        self._started = time.perf_counter()

    def end(
        self, outcome: ToolOutcome, error: str | None = None, change: CallChange | None = None
    ) -> None:
        """The first end counts. ``change`` is what a failed call did nevertheless. What may have
        been sent before is ``unknown``, however it is refused now."""
        if self.outcome is None:
            is_sure = outcome == "ok" or change == "applied" or not self.may_have_been_sent
            self.outcome, self.error = outcome if is_sure else "unknown", error
            self._change = change
            self._ended = time.perf_counter()

    @property
    def change(self) -> CallChange:
        """Whether it changed anything. A call that may have been sent before cannot say ``none``:
        only that it was made is known for sure."""
        change = self._own_change
        return "unknown" if change == "none" and self.may_have_been_sent else change

    @property
    def _own_change(self) -> CallChange:
        """What came of it in this process."""
        if self.effect == "read" or self.outcome in ("denied", "cancelled"):
            return "none"
        if self.outcome == "ok":
            return "applied"
        return self._change or ("unknown" if self.has_started else "none")

    @property
    def call(self) -> ToolCall:
        """As the result has it."""
        if self.met is not None and self.met.call is not None:
            return self.met.call
        return ToolCall(
            id=self.id,
            tool=self.path,
            outcome=self.outcome or "unknown",
            effect=self.effect,
            duration=_milliseconds(self._started, self._ended),
            queued=_milliseconds(self._admitted, self._started or self._ended),
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            arguments_hash=self.digest,
            error=self.error,
            rule=self.rule,
            change=self.change,
        )


def hash_of(arguments: dict[str, Any]) -> str:
    """First 16 hex digits of the SHA-256 of the arguments' JSON, keys in order, without spaces."""
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _milliseconds(since: float | None, until: float) -> float:
    """Between two moments; 0 where there was no first, or no second yet."""
    if since is None or until < since:
        return 0.0
    return round((until - since) * 1e6) / 1000
