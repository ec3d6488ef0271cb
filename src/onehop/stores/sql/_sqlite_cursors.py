"""A connection to SQLite that goes to its thread once for each statement.

aiosqlite goes there four times: to make a cursor, to execute, to fetch, to close. Each way is two
switches of threads, and what the statement itself takes is often less. SQLAlchemy reads all rows of
a statement at once, so that they can come along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

import aiosqlite


class _Done(NamedTuple):
    """What a statement gave."""

    rows: list[Any]
    description: Any
    rowcount: int
    lastrowid: int | None


class Cursor:
    """The part of a cursor that SQLAlchemy uses."""

    arraysize = 1

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._done = _Done([], None, -1, None)

    async def __aenter__(self) -> Self:
        return self

    async def execute(self, sql: str, parameters: Iterable[Any] = ()) -> Self:
        """Run a statement, and fetch its rows."""
        return await self._run(sqlite3.Connection.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[Any]) -> Self:
        """Run a statement for each of ``parameters``."""
        return await self._run(sqlite3.Connection.executemany, sql, parameters)

    async def _run(
        self, execute: Callable[..., sqlite3.Cursor], sql: str, parameters: Iterable[Any]
    ) -> Self:
        self._done = await self._connection.run(execute, sql, parameters)
        return self

    async def fetchall(self) -> list[Any]:
        """The rows."""
        return self._done.rows

    async def close(self) -> None:
        """Nothing is open any more."""

    @property
    def description(self) -> Any:
        """The columns, or None."""
        return self._done.description

    @property
    def rowcount(self) -> int:
        """How many rows were changed; -1 where nobody knows."""
        return self._done.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The row that was inserted."""
        return self._done.lastrowid


class Connection(aiosqlite.Connection):
    """See above."""

    def cursor(self) -> Cursor:  # type: ignore[override]  # SQLAlchemy enters it, whatever it is
        """A cursor; nothing is done for it."""
        return Cursor(self)

    def begin(self) -> None:
        """Begin a transaction here, not in the thread: SQLite locks and reads nothing before the
        first statement. Raises sqlite3.Error."""
        self._conn.execute("BEGIN").close()

    async def run(
        self, execute: Callable[..., sqlite3.Cursor], sql: str, parameters: Iterable[Any]
    ) -> _Done:
        """Execute in the connection's thread, and fetch."""
        return await self._execute(_all_of, execute, self._conn, sql, parameters)  # type: ignore[no-any-return,no-untyped-call]


def _all_of(
    execute: Callable[..., sqlite3.Cursor],
    connection: sqlite3.Connection,
    sql: str,
    parameters: Iterable[Any],
) -> _Done:
    cursor = execute(connection, sql, parameters)
    rows = cursor.fetchall() if cursor.description else []
    done = _Done(rows, cursor.description, cursor.rowcount, cursor.lastrowid)
    cursor.close()
    return done
