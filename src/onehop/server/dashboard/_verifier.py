"""Audits the chain of records when a person asks, one at a time, and remembers the answer."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from onehop import audit
from onehop.errors import StoreError
from onehop.server.dashboard._spans import now_ms
from onehop.stores.base import Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit that has ended."""

    at: int
    """ms since the epoch."""
    report: audit.AuditReport | None
    trouble: str = ""
    """Why there is no report."""


class Verifier:
    """``key`` is the trail's, if it has one."""

    def __init__(self, key: bytes | None) -> None:
        self._key = key
        self._task: asyncio.Task[None] | None = None
        self.last: Audit | None = None
        """The last one of this process."""

    @property
    def is_running(self) -> bool:
        """Whether one is under way."""
        return self._task is not None and not self._task.done()

    def start(self, store: Store) -> None:
        """Begin one in the background, unless one is under way."""
        if not self.is_running:
            self._task = asyncio.get_running_loop().create_task(self._verify(store))

    async def _verify(self, store: Store) -> None:
        try:
            self.last = Audit(now_ms(), await audit.verify(store, self._key))
        except StoreError as error:
            _log.warning("the trail could not be verified: %s", error)
            self.last = Audit(now_ms(), None, "the database of the trail does not answer")
        except Exception:
            _log.exception("the trail could not be verified")
            self.last = Audit(now_ms(), None, "an internal error; the server's log has it")
