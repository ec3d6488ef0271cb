"""The audit trail in SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, and_, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.errors import StoreError
from onehop.records import ExecutionRecord
from onehop.stores._border import Ongoing, translated
from onehop.stores._kept import Batch, KeptEvent, KeptRecord, clean_text, kept
from onehop.stores._migrations import MIGRATIONS, Migration, migrate
from onehop.stores._rows import event_from, event_values, record_from, record_values
from onehop.stores._schema import chain_anchors, chain_head, events, executions
from onehop.stores._sql_agents import SqlAgents
from onehop.stores._sql_analytics import SqlAnalytics
from onehop.stores._sqlite import make_file, sqlite_engine, sqlite_path
from onehop.stores._urls import masked, scheme
from onehop.stores._writes import writing
from onehop.stores.base import (
    RETENTION_SECONDS,
    ChainAnchor,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    StoredEvent,
)

PATIENCE: Final = 4.0
"""Seconds to wait for a connection, or for another process's lock."""
_GRACE: Final = 0.5
"""Seconds that a driver may take longer, before it is no longer waited for."""
_MANY: Final = 500
"""Values in one IN list."""
_PRUNED_AT_ONCE: Final = 5000
"""Records that one transaction of ``prune`` drops, so that appends get their turn."""


@translated
class SqlStore(SqlAnalytics, SqlAgents):
    """Records in SQLite (by ``sqlite:///`` URL) or PostgreSQL, chained with ``key`` if given."""

    _engine: AsyncEngine

    def __init__(
        self,
        url: str,
        key: bytes | None = None,
        *,
        patience: float = PATIENCE,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self._path = sqlite_path(url) if scheme(url) == "sqlite" else None
        self._address = url
        self._key = key
        self._patience = patience
        self._migrations = migrations
        # Appends of this process wait here, rather than each in a connection of its own.
        self._turn = asyncio.Lock()
        self._resources = AsyncExitStack()
        self.ongoing = Ongoing()
        self.foreign: tuple[type[Exception], ...] = (
            DBAPIError,
            NoConnectionError,
            PendingRollbackError,
            ResourceClosedError,
            OSError,
            sqlite3.Error,
        )
        if self._path is None:
            from onehop.stores._postgresql import FOREIGN

            self.foreign += FOREIGN

    @property
    def url(self) -> str:
        """Where it is, with the password masked."""
        return masked(self._address) if self._path is None else f"sqlite:///{self._path}"

    def reason(self, error: Exception) -> str:
        """The driver's own words."""
        if isinstance(error, DBAPIError):
            return str((error.orig and error.orig.__cause__) or error.orig)
        if isinstance(error, TimeoutError) and not str(error):
            return f"no answer within {self._patience:g} s"
        return str(error)

    async def open(self) -> None:
        """Connect, and bring the schema up to date. Raises StoreError for a newer schema."""
        self._engine = await self._make_engine()
        self._resources.push_async_callback(self._engine.dispose)
        try:
            await self.ping()
            await migrate(self._engine, self._migrations, self.url)
        except BaseException:
            await self.ongoing.settle(_GRACE)
            await self._resources.aclose()
            raise

    async def _make_engine(self) -> AsyncEngine:
        if self._path is not None:
            await asyncio.to_thread(make_file, self._path, self._patience)
            return sqlite_engine(self._path, self._patience)
        from onehop.stores._postgresql import postgresql_engine

        return postgresql_engine(self._address, self._patience)

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self.ongoing.settle(self._patience)
        await self._resources.aclose()

    async def ping(self) -> None:
        """Ask the database for an answer."""
        async with asyncio.timeout(self._patience + _GRACE):
            await self.ongoing.run(self._ask())

    async def _ask(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(select(1))

    async def append(self, entries: Sequence[Entry]) -> None:
        """Take all entries in order, or none of them, each once."""
        batch = kept(entries)
        async with self._turn, writing(self._engine) as connection:
            await self._append(connection, batch)

    async def _append(self, connection: AsyncConnection, batch: Batch) -> None:
        # Locked from here on, so that the chain cannot fork and events are seen in order.
        row = (await connection.execute(select(chain_head).with_for_update())).one()
        await self._append_records(connection, batch.records, ChainHead(row.sequence, row.hash))
        await self._append_events(connection, batch.events)

    async def _append_records(
        self, connection: AsyncConnection, records: Sequence[KeptRecord], head: ChainHead
    ) -> None:
        ids = [record.record.request_id for record in records]
        known = await _known(connection, executions.c.request_id, ids)
        highest = await connection.scalar(select(func.max(executions.c.sequence)))
        # Higher than the head only if somebody else has written; the audit shows it.
        sequence, previous = max(head.sequence, highest or 0), head.hash
        rows = []
        for record in records:
            if record.record.request_id not in known:
                sequence += 1
                placed = record.chained(sequence, previous, self._key)
                previous = placed.hash or ""
                rows.append(record_values(placed, record.texts))
        if rows:
            await connection.execute(insert(executions), rows)
            await connection.execute(update(chain_head).values(sequence=sequence, hash=previous))

    async def _append_events(
        self, connection: AsyncConnection, announced: Sequence[KeptEvent]
    ) -> None:
        ids = [item.event.event_id for item in announced]
        known = await _known(connection, events.c.event_id, ids)
        rows = [event_values(item) for item in announced if item.event.event_id not in known]
        if rows:
            await connection.execute(insert(events), rows)

    async def get(self, request_id: str) -> ExecutionRecord | None:
        """The record of one run."""
        wanted = executions.c.request_id == clean_text(request_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(executions).where(wanted))).mappings().first()
        return record_from(row) if row else None

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""
        statement = (
            select(executions)
            .where(*_conditions(query))
            .order_by(executions.c.executed_at.desc(), executions.c.sequence.desc())
            .limit(query.limit)
            .offset(query.offset)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [record_from(row) for row in rows]

    async def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events in the order they were taken."""
        statement = (
            select(events)
            .where(events.c.sequence > query.after, *_same(events, query, _EVENT_FILTERS))
            .order_by(events.c.sequence)
            .limit(query.limit)
        )
        if query.event_types is not None:
            statement = statement.where(events.c.event_type.in_(sorted(query.event_types)))
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [event_from(row) for row in rows]

    async def last_event(self) -> int:
        """The sequence of the event that was taken last."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.max(events.c.sequence))) or 0

    async def prune(self, now: int) -> int:
        """Drop records up to the first that is not expired, and expired events.

        Of the records an anchor stays, so that the chain is known to have begun earlier.
        """
        expired = now - RETENTION_SECONDS * 1000
        async with self._turn, writing(self._engine) as connection:
            await connection.execute(delete(events).where(events.c.timestamp <= expired))
        pruned = 0
        while dropped := await self._prune_some(expired):
            pruned += dropped
        return pruned

    async def _prune_some(self, expired: int) -> int:
        place, time = executions.c.sequence, executions.c.executed_at
        oldest = select(place, executions.c.hash, time).order_by(place).limit(_PRUNED_AT_ONCE)
        async with self._turn, writing(self._engine) as connection:
            rows = (await connection.execute(oldest)).all()
            gone = next((i for i, row in enumerate(rows) if row.executed_at > expired), len(rows))
            if gone == 0:
                return 0
            last = rows[gone - 1]
            await connection.execute(delete(executions).where(place <= last.sequence))
            newest = max(row.executed_at for row in rows[:gone])
            await _anchor(connection, ChainAnchor(last.sequence, last.hash, newest))
        return gone

    # -- the chain

    async def head(self) -> ChainHead:
        """Where the chain ends."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(chain_head))).one_or_none()
        if row is None:
            raise StoreError(f"the store {self.url} has lost the note of where its chain ends")
        return ChainHead(row.sequence, row.hash)

    async def chain(self, after: int, limit: int) -> list[ExecutionRecord]:
        """Records by sequence, ascending, those after sequence ``after``."""
        place = executions.c.sequence
        statement = select(executions).where(place > after).order_by(place).limit(limit)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [record_from(row) for row in rows]

    async def anchors(self) -> list[ChainAnchor]:
        """Noted places of the chain, ascending."""
        statement = select(chain_anchors).order_by(chain_anchors.c.sequence)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        return [ChainAnchor(row.sequence, row.hash, row.executed_at) for row in rows]


async def _known(
    connection: AsyncConnection, column: Column[Any], values: Sequence[str]
) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(values), _MANY):
        some = select(column).where(column.in_(values[start : start + _MANY]))
        found.update((await connection.execute(some)).scalars())
    return found


async def _anchor(connection: AsyncConnection, anchor: ChainAnchor) -> None:
    """Note ``anchor`` instead of those before it."""
    await connection.execute(delete(chain_anchors))
    values = {"sequence": anchor.sequence, "hash": anchor.hash, "executed_at": anchor.executed_at}
    await connection.execute(insert(chain_anchors).values(values))


_HISTORY_FILTERS: Final = ("agent_id", "channel_id", "language", "success", "code_hash")
_EVENT_FILTERS: Final = ("request_id", "agent_id", "channel_id")


def _same(
    table: Table, query: HistoryQuery | EventQuery, names: Sequence[str]
) -> list[ColumnElement[bool]]:
    wanted = {name: getattr(query, name) for name in names}
    return [
        table.c[name] == (clean_text(value) if isinstance(value, str) else value)
        for name, value in wanted.items()
        if value is not None
    ]


def _conditions(query: HistoryQuery) -> list[ColumnElement[bool]]:
    conditions = _same(executions, query, _HISTORY_FILTERS)
    if query.since is not None:
        conditions.append(executions.c.executed_at >= query.since)
    if query.until is not None:
        conditions.append(executions.c.executed_at < query.until)
    return [and_(*conditions)] if conditions else []
