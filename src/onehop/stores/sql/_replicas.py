"""Leases and notes of servers, in SQL."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Delete, Row, Select, TextClause, delete, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.stores._kept import clean_text
from onehop.stores.base import NOTE_LIFE, Lease, ServerNote
from onehop.stores.sql._schema import leases, server_notes
from onehop.stores.sql._writes import writing

if TYPE_CHECKING:
    from onehop.stores.sql._postgresql import Arrivals

_REMEMBERED: Final = 86_400_000
"""ms that a lease is remembered after it has expired."""
_POLLED: Final = 0.5
"""Seconds between two looks for new events, where the database does not tell of them."""
_NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
_TAKE: Final = """
INSERT INTO leases AS held (name, holder, token, expires_at, lapsed)
VALUES (:name, :holder, {now}, {now} / 1000 + :duration, FALSE)
ON CONFLICT (name) DO UPDATE SET
  token = CASE
    WHEN held.holder = excluded.holder AND held.expires_at > {now} / 1000 THEN held.token
    WHEN held.token >= excluded.token THEN held.token + 1
    ELSE excluded.token END,
  lapsed = held.expires_at <= {now} / 1000,
  holder = excluded.holder,
  expires_at = excluded.expires_at
WHERE held.holder = excluded.holder OR held.expires_at <= {now} / 1000
RETURNING token, lapsed
"""
_KEEP: Final = """
UPDATE leases SET expires_at = {now} / 1000 + :duration
WHERE holder = :holder AND expires_at > {now} / 1000 AND name IN ({names})
RETURNING name
"""
_NOTE: Final = """
INSERT INTO server_notes (server, text, noted_at) VALUES (:server, :text, {now} / 1000)
ON CONFLICT (server) DO UPDATE SET text = excluded.text, noted_at = excluded.noted_at
RETURNING noted_at
"""

Statement = TextClause | Delete | Select[Any]


class SqlReplicas:
    """What servers share in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""
    _arrivals: Arrivals | None
    """Where PostgreSQL tells of events."""

    async def take_lease(self, name: str, holder: str, duration: int) -> Lease | None:
        """Let ``holder`` have ``name``, unless another has it."""
        values = {"name": name, "holder": holder, "duration": duration}
        rows = await self._at_once(self._timed(_TAKE), values)
        return Lease(name, holder, rows[0].token, bool(rows[0].lapsed)) if rows else None

    async def keep_leases(self, holder: str, names: Collection[str], duration: int) -> set[str]:
        """Let ``holder`` go on having those that it has."""
        if not names:
            return set()
        named = {f"name{place}": name for place, name in enumerate(names)}
        statement = _KEEP.replace("{names}", ", ".join(f":{place}" for place in named))
        values = {"holder": holder, "duration": duration, **named}
        return {row.name for row in await self._at_once(self._timed(statement), values)}

    async def drop_leases(self, holder: str, names: Collection[str]) -> None:
        """Let others have them."""
        if names:
            held = leases.c.holder == holder, leases.c.name.in_(list(names))
            await self._at_once(delete(leases).where(*held))

    async def _prune_leases(self) -> None:
        old = delete(leases).where(leases.c.expires_at < await self.time() - _REMEMBERED)
        await self._at_once(old)

    async def exchange_notes(self, server: str, text: str) -> list[ServerNote]:
        """Leave a note; gives those of the others."""
        values = {"server": server, "text": clean_text(text)}
        [mine] = await self._at_once(self._timed(_NOTE), values)
        note = server_notes.c
        async with self._engine.connect() as connection:
            rows = (await connection.execute(select(server_notes))).all()
        if any(row.noted_at < mine.noted_at - NOTE_LIFE for row in rows):
            old = delete(server_notes).where(note.noted_at < mine.noted_at - NOTE_LIFE)
            await self._at_once(old)
        return [
            ServerNote(row.server, row.text, max(0, mine.noted_at - row.noted_at))
            for row in rows
            if row.server != server and row.noted_at >= mine.noted_at - NOTE_LIFE
        ]

    async def await_events(self, after: int, patience: float) -> None:
        """Return when PostgreSQL tells of events; SQLite tells nobody, so after a pause."""
        if self._arrivals is not None:
            await self._arrivals.wait(after, patience)
        else:
            await asyncio.sleep(min(patience, _POLLED))

    async def _tell_of_events(self, connection: AsyncConnection) -> None:
        """Tell those who wait, once the transaction is committed."""
        if self._arrivals is not None:
            from onehop.stores.sql._postgresql import TELL

            await connection.execute(text(TELL))

    async def time(self) -> int:
        """The time by the database's clock, in ms since the epoch."""
        raise NotImplementedError

    def _timed(self, statement: str) -> TextClause:
        """``statement`` with the time of the database's clock in µs; SQLite has this machine's."""
        is_postgresql = self._engine.dialect.name == "postgresql"
        now = _NOW if is_postgresql else str(time.time_ns() // 1000)
        return text(statement.replace("{now}", now))

    async def _at_once(
        self, statement: Statement, values: dict[str, Any] | None = None
    ) -> list[Row[Any]]:
        """What one statement gives that is a transaction by itself: on PostgreSQL, one exchange
        with the server instead of three."""
        if self._engine.dialect.name != "postgresql":
            async with self._turn, writing(self._engine) as connection:
                found = await connection.execute(statement, values or {})
                return list(found.all()) if found.returns_rows else []
        engine = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            found = await connection.execute(statement, values or {})
            return list(found.all()) if found.returns_rows else []
