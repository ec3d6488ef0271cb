"""What the store knows of a run whose server ended before it did.

A journal has the record that a run leaves if its process ends, written before the run began: it
names no call. A run that may wait for people has written down each write before it was sent, so
that its record can name them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from onehop.errors import SealedError
from onehop.execution.keeping import Keeper
from onehop.recordings import Script
from onehop.records import ExecutionRecord
from onehop.types import Effect, ToolCall

EffectOf = Callable[[str], Effect]
"""What the tool of a path does, as far as this process knows it."""

_log = logging.getLogger(__name__)


class CutOff:
    """Completes the records of runs that were cut off, by what ``keeper`` has of them."""

    def __init__(self, keeper: Keeper, effect_of: EffectOf) -> None:
        self._keeper = keeper
        self._effect_of = effect_of

    async def complete(self, record: ExecutionRecord) -> ExecutionRecord | None:
        """The record with the calls that the run had made; None if the run has not ended so: it
        waits for people, or another server has gone on with it. Raises StoreError."""
        kept = await self._keeper.store.kept_run(record.run_id or "")
        if kept is None or self._keeper.sealer is None:
            return record
        if kept.is_waiting or kept.fence > 1:
            return None
        try:
            _program, script = await self._keeper.open(kept)
        except SealedError as error:
            _log.warning("what the run %s had called is not known: %s", kept.run_id, error)
            return record
        calls = [call.model_dump(by_alias=True) for call in self._calls(script)]
        return record.model_copy(update={"details": {**record.details, "toolCalls": calls}})

    def _calls(self, script: Script) -> list[ToolCall]:
        calls = [made for made in script.made.values() if made.kind == "call"]
        return [self._call(script, made.number, made.call_id, made.subject) for made in calls]

    def _call(self, script: Script, number: int, call_id: str, path: str) -> ToolCall:
        """One that was answered is known; one that was about to be sent may have been made."""
        answer = script.answers.get(number)
        if answer is not None and answer.call is not None:
            return ToolCall.model_validate(answer.call)
        was_sent = bool(script.attempts[number])
        state: Any = ("unknown", "unknown") if was_sent else ("cancelled", "none")
        return ToolCall(
            id=call_id,
            tool=path,
            outcome=state[0],
            effect=self._effect_of(path) if not was_sent else _writing(self._effect_of(path)),
            duration=0,
            queued=0,
            bytes_in=0,
            bytes_out=0,
            arguments_hash="",
            change=state[1],
        )


def _writing(effect: Effect) -> Effect:
    """Only calls that may change something are written down before they are sent."""
    return "write" if effect == "read" else effect
