"""The audit trail in SQLite or PostgreSQL."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, PendingRollbackError, ResourceClosedError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.errors import StoreError
from onehop.records import GIVEN_UP, ExecutionRecord
from onehop.stores._border import Ongoing, translated
from onehop.stores._expiry import Expiry
from onehop.stores._kept import Batch, KeptEvent, KeptRecord, clean_text, kept
from onehop.stores._placing import First, Known, RunName, end_of, place, repeats_in
from onehop.stores._rows import BARE, event_from, event_values, record_from, record_values
from onehop.stores._tool_rows import tool_rows
from onehop.stores._urls import masked, scheme, sqlite_path
from onehop.stores.base import (
    ChainAnchor,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    StoredEvent,
)
from onehop.stores.sql._agents import SqlAgents
from onehop.stores.sql._analytics import SqlAnalytics
from onehop.stores.sql._approvals import SqlApprovals
from onehop.stores.sql._engines import dispose
from onehop.stores.sql._migrations import MIGRATIONS, Migration, migrate
from onehop.stores.sql._observed import SqlObserved
from onehop.stores.sql._replicas import SqlReplicas
from onehop.stores.sql._runs import WAITS, SqlRuns
from onehop.stores.sql._schema import (
    approvals,
    chain_anchors,
    chain_head,
    events,
    executions,
    kept_runs,
    tool_calls,
    tool_runs,
)
from onehop.stores.sql._sessions import SqlSessions
from onehop.stores.sql._snippets import SqlSnippets
from onehop.stores.sql._sqlite import (
    compact_file,
    make_file,
    shrink_file,
    sqlite_engine,
)
from onehop.stores.sql._sqlite_connections import SqliteConnections
from onehop.stores.sql._statements import (
    ADD_EVENTS,
    ADD_RUNS,
    FIRST_RUN,
    FIRST_RUN_OF_AGENT,
    FIRST_RUNS,
    HEAD,
    HIGHEST,
    KNOWN_EVENTS,
    KNOWN_RUNS,
    NEW_HEAD,
)
from onehop.stores.sql._writes import writing

PATIENCE: Final = 4.0
"""Seconds to wait for a connection, or for another process's lock."""
_GRACE: Final = 0.5
"""Seconds that a driver may take longer, before it is no longer waited for."""
_MANY: Final = 500
"""Values in one IN list."""
_PRUNED_AT_ONCE: Final = 5000
"""Records that one transaction of ``prune`` drops, so that appends get their turn."""


@translated
class SqlStore(
    SqlAnalytics,
    SqlAgents,
    SqlRuns,
    SqlApprovals,
    SqlSessions,
    SqlSnippets,
    SqlObserved,
    SqlReplicas,
):
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
        self._arrivals = None
        if self._path is None:
            from onehop.stores.sql._postgresql import FOREIGN, Arrivals

            self.foreign += FOREIGN
            self._arrivals = Arrivals(url, patience)

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
        self._resources.push_async_callback(dispose, self._engine)
        try:
            await self.ping()
            await self.ongoing.run(migrate(self._engine, self._migrations, self.url))
        except BaseException:
            await self.ongoing.settle(_GRACE)
            await self._resources.aclose()
            raise

    async def _make_engine(self) -> AsyncEngine:
        if self._path is not None:
            await asyncio.to_thread(make_file, self._path, self._patience)
            connections = SqliteConnections(self._path)
            # A statement may wait for a lock, and be closed after that.
            self._resources.push_async_callback(connections.ended, 2 * self._patience + _GRACE)
            return sqlite_engine(self._path, connections, self._patience)
        from onehop.stores.sql._postgresql import postgresql_engine

        return postgresql_engine(self._address, self._patience)

    async def aclose(self) -> None:
        """Let go of every connection."""
        if self._arrivals is not None:
            await self._arrivals.aclose()
        await self.ongoing.settle(self._patience)
        await self._resources.aclose()

    async def ping(self) -> None:
        """Ask the database for an answer."""
        async with asyncio.timeout(self._patience + _GRACE):
            await self.ongoing.run(self._ask())

    async def _ask(self) -> None:
        async with self._engine.connect() as connection:
            await connection.execute(select(1))

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        """Take all entries in order, or none of them, each once."""
        batch = kept(entries)
        async with self._turn, writing(self._engine) as connection:
            return await self._append(connection, batch)

    async def _append(self, connection: AsyncConnection, batch: Batch) -> Sequence[ExecutionRecord]:
        # Locked from here on, so that the chain cannot fork and events are seen in order.
        row = (await connection.execute(HEAD)).one()
        head = ChainHead(row.sequence, row.hash)
        repeats = await self._append_records(connection, batch.records, head)
        await self._append_events(connection, batch.events)
        return repeats

    async def _append_records(
        self, connection: AsyncConnection, records: Sequence[KeptRecord], head: ChainHead
    ) -> Sequence[ExecutionRecord]:
        highest = await connection.scalar(HIGHEST)
        # Higher than the head only if somebody else has written; the audit shows it.
        end = ChainHead(max(head.sequence, highest or 0), head.hash)
        placed = place(records, await _known_runs(connection, records), end, self._key)
        if placed:
            rows = [record_values(each.record, each.texts) for each in placed]
            await connection.execute(ADD_RUNS, rows)
            await _add_calls(connection, [each.record for each in placed])
            end = end_of(placed, end)
            note = {"new_sequence": end.sequence, "new_hash": end.hash}
            await connection.execute(NEW_HEAD, note)
        return repeats_in(placed)

    async def _append_events(
        self, connection: AsyncConnection, announced: Sequence[KeptEvent]
    ) -> None:
        ids = [item.event.event_id for item in announced]
        known = await _known(connection, KNOWN_EVENTS, ids)
        rows = [event_values(item) for item in announced if item.event.event_id not in known]
        if rows:
            await connection.execute(ADD_EVENTS, rows)
            await self._tell_of_events(connection)

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        """The record of the first run of this request id."""
        first, wanted = FIRST_RUN, {"request_id": clean_text(request_id)}
        if agent_id is not None:
            first, wanted["agent_id"] = FIRST_RUN_OF_AGENT, clean_text(agent_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(first, wanted)).mappings().first()
            if row is not None and row["error_type"] == GIVEN_UP:
                again = (await connection.execute(_after(row))).mappings().first()
                row = again or row
        return record_from(row) if row else None

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""
        columns = [column for column in executions.c if not query.brief or column.name not in BARE]
        statement = (
            select(*columns)
            .where(*_conditions(query))
            .order_by(executions.c.executed_at.desc(), executions.c.sequence.desc())
            .limit(query.limit)
            .offset(query.offset)
        )
        if query.tool is not None:
            called = _callers(query).limit(query.limit).offset(query.offset).subquery()
            statement = (
                select(*columns)
                .join(called, executions.c.sequence == called.c.sequence)
                .order_by(called.c.executed_at.desc(), called.c.sequence.desc())
            )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [record_from({**row, **BARE} if query.brief else row) for row in rows]

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
        """Drop records up to the first that is not expired, and expired events, some at a time.

        Of the records an anchor stays, so that the chain is known to have begun earlier.
        """
        expiry = Expiry(now)
        while await self._prune_events(expiry) == _PRUNED_AT_ONCE:
            pass
        await self._prune_sessions(expiry)
        await self._prune_approvals(expiry)
        await self._prune_observed(expiry)
        await self._prune_leases()
        await self._prune_runs(now, expiry.cutoff)
        pruned = 0
        noted_at = time.time_ns() // 1_000_000
        while dropped := await self._prune_some(expiry, noted_at):
            pruned += dropped
        if pruned and self._path is not None:
            await asyncio.to_thread(shrink_file, self._path, self._patience)
        return pruned

    async def _prune_events(self, expiry: Expiry) -> int:
        number = events.c.sequence
        some = select(number).where(events.c.timestamp <= expiry.cutoff).limit(_PRUNED_AT_ONCE)
        async with self._turn, writing(self._engine) as connection:
            done = await connection.execute(delete(events).where(number.in_(some)))
        return done.rowcount

    async def _prune_approvals(self, expiry: Expiry) -> None:
        old = approvals.c.requested_at <= expiry.cutoff
        needed = select(kept_runs.c.run_id).where(WAITS)
        gone = delete(approvals).where(old, approvals.c.run_id.not_in(needed))
        async with self._turn, writing(self._engine) as connection:
            await connection.execute(gone)

    async def _prune_some(self, expiry: Expiry, noted_at: int) -> int:
        run = executions.c
        oldest = select(run.sequence, run.hash, run.executed_at).order_by(run.sequence)
        async with self._turn, writing(self._engine) as connection:
            rows = (await connection.execute(oldest.limit(_PRUNED_AT_ONCE))).all()
            gone = rows[: expiry.prefix([row.executed_at for row in rows])]
            if not gone:
                return 0
            last = gone[-1]
            for table in (executions, tool_runs, tool_calls):
                await connection.execute(delete(table).where(table.c.sequence <= last.sequence))
            newest = expiry.newest([row.executed_at for row in gone])
            await _anchor(connection, ChainAnchor(last.sequence, last.hash, newest, (), noted_at))
        return len(gone)

    async def time(self) -> int:
        """The time by the database's clock, in ms since the epoch; SQLite has this machine's."""
        if self._path is not None:
            return time.time_ns() // 1_000_000
        now = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        async with self._engine.connect() as connection:
            return int(await connection.scalar(now) or 0)

    async def compact(self) -> tuple[int, int]:
        """Write a SQLite file anew, without the room that nothing fills, so that it shrinks by
        itself from now on. Gives its bytes before and after.

        Raises StoreError for PostgreSQL, which does it itself.
        """
        if self._path is None:
            raise StoreError("PostgreSQL compacts its tables itself (autovacuum)")
        async with self._turn:
            return await asyncio.to_thread(compact_file, self._path, self._patience)

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
        number = executions.c.sequence
        statement = select(executions).where(number > after).order_by(number).limit(limit)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [record_from(row) for row in rows]

    async def anchors(self) -> list[ChainAnchor]:
        """Noted places of the chain, ascending."""
        statement = select(chain_anchors).order_by(chain_anchors.c.sequence)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            ChainAnchor(row.sequence, row.hash, row.executed_at, (), row.noted_at) for row in rows
        ]


async def _known(
    connection: AsyncConnection, statement: Select[Any], ids: Sequence[str]
) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(ids), _MANY):
        some = {"ids": ids[start : start + _MANY]}
        found.update((await connection.execute(statement, some)).scalars())
    return found


async def _add_calls(connection: AsyncConnection, records: Sequence[ExecutionRecord]) -> None:
    runs, calls = tool_rows(records)
    for table, rows in ((tool_runs, runs), (tool_calls, calls)):
        if rows:
            await connection.execute(insert(table), rows)


def _after(given_up: RowMapping) -> Select[Any]:
    """The run that was made when this one's request id was free again; the last such run if all
    were given up."""
    run = executions.c
    wanted = run.agent_id == given_up["agent_id"], run.repeat_of == given_up["sequence"]
    ended = case((run.error_type.is_distinct_from(GIVEN_UP), run.sequence))
    order = ended.is_(None), ended, run.sequence.desc()
    return select(executions).where(*wanted).order_by(*order).limit(1)


async def _known_runs(connection: AsyncConnection, records: Sequence[KeptRecord]) -> Known:
    run_ids = [item.record.run_id for item in records if item.record.run_id is not None]
    names = [item.record.request_id for item in records]
    firsts: dict[RunName, First] = {}
    for start in range(0, len(names), _MANY):
        some = {"names": names[start : start + _MANY]}
        for row in await connection.execute(FIRST_RUNS, some):
            firsts[row.agent_id, row.request_id] = First(row.sequence, row.executed_at)
    return Known(await _known(connection, KNOWN_RUNS, run_ids), firsts)


async def _anchor(connection: AsyncConnection, anchor: ChainAnchor) -> None:
    """Note ``anchor`` instead of those before it."""
    await connection.execute(delete(chain_anchors))
    values = {
        "sequence": anchor.sequence,
        "hash": anchor.hash,
        "executed_at": anchor.executed_at,
        "noted_at": anchor.noted_at,
    }
    await connection.execute(insert(chain_anchors).values(values))


_HISTORY_FILTERS: Final = (
    *("agent_id", "channel_id", "language", "success", "code_hash", "error_type"),
)
_CALL_FILTERS: Final = ("tool", "agent_id")
_BESIDE_CALLS: Final = ("channel_id", "language", "success", "code_hash", "error_type")
"""What the row of a call does not have."""
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


def _callers(query: HistoryQuery) -> Select[Any]:
    """The places of the runs that have called a tool, newest first.

    They are read in the order of an index of the calls, which ends when there are enough: to look
    for the calls of each run, or to sort all runs of a tool, takes as long as there are records.
    """
    call = tool_calls.c
    found = select(call.executed_at, call.sequence).distinct()
    beside = _same(executions, query, _BESIDE_CALLS)
    if beside:
        found = found.join(executions, executions.c.sequence == call.sequence).where(*beside)
    wanted = [*_same(tool_calls, query, _CALL_FILTERS), *_within(tool_calls, query)]
    return found.where(*wanted).order_by(call.executed_at.desc(), call.sequence.desc())


def _conditions(query: HistoryQuery) -> list[ColumnElement[bool]]:
    conditions = _same(executions, query, _HISTORY_FILTERS) + _within(executions, query)
    return [and_(*conditions)] if conditions else []


def _within(table: Table, query: HistoryQuery) -> list[ColumnElement[bool]]:
    conditions = list[ColumnElement[bool]]()
    if query.since is not None:
        conditions.append(table.c.executed_at >= query.since)
    if query.until is not None:
        conditions.append(table.c.executed_at < query.until)
    return conditions
