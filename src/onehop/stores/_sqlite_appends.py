"""Adds records to a SQLite file by ``sqlite3`` alone, as the whole store does by SQLAlchemy."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from onehop.records import ExecutionRecord
from onehop.stores._kept import Batch, KeptEvent, KeptRecord
from onehop.stores._placing import First, Known, end_of, place, repeats_in
from onehop.stores._rows import BARE, FIELDS, event_values, record_values, unchecked_record_from
from onehop.stores._tool_rows import tool_rows
from onehop.stores.base import ChainHead

SCHEMA: Final = 15
"""The migration after which a file is what is written here; another one is left to the store."""
_MANY: Final = 500
"""Values in one IN list."""
_TRUTHS: Final = ("success", "timeout_occurred")


def file_of(path: Path, patience: float) -> sqlite3.Connection | None:
    """A connection to the file; None where it is not there or cannot be opened."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    try:
        return sqlite3.connect(
            uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error:
        return None


def is_usable(connection: sqlite3.Connection) -> bool:
    """Whether the file has the schema that is written here. Raises sqlite3.Error."""
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA foreign_keys = ON")
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    rows = connection.execute("SELECT number FROM schema_migrations").fetchall()
    heads = connection.execute("SELECT COUNT(*) FROM chain_head").fetchone()[0]
    is_known = {number for (number,) in rows} == set(range(1, SCHEMA + 1))
    return mode == "wal" and is_known and heads == 1


def oldest(connection: sqlite3.Connection) -> int | None:
    """When the first record that is kept ran. Raises sqlite3.Error."""
    statement = "SELECT executed_at FROM executions ORDER BY sequence LIMIT 1"
    row = connection.execute(statement).fetchone()
    return None if row is None else int(row[0])


def latest(connection: sqlite3.Connection, limit: int) -> list[ExecutionRecord]:
    """Records without what a brief query leaves out, the newest first. Raises sqlite3.Error."""
    names = [name for name in FIELDS if name not in BARE]
    statement = (
        f"SELECT {', '.join(names)} FROM executions "  # noqa: S608 - our own names
        "ORDER BY executed_at DESC, sequence DESC LIMIT ?"
    )
    rows = connection.execute(statement, (limit,)).fetchall()
    return [unchecked_record_from(_typed(dict(zip(names, row, strict=True)))) for row in rows]


def _typed(values: dict[str, Any]) -> dict[str, Any]:
    """SQLite keeps 0 and 1 for what is true or not."""
    return {**values, **BARE, **{name: bool(values[name]) for name in _TRUTHS}}


def append(
    connection: sqlite3.Connection, batch: Batch, key: bytes | None
) -> Sequence[ExecutionRecord]:
    """Take all of it or nothing; see ``Store.append``. Raises sqlite3.Error and
    RecordRejectedError."""
    connection.execute("BEGIN IMMEDIATE")  # locked from here on, so that the chain cannot fork
    try:
        repeats = _add_records(connection, batch.records, key)
        _add_events(connection, batch.events)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return repeats


def _add_records(
    connection: sqlite3.Connection, records: Sequence[KeptRecord], key: bytes | None
) -> Sequence[ExecutionRecord]:
    sequence, hash_ = connection.execute("SELECT sequence, hash FROM chain_head").fetchone()
    highest = connection.execute("SELECT MAX(sequence) FROM executions").fetchone()[0]
    end = ChainHead(max(sequence, highest or 0), hash_)
    placed = place(records, _known_runs(connection, records), end, key)
    if placed:
        _insert(connection, "executions", (record_values(p.record, p.texts) for p in placed))
        runs, calls = tool_rows(each.record for each in placed)
        _insert(connection, "tool_runs", runs)
        _insert(connection, "tool_calls", calls)
        end = end_of(placed, end)
        note = "UPDATE chain_head SET sequence = ?, hash = ?"
        connection.execute(note, (end.sequence, end.hash))
    return repeats_in(placed)


def _known_runs(connection: sqlite3.Connection, records: Sequence[KeptRecord]) -> Known:
    run_ids = [item.record.run_id for item in records if item.record.run_id is not None]
    statement = (
        "SELECT agent_id, request_id, sequence, executed_at FROM executions "
        "WHERE repeat_of IS NULL AND request_id IN"
    )
    named = _in(connection, statement, [item.record.request_id for item in records])
    firsts = {(agent, name): First(sequence, at) for agent, name, sequence, at in named}
    known = _in(connection, "SELECT run_id FROM executions WHERE run_id IN", run_ids)
    return Known({run_id for (run_id,) in known}, firsts)


def _add_events(connection: sqlite3.Connection, announced: Sequence[KeptEvent]) -> None:
    ids = [item.event.event_id for item in announced]
    found = _in(connection, "SELECT event_id FROM events WHERE event_id IN", ids)
    known = {event_id for (event_id,) in found}
    new = (event_values(item) for item in announced if item.event.event_id not in known)
    _insert(connection, "events", new)


def _in(connection: sqlite3.Connection, statement: str, values: Sequence[str]) -> list[Any]:
    rows = list[Any]()
    for start in range(0, len(values), _MANY):
        some = values[start : start + _MANY]
        places = ", ".join("?" * len(some))
        rows += connection.execute(f"{statement} ({places})", some).fetchall()
    return rows


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    for row in rows:
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - our own names
        connection.execute(statement, tuple(row.values()))
