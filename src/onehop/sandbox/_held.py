"""Runs of a sandbox that wait for people longer than their callers do.

Only an Executor keeps what it takes to make a run again. Here the worker waits with its run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from onehop.runs.decisions import Approval, pending
from onehop.runs.later import paused
from onehop.types import ExecutionResult

if TYPE_CHECKING:
    from onehop.sandbox.approvals import RunAsker

_LIFETIME: Final = 86_400.0
"""Seconds in which people may decide about a call, as long as an Executor gives them."""


class HeldRun:
    """One run; see ``approvals.Holder`` and ``runs.later.Pause``. ``digest`` is its code's hash;
    ``is_open`` says whether the sandbox is, and ``has_room`` whether it may begin to wait."""

    def __init__(
        self,
        run_id: str,
        digest: str,
        is_open: Callable[[], bool],
        has_room: Callable[[], bool],
    ) -> None:
        self.run_id = run_id
        self.begun = asyncio.Event()
        self.standing: Mapping[str, Approval] = {}
        self.asker: RunAsker | None = None
        self._digest = digest
        self._is_open = is_open
        self._has_room = has_room

    @property
    def lifetime(self) -> float | None:
        """See Holder."""
        may_wait = self._is_open() and (self.begun.is_set() or self._has_room())
        return _LIFETIME if may_wait else None

    async def hold(self, expires_at: int) -> None:
        """See Holder: the worker is here."""

    def pause(self) -> None:
        """See Holder: the caller is answered, and the worker waits on."""
        self.begun.set()

    def result(self) -> ExecutionResult | None:
        """See Pause."""
        waiting = [] if self.asker is None else self.asker.waiting
        if not waiting:
            return None
        return paused(self._digest, self.run_id, [pending(each) for each in waiting])
