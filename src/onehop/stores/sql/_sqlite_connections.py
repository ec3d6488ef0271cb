"""Connections to a SQLite file: they make no file, and their threads end before the loop does."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

if TYPE_CHECKING:
    import aiosqlite

_CHUNK: Final = 64
"""Rows that aiosqlite reads at once where it is iterated over, which nobody does here."""


class SqliteConnections:
    """Opens a SQLite file that exists, for SQLAlchemy; each connection has a thread."""

    def __init__(self, path: Path) -> None:
        self._uri = existing(path)
        self._threads: WeakSet[Thread] = WeakSet()
        self._closed = False

    def connect(self, _database: str, **named: Any) -> aiosqlite.Connection:
        """A connection, to be awaited; ``named`` is what sqlite3 takes. Raises sqlite3.Error when
        the store is closed: nobody would close the connection."""
        if self._closed:
            raise sqlite3.OperationalError("the store is closed")
        from onehop.stores.sql._sqlite_cursors import Connection

        # A transaction begins in the loop's thread, when nothing is at work in the connection's.
        named |= {"uri": True, "check_same_thread": False}
        connection = Connection(partial(sqlite3.connect, self._uri, **named), _CHUNK)
        thread = connection._thread  # aiosqlite has no public name for it
        thread.daemon = True  # so that it keeps no process from its end
        self._threads.add(thread)
        return connection

    async def ended(self, seconds: float) -> None:
        """Open no more, and wait until the threads have ended. A connection whose use was cancelled
        is closed by its thread, which then reports to the loop: the loop must still be there."""
        self._closed = True
        await asyncio.to_thread(_join, list(self._threads), time.monotonic() + seconds)


def existing(path: Path) -> str:
    """As SQLite's URI of a file that must exist: by its path it would be made.

    Source: https://www.sqlite.org/uri.html
    """
    return f"{path.absolute().as_uri()}?mode=rw"


def _join(threads: list[Thread], deadline: float) -> None:
    for thread in threads:
        if thread.is_alive():
            thread.join(max(0.0, deadline - time.monotonic()))
