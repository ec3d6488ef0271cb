"""Records and events to test a store with, plain where a test says nothing else."""

from __future__ import annotations

import itertools
import time
from typing import Any, Final

from onehop.events import Event, ExecutionCompleted, ExecutionStarted, SecurityIssue
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry

NOW: Final = time.time_ns() // 1_000_000
"""ms since the epoch, when this module was loaded."""
DAY: Final = 86_400_000
"""ms"""

_numbers = itertools.count(1)


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
