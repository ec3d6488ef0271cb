"""A store whose database may be away when it is opened: the first call that finds it opens it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from onehop.errors import StoreError, StoreUnavailableError
from onehop.stores._border import METHODS
from onehop.stores.base import Store

_PAUSE: Final = 1.0
"""Seconds after an attempt in which nothing more is tried."""
_PASSED_ON: Final = tuple(name for name in METHODS if name not in ("open", "aclose"))

_log = logging.getLogger(__name__)


def patient(store: Store) -> Store:
    """``store``, whose ``open`` succeeds while its database is away.

    Until it is back, and its schema up to date, every other call raises StoreUnavailableError.
    """
    return cast("Store", _Patient(store))


class _Patient:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._opened = False
        self._turn = asyncio.Lock()
        self._failure: StoreUnavailableError | None = None
        self._tried_at = float("-inf")

    @property
    def url(self) -> str:
        """Where it is, with the password masked."""
        return self._store.url

    async def open(self) -> None:
        """Open it, if it is there. Raises ConfigError, and StoreError for a newer schema."""
        try:
            await self._attempt()
        except StoreUnavailableError as error:
            _log.warning("starting without it: %s. It is opened when it is back", error)

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self._opened:
            await self._store.aclose()

    async def ready(self) -> Store:
        """The open store. Raises StoreUnavailableError."""
        if not self._opened:
            async with self._turn:
                await self._reopen()
        return self._store

    async def _reopen(self) -> None:
        if self._opened:
            return
        if self._failure is not None and time.monotonic() - self._tried_at < _PAUSE:
            raise StoreUnavailableError(self._failure.url, self._failure.reason)
        try:
            await self._attempt()
        except StoreUnavailableError:
            raise
        except StoreError as error:  # newer than this onehop, say: it stays closed
            raise self._failed(StoreUnavailableError(self.url, str(error))) from error
        _log.warning("the store %s is there now, and open", self.url)

    async def _attempt(self) -> None:
        try:
            await self._store.open()
        except StoreUnavailableError as error:
            raise self._failed(error) from error.__cause__
        self._opened = True

    def _failed(self, error: StoreUnavailableError) -> StoreUnavailableError:
        self._failure, self._tried_at = error, time.monotonic()
        return error


def _passing_on(name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
    async def call(self: _Patient, *arguments: Any, **named: Any) -> Any:
        return await getattr(await self.ready(), name)(*arguments, **named)

    call.__name__ = name
    return call


for _name in _PASSED_ON:
    setattr(_Patient, _name, _passing_on(_name))
