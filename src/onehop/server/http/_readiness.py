"""Whether the server can do its work now, and if not, why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, Final

from onehop.errors import StoreError, StoreFileError
from onehop.execution.executor import Executor
from onehop.server._errors import NotReadyError

_PATIENCE: Final = 2.0
"""Seconds that a part has to answer."""
_BELIEVED: Final = 0.5
"""Seconds that an answer holds: anybody may ask, and each question writes to the disk."""
_AWAY: Final = "the database of the audit trail does not answer"
_NO_WORKER: Final = "no worker is at hand; the log says why"


class Readiness:
    """Answers ``/readyz``: asks every part, each with a bound."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._asking: asyncio.Task[list[str]] | None = None
        self._asked_at = float("-inf")

    async def check(self) -> None:
        """Raise NotReadyError with every reason there is."""
        if self._asking is None or self._is_old(self._asking):
            self._asked_at = time.monotonic()
            self._asking = asyncio.get_running_loop().create_task(self._reasons())
        reasons = await asyncio.shield(self._asking)
        if reasons:
            raise NotReadyError("; ".join(reasons))

    def _is_old(self, answer: asyncio.Task[list[str]]) -> bool:
        return answer.done() and time.monotonic() - self._asked_at > _BELIEVED

    async def _reasons(self) -> list[str]:
        found = [] if self._executor.sandbox.is_ready() else [_NO_WORKER]
        answers = await asyncio.gather(
            _bounded(self._executor.trouble(), "the journal does not answer"),
            _bounded(self._store(), _AWAY),
        )
        return [*found, *(answer for answer in answers if answer)]

    async def _store(self) -> str | None:
        try:
            await self._executor.store.ping()
        except StoreFileError as error:
            return error.public
        except StoreError:
            return _AWAY
        return None


async def _bounded(question: Awaitable[str | None], late: str) -> str | None:
    """Its answer, or that there is none: not by a cancellation, which a driver may not obey."""
    asked = asyncio.ensure_future(question)
    done, _late = await asyncio.wait([asked], timeout=_PATIENCE)
    if not done:
        asked.cancel()
        asked.add_done_callback(_forget)
        return f"{late} within {_PATIENCE:g} s"
    return asked.result()


def _forget(asked: asyncio.Future[Any]) -> None:
    if not asked.cancelled():
        asked.exception()  # seen
