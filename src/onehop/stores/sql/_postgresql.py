"""How PostgreSQL is reached."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from onehop.errors import ConfigError
from onehop.stores._urls import has_proper_hosts, masked
from onehop.stores.sql._schema import for_postgresql

FOREIGN: Final[tuple[type[Exception], ...]] = (asyncpg.PostgresError, asyncpg.InterfaceError)
"""What the driver raises beside what SQLAlchemy translates."""
_LONGEST_STATEMENT: Final = 60
"""Seconds after which a statement is given up."""
CHANNEL: Final = "'onehop events ' || left(current_schema(), 40)"
"""SQL for the channel on which an append tells of its events: one for each schema."""
TELL: Final = "SELECT pg_notify(" + CHANNEL + ", (SELECT max(sequence) FROM events)::text)"  # noqa: S608 - made of constants
"""SQL that tells of them when the transaction is committed: not the events themselves, which may
be longer than the 8000 bytes that PostgreSQL takes."""


def postgresql_engine(url: str, patience: float) -> AsyncEngine:
    """Connections by a URL as libpq knows it; each is tried for ``patience`` seconds.

    Raises ConfigError for any other URL.
    """
    if not has_proper_hosts(url):
        raise ConfigError(
            "store",
            f"{masked(url)!r} is not a URL of PostgreSQL: write "
            f"postgresql://user:password@host/name, with %-escapes for what is special in "
            f"the password",
        )
    address = _address(url)
    for_postgresql()

    async def connect() -> asyncpg.Connection[asyncpg.Record]:
        return await asyncpg.connect(address, timeout=patience, command_timeout=_LONGEST_STATEMENT)

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_pre_ping=True,
        pool_timeout=patience,
        hide_parameters=True,
    )


def _address(url: str) -> str:
    return "postgresql://" + url.partition("://")[2]


class Arrivals:
    """Hears, on a connection of its own, of events that any process has appended."""

    def __init__(self, url: str, patience: float) -> None:
        self._address = _address(url)
        self._patience = patience
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._turn = asyncio.Lock()
        self._latest = 0
        """The sequence of the last event that it has heard of."""
        self._told = asyncio.Event()

    async def wait(self, after: int, patience: float) -> None:
        """Return when there may be events after ``after``, or ``patience`` seconds have passed.

        At once after a connection was made: what came before it was not heard.
        """
        async with self._turn:
            if self._connection is None:
                await self._connect()
                return
        if self._latest <= after:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await self._told.wait()

    async def aclose(self) -> None:
        """Hear nothing more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def _connect(self) -> None:
        made = await asyncpg.connect(
            self._address, timeout=self._patience, command_timeout=_LONGEST_STATEMENT
        )
        try:
            made.add_termination_listener(self._lost)
            await made.add_listener(await made.fetchval(f"SELECT {CHANNEL}"), self._hear)
        except BaseException:
            made.terminate()
            raise
        self._connection = made

    def _hear(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        self._latest = max(self._latest, int(str(payload)))
        self._wake()

    def _lost(self, connection: Any) -> None:
        if connection is self._connection:
            self._connection = None
        self._wake()

    def _wake(self) -> None:
        self._told.set()
        self._told = asyncio.Event()
