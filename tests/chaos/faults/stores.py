"""Databases that are away, hang, or drop their connections."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Final, Protocol

import asyncpg

from tests.chaos.faults.processes import send
from tests.chaos.subject import Subject

_FOR: Final = 2.0
"""Seconds"""


class Database(Protocol):
    """A PostgreSQL that may be stopped."""

    url: str

    def start(self) -> None:
        """Start it."""

    def stop(self) -> None:
        """End it at once."""

    def tree(self) -> list[int]:
        """Its processes."""


@dataclass(frozen=True)
class LockedFile:
    """Somebody else holds the write lock of the SQLite file."""

    name: str = "lock the SQLite file"
    recovers: float = 10.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        path = subject.store.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(_FOR)
            database.execute("ROLLBACK")


@dataclass(frozen=True)
class RestartedDatabase:
    """PostgreSQL crashes, and is started again later."""

    database: Database
    name: str = "kill PostgreSQL"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        await asyncio.to_thread(self.database.stop)
        try:
            await asyncio.sleep(_FOR)
        finally:
            await asyncio.to_thread(self.database.start)


@dataclass(frozen=True)
class StoppedDatabase:
    """PostgreSQL hangs: it keeps its connections, and answers nothing."""

    database: Database
    name: str = "stop and continue PostgreSQL"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        tree = self.database.tree()
        send(tree, signal.SIGSTOP)
        try:
            await asyncio.sleep(_FOR)
        finally:
            send(tree, signal.SIGCONT)


@dataclass(frozen=True)
class CutConnections:
    """PostgreSQL drops every connection, again and again."""

    database: Database
    name: str = "cut connections to PostgreSQL"
    recovers: float = 15.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        connection = await asyncpg.connect(self.database.url)
        try:
            for _ in range(5):
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
                await asyncio.sleep(0.2)
        finally:
            await connection.close()
