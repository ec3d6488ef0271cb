"""The changes that bring a SQL store's schema up to date, numbered and named.

A released change is never altered; the next one goes below it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Connection, Select, insert, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.schema import CreateIndex, CreateTable

from onehop.errors import StoreError
from onehop.records import GENESIS
from onehop.stores._rows import record_from
from onehop.stores._tool_rows import tool_rows
from onehop.stores.sql._schema import (
    INDEXES,
    agents,
    approvals,
    chain_anchors,
    chain_head,
    executions,
    kept_runs,
    leases,
    metadata,
    observed_types,
    rollup_state,
    run_parts,
    schema_migrations,
    server_notes,
    session_values,
    sessions,
    snippets,
    tallies,
    tally_state,
    tool_calls,
    tool_runs,
)
from onehop.stores.sql._writes import writing

_LOCK: Final = 0x6F6E65686F70
"""Number of the advisory lock on PostgreSQL: "onehop"."""


_AT_ONCE: Final = 500
"""Records that are read at once."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change, applied in a transaction of its own."""

    number: int
    name: str
    apply: Callable[[Connection], None]


def _create_tables(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
    connection.execute(insert(chain_head).values(id=1, sequence=0, hash=GENESIS))
    connection.execute(insert(rollup_state).values(id=1, watermark=0))


def _create_indexes(connection: Connection) -> None:
    """Of the tables that are there; a later migration makes others, and theirs."""
    known = set(inspect(connection).get_table_names())
    for index in INDEXES:
        if index.table is None or index.table.name not in known:
            continue
        connection.execute(CreateIndex(index, if_not_exists=True))


def _name_runs(connection: Connection) -> None:
    """Runs get names of their own, and a request id belongs to its agent."""
    _add_column(connection, executions.c.run_id)
    _add_column(connection, executions.c.repeat_of)
    _add_column(connection, chain_anchors.c.noted_at)
    connection.execute(text("DROP INDEX IF EXISTS ux_executions_request_id"))
    _create_indexes(connection)


def _add_column(connection: Connection, column: Column[Any]) -> None:
    table = column.table.name
    if column.name in {each["name"] for each in inspect(connection).get_columns(table)}:
        return  # the first migration has made the table with it
    kind = column.type.compile(connection.dialect)
    connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column.name} {kind}"))


def _create_agents(connection: Connection) -> None:
    connection.execute(CreateTable(agents, if_not_exists=True))


def _give_agents_rules(connection: Connection) -> None:
    _add_column(connection, agents.c.rules)


def _count_tool_calls(connection: Connection) -> None:
    """Calls of tools get rows, also those of the records that are there already."""
    for table in (tool_runs, tool_calls):
        connection.execute(CreateTable(table, if_not_exists=True))
    _create_indexes(connection)
    after = 0
    while rows := connection.execute(_with_calls(after)).mappings().all():
        runs, calls = tool_rows(record_from(row) for row in rows)
        for table, found in ((tool_runs, runs), (tool_calls, calls)):
            if found:
                connection.execute(insert(table), found)
        after = rows[-1]["sequence"]


def _create_approvals(connection: Connection) -> None:
    connection.execute(CreateTable(approvals, if_not_exists=True))
    _create_indexes(connection)


def _with_calls(after: int) -> Select[Any]:
    run = executions.c
    wanted = run.sequence > after, run.details.like('%"toolCalls"%')
    return select(executions).where(*wanted).order_by(run.sequence).limit(_AT_ONCE)


def _create_sessions(connection: Connection) -> None:
    for table in (sessions, session_values):
        connection.execute(CreateTable(table, if_not_exists=True))


def _create_observed_types(connection: Connection) -> None:
    connection.execute(CreateTable(observed_types, if_not_exists=True))


def _create_leases(connection: Connection) -> None:
    for table in (leases, server_notes):
        connection.execute(CreateTable(table, if_not_exists=True))


def _create_kept_runs(connection: Connection) -> None:
    for table in (kept_runs, run_parts):
        connection.execute(CreateTable(table, if_not_exists=True))
    _create_indexes(connection)


def _give_runs_heads(connection: Connection) -> None:
    _add_column(connection, kept_runs.c.head)


def _create_tallies(connection: Connection) -> None:
    """The next rollup fills them from the records that are there."""
    for table in (tallies, tally_state):
        connection.execute(CreateTable(table, if_not_exists=True))
    _create_indexes(connection)
    connection.execute(insert(tally_state).values(id=1, first=0, until=0, watermark=0))


def _create_snippets(connection: Connection) -> None:
    connection.execute(CreateTable(snippets, if_not_exists=True))


MIGRATIONS: Final = (
    Migration(1, "create the tables", _create_tables),
    Migration(2, "index what is asked for", _create_indexes),
    Migration(3, "know agents by their keys", _create_agents),
    Migration(4, "give each run a name of its own", _name_runs),
    Migration(5, "give agents rules", _give_agents_rules),
    Migration(6, "count calls of tools", _count_tool_calls),
    Migration(7, "keep calls that wait for a person", _create_approvals),
    Migration(8, "keep what sessions store", _create_sessions),
    Migration(9, "keep what tools have answered like", _create_observed_types),
    Migration(10, "let servers share the work", _create_leases),
    Migration(11, "keep runs that can be made again", _create_kept_runs),
    Migration(12, "count what ran by slices of time", _create_tallies),
    Migration(13, "keep snippets", _create_snippets),
    Migration(14, "know where the log of a run ends", _give_runs_heads),
    Migration(15, "find runs by cause and by tool", _create_indexes),
)


async def migrate(engine: AsyncEngine, migrations: Sequence[Migration], url: str) -> None:
    """Apply what is missing, in order. Several processes may do so at once.

    Raises StoreError when the store was written by a newer onehop.
    """
    async with engine.connect() as connection:
        missing = await connection.run_sync(_missing, migrations, url)
    for migration in missing:
        async with writing(engine) as connection:
            await connection.run_sync(_apply, migration)


def _missing(connection: Connection, migrations: Sequence[Migration], url: str) -> list[Migration]:
    applied = _applied(connection)
    last = migrations[-1].number
    newer = [f"{number} ({name})" for number, name in applied.items() if number > last]
    if newer:
        raise StoreError(
            f"the store {url} was written by a newer onehop: it has migration {newer[-1]}, and "
            f"this one knows {last}. Upgrade onehop, or name another store with ONEHOP_STORE"
        )
    return [migration for migration in migrations if migration.number not in applied]


def _applied(connection: Connection) -> dict[int, str]:
    if not inspect(connection).has_table(schema_migrations.name):
        return {}
    rows = connection.execute(select(schema_migrations).order_by(schema_migrations.c.number))
    return {row.number: row.name for row in rows}


def _apply(connection: Connection, migration: Migration) -> None:
    """Once, even if others try: SQLite's write lock is held already, PostgreSQL's is taken here."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(CreateTable(schema_migrations, if_not_exists=True))
    if migration.number in _applied(connection):
        return
    migration.apply(connection)
    applied_at = time.time_ns() // 1_000_000
    row = {"number": migration.number, "name": migration.name, "applied_at": applied_at}
    connection.execute(insert(schema_migrations).values(row))
