"""Rows for the calls of tools in records, which statistics by tool are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from onehop.records import ExecutionRecord
from onehop.stores._tool_calls import tool_run

Row = dict[str, Any]


def tool_rows(records: Iterable[ExecutionRecord]) -> tuple[list[Row], list[Row]]:
    """Of the tables ``tool_runs`` and ``tool_calls``; the records have their places."""
    runs, calls = list[Row](), list[Row]()
    for record in records:
        run = tool_run(record)
        if run is None:
            continue
        whose: Row = {"agent_id": record.agent_id, "executed_at": record.executed_at}
        whose["sequence"] = record.sequence
        sums = {"avoided_turns": run.avoided_turns, "avoided_tokens": run.avoided_tokens}
        runs.append({**whose, "calls": run.calls, **sums})
        calls += [{**whose, "place": n, **asdict(call)} for n, call in enumerate(run.listed)]
    return runs, calls
