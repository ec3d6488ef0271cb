"""The tables of the SQL stores. A change here needs a migration: see ``_migrations.py``."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata: Final = MetaData()


def _text() -> Any:
    # Byte order on PostgreSQL too, so that every store sorts text alike.
    return Text().with_variant(Text(collation="C"), "postgresql")


def _place() -> Any:
    # Only INTEGER makes a SQLite key the row's own number, which saves an index.
    return BigInteger().with_variant(Integer(), "sqlite")


executions: Final = Table(
    "executions",
    metadata,
    Column("sequence", _place(), primary_key=True, autoincrement=False),
    Column("request_id", _text(), nullable=False),
    Column("agent_id", _text(), nullable=False),
    Column("channel_id", _text(), nullable=False),
    Column("language", _text(), nullable=False),
    Column("code_hash", _text(), nullable=False),
    Column("code_length", BigInteger, nullable=False),
    Column("code_snippet", _text(), nullable=False),
    Column("success", Boolean(create_constraint=False), nullable=False),
    Column("output", _text(), nullable=False),
    Column("logs", _text(), nullable=False),
    Column("error", _text()),
    Column("error_type", _text()),
    Column("execution_time", Double, nullable=False),
    Column("timeout", Double, nullable=False),
    Column("memory_usage", Double, nullable=False),
    Column("timeout_occurred", Boolean(create_constraint=False), nullable=False),
    Column("context_data", _text(), nullable=False),
    Column("description", _text()),
    Column("executed_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("details", _text(), nullable=False),
    Column("run_id", _text()),
    Column("repeat_of", BigInteger),
    Column("previous_hash", _text(), nullable=False),
    Column("hash", _text(), nullable=False),
)
"""One row for each ExecutionRecord, with its field names; output, logs, context_data and details
are JSON text."""

events: Final = Table(
    "events",
    metadata,
    Column("sequence", _place(), primary_key=True, autoincrement=True),
    Column("event_id", _text(), nullable=False),
    Column("event_type", _text(), nullable=False),
    Column("timestamp", BigInteger, nullable=False),
    Column("agent_id", _text(), nullable=False),
    Column("channel_id", _text(), nullable=False),
    Column("request_id", _text(), nullable=False),
    Column("code_hash", _text(), nullable=False),
    Column("pattern", _text()),
    Column("severity", _text()),
    Column("data", _text(), nullable=False),
    # Without it SQLite gives a number again once the last rows are gone, and readers lose events.
    sqlite_autoincrement=True,
)
"""One row for each Event; ``data`` is the JSON text of its envelope's data."""

agents: Final = Table(
    "agents",
    metadata,
    Column("agent_id", _text(), primary_key=True),
    Column("role", _text(), nullable=False),
    Column("key_id", _text(), nullable=False, unique=True),
    Column("key_hash", String(64), nullable=False),
    Column("max_runs", BigInteger),
    Column("max_rate", BigInteger),
    Column("max_body", BigInteger),
    Column("rules", _text()),
    Column("created_at", BigInteger, nullable=False),
    Column("rotated_at", BigInteger),
    Column("revoked_at", BigInteger),
)
"""One row for each AgentRecord, with its field names."""

tool_runs: Final = Table(
    "tool_runs",
    metadata,
    Column("sequence", _place(), primary_key=True, autoincrement=False),
    Column("agent_id", _text(), nullable=False),
    Column("executed_at", BigInteger, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("avoided_turns", BigInteger, nullable=False),
    Column("avoided_tokens", BigInteger, nullable=False),
)
"""One row for each execution that called tools, made of its record's details."""

tool_calls: Final = Table(
    "tool_calls",
    metadata,
    Column("sequence", _place(), primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("agent_id", _text(), nullable=False),
    Column("executed_at", BigInteger, nullable=False),
    Column("tool", _text(), nullable=False),
    Column("outcome", _text(), nullable=False),
    Column("duration", Double, nullable=False),
    Column("bytes_in", BigInteger, nullable=False),
    Column("bytes_out", BigInteger, nullable=False),
)
"""One row for each call of a tool, made of the details of its execution's record."""

approvals: Final = Table(
    "approvals",
    metadata,
    Column("run_id", _text(), primary_key=True),
    Column("call_id", _text(), primary_key=True),
    Column("request_id", _text(), nullable=False),
    Column("agent_id", _text(), nullable=False),
    Column("channel_id", _text(), nullable=False),
    Column("tool", _text(), nullable=False),
    Column("effect", _text(), nullable=False),
    Column("rule", _text()),
    Column("arguments", _text(), nullable=False),
    Column("arguments_hash", _text(), nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("status", _text(), nullable=False),
    Column("decided_by", _text()),
    Column("decided_at", BigInteger),
    Column("reason", _text()),
    Column("edited", _text()),
)
"""One row for each Approval, with its field names."""

kept_runs: Final = Table(
    "kept_runs",
    metadata,
    Column("run_id", _text(), primary_key=True),
    Column("request_id", _text(), nullable=False),
    Column("agent_id", _text(), nullable=False),
    Column("channel_id", _text(), nullable=False),
    Column("code_hash", _text(), nullable=False),
    Column("phase", _text(), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("owner", _text(), nullable=False),
    Column("lease_until", BigInteger, nullable=False),
    Column("wake", Boolean, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("keep_until", BigInteger, nullable=False),
    Column("replayable", Boolean, nullable=False),
    Column("head", LargeBinary, nullable=True),
    Column("program", LargeBinary, nullable=False),
)
"""One row for each KeptRun, with its field names."""

run_parts: Final = Table(
    "run_parts",
    metadata,
    Column("run_id", _text(), primary_key=True),
    Column("fence", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("part", LargeBinary, nullable=False),
)
"""What runs have done, sealed."""

chain_head: Final = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)
"""One row, id 1: where the chain ends. A process that appends locks it."""

chain_anchors: Final = Table(
    "chain_anchors",
    metadata,
    Column("sequence", _place(), primary_key=True, autoincrement=False),
    Column("hash", _text(), nullable=False),
    Column("executed_at", BigInteger, nullable=False),
    Column("noted_at", BigInteger),
)

rollups: Final = Table(
    "rollups",
    metadata,
    Column("day", _text(), primary_key=True),
    Column("agent_id", _text(), primary_key=True),
    Column("language", _text(), primary_key=True),
    Column("total", BigInteger, nullable=False),
    Column("successful", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("timeouts", BigInteger, nullable=False),
    Column("sum_execution_time", Double, nullable=False),
    Column("sum_memory", Double, nullable=False),
    Column("max_memory", Double, nullable=False),
)

rollup_state: Final = Table(
    "rollup_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("watermark", BigInteger, nullable=False),
)
"""One row, id 1: the last sequence that the rollups contain."""

tallies: Final = Table(
    "tallies",
    metadata,
    Column("length", BigInteger, primary_key=True, autoincrement=False),
    Column("whose", _text(), primary_key=True),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("body", _text(), nullable=False),
)
"""One row for each Slice that is kept, of an agent or of all; ``body`` is its tally as text."""

tally_state: Final = Table(
    "tally_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("watermark", BigInteger, nullable=False),
)
"""One row, id 1: how far the slices go, with the field names of Tallied."""

schema_migrations: Final = Table(
    "schema_migrations",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", _text(), nullable=False),
    Column("applied_at", BigInteger, nullable=False),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("agent_id", _text(), primary_key=True),
    Column("session", _text(), primary_key=True),
    Column("names", _text(), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
)
session_values: Final = Table(
    "session_values",
    metadata,
    Column("agent_id", _text(), primary_key=True),
    Column("session", _text(), primary_key=True),
    Column("key", _text(), primary_key=True),
    Column("text", _text(), nullable=False),
    Column("size", BigInteger, nullable=False),
)

observed_types: Final = Table(
    "observed_types",
    metadata,
    Column("namespace", _text(), primary_key=True),
    Column("tool", _text(), primary_key=True),
    Column("fingerprint", _text(), nullable=False),
    Column("shape", _text(), nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("observed_at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
"""One row for each ObservedType, with its field names."""
snippets: Final = Table(
    "snippets",
    metadata,
    Column("agent_id", _text(), primary_key=True),
    Column("name", _text(), primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("language", _text(), nullable=False),
    Column("code", _text(), nullable=False),
    Column("code_hash", _text(), nullable=False),
    Column("description", _text(), nullable=False),
    Column("input_schema", _text(), nullable=False),
    Column("tools", _text(), nullable=False),
    Column("request_id", _text(), nullable=False),
    Column("source_agent", _text(), nullable=False),
    Column("saved_by", _text(), nullable=False),
    Column("saved_at", BigInteger, nullable=False),
)
"""One row for each Snippet, with its field names."""
leases: Final = Table(
    "leases",
    metadata,
    Column("name", _text(), primary_key=True),
    Column("holder", _text(), nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("lapsed", Boolean(create_constraint=False), nullable=False),
)
"""One row for each lease that is held, or was not dropped: see ``_replicas.py``."""

server_notes: Final = Table(
    "server_notes",
    metadata,
    Column("server", _text(), primary_key=True),
    Column("text", _text(), nullable=False),
    Column("noted_at", BigInteger, nullable=False),
)
"""What each server that shares the store tells the others."""

_run = executions.c
_event = events.c
_called = tool_runs.c
_call = tool_calls.c
_sums = (_called.calls, _called.avoided_turns, _called.avoided_tokens)
_of_call = (_call.duration, _call.executed_at, _call.outcome, _call.bytes_in, _call.bytes_out)
_measured = (
    _run.language,
    _run.success,
    _run.timeout_occurred,
    _run.error_type,
    _run.execution_time,
    _run.memory_usage,
)
_is_issue: Final[dict[str, Any]] = {"sqlite_where": _event.pattern.is_not(None)}
_has_cause: Final[dict[str, Any]] = {"sqlite_where": _run.error_type.is_not(None)}
# PostgreSQL gets the same conditions by ``for_postgresql``: to name them here would load its part
# of SQLAlchemy for SQLite too, a twentieth of what starting a command takes.
INDEXES: Final[tuple[Index, ...]] = (
    Index(
        "ux_executions_first",
        _run.request_id,
        _run.agent_id,
        unique=True,
        sqlite_where=_run.repeat_of.is_(None),
    ),
    Index("ux_executions_run_id", _run.run_id, unique=True),
    Index("ix_executions_agent_id", _run.agent_id),
    Index("ix_executions_channel_id", _run.channel_id),
    Index("ix_executions_code_hash", _run.code_hash),
    Index("ix_executions_success", _run.success),
    Index("ix_executions_agent_id_executed_at", _run.agent_id, _run.executed_at.desc()),
    Index("ix_executions_channel_id_executed_at", _run.channel_id, _run.executed_at.desc()),
    Index("ix_executions_code_hash_success", _run.code_hash, _run.success),
    Index("ix_executions_language_success", _run.language, _run.success),
    Index(
        "ix_executions_agent_id_success_executed_at",
        _run.agent_id,
        _run.success,
        _run.executed_at.desc(),
    ),
    Index(
        "ix_executions_channel_id_language_executed_at",
        _run.channel_id,
        _run.language,
        _run.executed_at.desc(),
    ),
    Index("ix_executions_executed_at", _run.executed_at),
    Index("ux_events_event_id", _event.event_id, unique=True),
    Index("ix_events_timestamp", _event.timestamp),
    Index("ix_events_request_id", _event.request_id),
    Index("ix_events_agent_id", _event.agent_id),
    Index("ix_events_channel_id", _event.channel_id),
    # For analytics. Each holds all that its questions read, so that no row is fetched: one row with
    # a long output costs as much as hundreds of these entries.
    Index("ix_executions_agent_runs", _run.agent_id, _run.executed_at.desc(), *_measured),
    Index("ix_executions_runs", _run.executed_at, _run.agent_id, *_measured),
    Index("ix_executions_agent_times", _run.agent_id, _run.execution_time, _run.executed_at),
    Index("ix_executions_times", _run.execution_time, _run.executed_at),
    Index("ix_executions_failures", _run.success, _run.executed_at.desc()),
    Index(
        "ix_executions_agent_lengths",
        _run.agent_id,
        _run.code_length,
        _run.success,
        _run.execution_time,
        _run.executed_at,
    ),
    Index(
        "ix_executions_lengths",
        _run.code_length,
        _run.success,
        _run.execution_time,
        _run.executed_at,
    ),
    Index(
        "ix_executions_agent_repeats",
        _run.agent_id,
        _run.code_hash,
        _run.executed_at.desc(),
        _run.success,
    ),
    Index("ix_executions_repeats", _run.code_hash, _run.executed_at.desc(), _run.success),
    # For the history's filters, newest first.
    Index(
        "ix_executions_causes",
        *(_run.error_type, _run.executed_at.desc(), _run.agent_id),
        **_has_cause,
    ),
    Index(
        "ix_tool_calls_latest",
        _call.tool,
        _call.executed_at.desc(),
        _call.sequence.desc(),
        _call.agent_id,
    ),
    Index(
        "ix_events_agent_issues",
        *(_event.agent_id, _event.pattern, _event.severity, _event.timestamp),
        **_is_issue,
    ),
    Index("ix_events_issues", _event.pattern, _event.severity, _event.timestamp, **_is_issue),
    Index("ix_approvals_status", approvals.c.status, approvals.c.requested_at),
    Index("ix_approvals_requested_at", approvals.c.requested_at),
    Index("ix_kept_runs_request", kept_runs.c.request_id, kept_runs.c.agent_id),
    Index("ix_kept_runs_phase", kept_runs.c.phase, kept_runs.c.lease_until),
    Index("ix_tool_runs_agent", _called.agent_id, _called.executed_at, *_sums),
    Index("ix_tool_runs", _called.executed_at, *_sums),
    Index("ix_tool_calls_agent", _call.agent_id, _call.tool, *_of_call),
    Index("ix_tool_calls", _call.tool, *_of_call, _call.agent_id),
    Index("ix_rollups_agent_id_day", rollups.c.agent_id, rollups.c.day),
    Index("ix_tallies_start", tallies.c.length, tallies.c.start),
)
"""Every index but the primary keys: the contract's, those of retention and of the events' readers,
and those that analytics asks for."""


def for_postgresql() -> None:
    """Let PostgreSQL index only what SQLite does."""
    for index in INDEXES:
        where = index.dialect_options["sqlite"]["where"]
        if where is not None:
            index.dialect_options["postgresql"]["where"] = where
