"""A SQLite file for a process that makes one run and is gone: records are added by ``sqlite3``.

The whole store comes with SQLAlchemy, which takes longer to load than the run takes. It is loaded
when anything but an append is asked for, and where the file is not as an append needs it.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from onehop.errors import StoreFileError, StoreUnavailableError
from onehop.records import ExecutionRecord
from onehop.stores._border import METHODS, Ongoing
from onehop.stores._expiry import Expiry
from onehop.stores._kept import kept
from onehop.stores._sqlite_appends import append, file_of, is_usable, latest, oldest
from onehop.stores.base import Entry, HistoryQuery, Store

_PATIENCE: Final = 4.0
"""Seconds to wait for another process's lock."""
_METHODS: Final = frozenset({*METHODS, "time"})

_T = TypeVar("_T")


def light(url: str, path: Path, key: bytes | None, whole: Callable[[], Store]) -> Store:
    """The store in the file ``path``; ``whole`` makes the one that can do everything."""
    return cast("Store", LightStore(url, path, key, whole))


class LightStore:
    """See above. Records are chained with ``key`` if it is given."""

    def __init__(self, url: str, path: Path, key: bytes | None, whole: Callable[[], Store]) -> None:
        self.url = url
        self._path = path
        self._key = key
        self._make_whole = whole
        self._whole: Store | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._turn = asyncio.Lock()
        self._ongoing = Ongoing()

    @property
    def is_light(self) -> bool:
        """Whether the whole store is not loaded: nothing in it needs to be tidied up now."""
        return self._whole is None

    async def open(self) -> None:
        """Open the file, or the whole store where that has something to do first. Raises
        StoreError."""
        if not await asyncio.to_thread(self._open_file):
            await self.ready()

    def _open_file(self) -> bool:
        connection = file_of(self._path, _PATIENCE)
        if connection is None:
            return False
        try:
            found = oldest(connection) if is_usable(connection) else 0
            if found is None or not Expiry(time.time_ns() // 1_000_000).of(found):
                self._connection, self._file = connection, _identity(self._path)
                return True
        except sqlite3.Error:  # the whole store says what is wrong
            pass
        connection.close()
        return False

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self._ongoing.settle(2 * _PATIENCE)
        async with self._turn:
            if self._connection is not None:
                await asyncio.to_thread(self._connection.close)
                self._connection = None
            if self._whole is not None:
                await self._whole.aclose()

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        """See Store. Raises StoreUnavailableError and RecordRejectedError."""
        if self._whole is not None:
            return await self._whole.append(entries)
        work = partial(append, batch=kept(entries), key=self._key)
        return await self._ongoing.run(self._in_turn(work))

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """See Store. Raises StoreUnavailableError."""
        if self._whole is not None or query != HistoryQuery(limit=query.limit, brief=True):
            return await (await self.ready()).history(query)
        return await self._ongoing.run(self._in_turn(partial(latest, limit=query.limit)))

    async def _in_turn(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        async with self._turn:
            return await asyncio.to_thread(self._at_work, work)

    def _at_work(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            self._check_file()
            if self._connection is None:
                raise StoreUnavailableError(self.url, "it is closed")
            return work(self._connection)
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailableError(self.url, str(error)) from error

    def _check_file(self) -> None:
        found = _identity(self._path)
        if found != self._file:
            what = "was deleted" if found is None else "was replaced by another"
            raise StoreFileError(self.url, f"{what} while it was open: put it back")

    def __getattr__(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Every other method of a Store: the whole one has it."""
        if name not in _METHODS:
            raise AttributeError(f"a store has no attribute {name!r}")
        return partial(self._pass_on, name)

    async def _pass_on(self, name: str, *arguments: Any, **named: Any) -> Any:
        return await getattr(await self.ready(), name)(*arguments, **named)

    async def ready(self) -> Store:
        """The whole store, open. Raises StoreError."""
        async with self._turn:
            if self._whole is None:
                store = self._make_whole()
                await store.open()
                self._whole = store
            return self._whole


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
