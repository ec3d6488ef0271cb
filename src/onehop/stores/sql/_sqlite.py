"""How SQLite is opened: one file, that several processes may share."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onehop.errors import StoreFileError
from onehop.stores.sql._sqlite_connections import SqliteConnections, existing
from onehop.stores.sql._writes import WRITES

_PAGES_AT_ONCE: Final = 2000
"""Pages that are given back at once, so that others get their turn."""
_KEPT_FREE: Final = 1000
"""Free pages that stay, for what comes next."""
_INCREMENTAL: Final = 2
"""What SQLite calls the mode in which a file can shrink."""


_ADVICE: Final = "put it back, or restart onehop"


def make_file(path: Path, patience: float) -> None:
    """Make the file, readable by its owner only, and switch it to a write-ahead log.

    Raises OSError or sqlite3.Error.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=patience)
    try:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded by a file that is new
        _use_log(connection, time.monotonic() + patience)
    finally:
        connection.close()


def _use_log(connection: sqlite3.Connection, deadline: float) -> None:
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # While others switch it too, SQLite says so at once rather than wait.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def shrink_file(path: Path, patience: float) -> None:
    """Give free pages back, if the file was made so; ``compact_file`` changes one that was not.

    Raises sqlite3.Error.
    """
    with closing(_connect(path, patience)) as connection:
        if connection.execute("PRAGMA auto_vacuum").fetchone()[0] != _INCREMENTAL:
            return
        while connection.execute("PRAGMA freelist_count").fetchone()[0] > _KEPT_FREE:
            # A script, because it has to be stepped through for each page.
            connection.executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")


def compact_file(path: Path, patience: float) -> tuple[int, int]:
    """Write the file anew without free pages; its bytes before and after. Raises sqlite3.Error."""
    with closing(_connect(path, patience)) as connection:
        before = path.stat().st_size
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, path.stat().st_size


def _connect(path: Path, patience: float) -> sqlite3.Connection:
    return sqlite3.connect(existing(path), uri=True, timeout=patience, isolation_level=None)


def sqlite_engine(path: Path, connections: SqliteConnections, patience: float) -> AsyncEngine:
    """Connections to the file; each waits ``patience`` seconds for another's lock."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": patience, "async_creator_fn": connections.connect},
        hide_parameters=True,
    )
    check = _same_file(path)
    event.listen(engine.sync_engine, "do_connect", check)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", check)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _same_file(path: Path) -> Callable[..., None]:
    """Refuses connections and transactions once another file, or none, is at ``path``: what they
    wrote would be lost with the file that is open."""
    opened = _identity(path)

    def check(*_of_event: object) -> None:
        found = _identity(path)
        if found != opened:
            what = "was deleted" if found is None else "was replaced by another"
            raise StoreFileError(f"sqlite:///{path}", f"{what} while it was open: {_ADVICE}")

    return check


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, since sqlite3 would start too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    if connection.get_execution_options().get(WRITES, False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        driver: Any = connection.connection.driver_connection
        driver.begin()
