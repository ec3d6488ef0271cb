"""Records, events and stores to test with."""

from __future__ import annotations

import itertools
import time
from typing import Any, Literal, get_args

from onehop.events import Event, ExecutionCompleted, ExecutionStarted, SecurityIssue
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry, Store

Kind = Literal["memory", "sqlite", "postgresql", "mongodb"]
KINDS: tuple[Kind, ...] = get_args(Kind)
DATABASES: tuple[Kind, ...] = KINDS[1:]
NOW = time.time_ns() // 1_000_000
DAY = 86_400_000

_numbers = itertools.count(1)


def unopened(url: str, key: bytes | None = None, patience: float = 4.0) -> Store:
    """The store of ``url``."""
    if url == "memory:":
        from onehop.stores.memory import MemoryStore

        return MemoryStore(key)
    if url.startswith("mongodb:"):
        from onehop.stores.mongodb import MongoStore

        return MongoStore(url, key, patience=patience)
    from onehop.stores.sql import SqlStore

    return SqlStore(url, key, patience=patience)


def record(**fields: Any) -> ExecutionRecord:
    """A record, plain where ``fields`` does not say otherwise."""
    plain: dict[str, Any] = {
        "request_id": f"request-{next(_numbers)}",
        "agent_id": "agent",
        "channel_id": "channel",
        "language": "javascript",
        "code_hash": "a3b5c7d9e1f20344",
        "code_length": 12,
        "code_snippet": "return 1 + 1",
        "success": True,
        "output": 2,
        "logs": ["[WARN] careful"],
        "execution_time": 12.5,
        "timeout": 5000,
        "memory_usage": 3.25,
        "timeout_occurred": False,
        "context_data": {"key": "value"},
        "executed_at": NOW,
        "created_at": NOW,
        "details": {"cpuTime": 1.5},
    }
    return ExecutionRecord(**{**plain, **fields})


def announced(run: ExecutionRecord) -> tuple[Event, ...]:
    """What would be announced about ``run``."""
    who: dict[str, Any] = {
        "agent_id": run.agent_id,
        "channel_id": run.channel_id,
        "request_id": run.request_id,
        "code_hash": run.code_hash,
        "timestamp": run.executed_at,
    }
    started = ExecutionStarted(
        language=run.language, code_length=run.code_length, timeout=run.timeout, **who
    )
    completed = ExecutionCompleted(
        language=run.language,
        execution_time=run.execution_time,
        output_size=1,
        log_count=1,
        resource_usage={"memory": 1.0, "timeout": False},
        **who,
    )
    return started, completed


def issue(run: ExecutionRecord, **fields: Any) -> SecurityIssue:
    """A security issue of ``run``."""
    plain: dict[str, Any] = {
        "agent_id": run.agent_id,
        "channel_id": run.channel_id,
        "request_id": run.request_id,
        "code_hash": run.code_hash,
        "issue_type": "dangerous_pattern",
        "description": "calls eval",
        "severity": "high",
        "pattern": "eval",
    }
    return SecurityIssue(**{**plain, **fields})


def entries(*runs: ExecutionRecord) -> list[Entry]:
    """Each with its events."""
    return [Entry(run, announced(run)) for run in runs]


def runs(count: int, **fields: Any) -> list[ExecutionRecord]:
    """``count`` records, one second apart, the last one now."""
    return [
        record(executed_at=NOW - 1000 * (count - number), **fields)
        for number in range(1, count + 1)
    ]
