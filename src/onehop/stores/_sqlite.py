"""How SQLite is opened: one file, that several processes may share."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onehop.errors import ConfigError
from onehop.stores._writes import WRITES


def sqlite_path(url: str) -> Path:
    """The file that ``url`` names. Raises ConfigError when it names none."""
    start, _, name = url.partition(":///")
    if not name or start.partition("+")[2] not in ("", "aiosqlite") or "?" in name:
        raise ConfigError(
            "store",
            f"{url!r} names no SQLite file: write sqlite:///relative/path.db or "
            f"sqlite:////absolute/path.db (memory: keeps nothing on disk)",
        )
    return Path(name).expanduser()


def make_file(path: Path, patience: float) -> None:
    """Make the file, readable by its owner only, and switch it to a write-ahead log.

    Raises OSError or sqlite3.Error.
    """
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=patience)
    try:
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


def sqlite_engine(path: Path, patience: float) -> AsyncEngine:
    """Connections to the file; each waits ``patience`` seconds for another's lock."""
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": patience},
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # BEGIN is ours, since sqlite3 would start too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
