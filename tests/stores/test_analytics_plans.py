"""How SQLite finds what analytics asks for: by an index, never by reading a whole table."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import Engine, event

from onehop.stores.analytics import Analytics
from onehop.stores.base import HistoryQuery
from onehop.stores.sql import SqlStore
from tests.stores.test_analytics import NOW, issue, run, take

pytestmark = pytest.mark.unit

Question = Callable[[Analytics], Coroutine[Any, Any, Any]]
Statement = tuple[str, Any]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plans") / "store.db"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(path: Path) -> AsyncIterator[SqlStore]:
    opened = SqlStore(f"sqlite:///{path}")
    await opened.open()
    yield opened
    await opened.aclose()


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """What is sent to databases meanwhile, without the beginnings and ends of transactions."""
    sent: list[Statement] = []

    def note(_a: Any, _b: Any, statement: str, parameters: Any, _c: Any, _d: Any) -> None:
        if not statement.startswith("BEGIN"):
            sent.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def plan(path: Path, statement: Statement) -> list[str]:
    """The steps by which SQLite says that it will answer."""
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(f"EXPLAIN QUERY PLAN {statement[0]}", statement[1]).fetchall()
    return [row[3] for row in rows]


COUNTED: dict[str, Question] = {
    "stats of an agent": lambda asked: asked.get_agent_stats("ada"),
    "stats of an agent, lately": lambda asked: asked.get_agent_stats("ada", NOW),
    "stats of all": lambda asked: asked.get_agent_stats(None),
    "stats of all, lately": lambda asked: asked.get_agent_stats(None, NOW),
    "an agent's timeline": lambda asked: asked.get_timeline("ada", NOW),
    "timeline": lambda asked: asked.get_timeline(),
    "timeline, lately": lambda asked: asked.get_timeline(None, NOW),
    "an agent's causes": lambda asked: asked.get_failure_causes("ada"),
    "causes, lately": lambda asked: asked.get_failure_causes(None, NOW),
    "agents": lambda asked: asked.get_agent_counts(),
    "agents, lately": lambda asked: asked.get_agent_counts(10, NOW),
    "resource use of an agent": lambda asked: asked.get_resource_use("ada"),
    "resource use of all": lambda asked: asked.get_resource_use(),
    "resource use of all, lately": lambda asked: asked.get_resource_use(since=NOW),
    "code lengths of an agent": lambda asked: asked.get_code_lengths("ada"),
    "code lengths of an agent, lately": lambda asked: asked.get_code_lengths("ada", NOW),
    "code lengths of all": lambda asked: asked.get_code_lengths(),
    "code lengths of all, lately": lambda asked: asked.get_code_lengths(since=NOW),
    "an agent's repeated code": lambda asked: asked.get_repeated_code(10, "ada"),
    "repeated code": lambda asked: asked.get_repeated_code(),
    "repeated code, lately": lambda asked: asked.get_repeated_code(10, None, NOW),
    "an agent's security profile": lambda asked: asked.get_security_profile("ada", NOW),
    "an agent's tools": lambda asked: asked.get_tool_stats("ada"),
    "an agent's tools, lately": lambda asked: asked.get_tool_stats("ada", NOW),
    "tools": lambda asked: asked.get_tool_stats(),
    "tools of agents, lately": lambda asked: asked.get_tool_stats(since=NOW, by_agent=True),
    "security profile": lambda asked: asked.get_security_profile(),
}
"""Questions that need no row at all."""

FETCHED: dict[str, Question] = {
    "code by its hash": lambda asked: asked.find_by_code_hash("0" * 16),
    "an agent's failures": lambda asked: asked.get_recent_failures("ada"),
    "failures": lambda asked: asked.get_recent_failures(None),
    "an agent's slowest": lambda asked: asked.get_slowest(10, "ada"),
    "an agent's slowest, lately": lambda asked: asked.get_slowest(10, "ada", NOW),
    "the slowest": lambda asked: asked.get_slowest(),
    "the slowest, lately": lambda asked: asked.get_slowest(10, None, NOW),
    "an agent's trends": lambda asked: asked.get_trends("ada"),
    "trends": lambda asked: asked.get_trends(),
    "trends, lately": lambda asked: asked.get_trends("ada", NOW),
}
"""Questions whose answer is made of rows."""

FILTERED: dict[str, dict[str, Any]] = {
    "cause": {"error_type": "timeout"},
    "cause of an agent's": {"error_type": "timeout", "agent_id": "ada", "since": NOW},
    "tool": {"tool": "crm.find"},
    "tool of an agent's": {"tool": "crm.find", "agent_id": "ada", "since": NOW},
    "tool and cause": {"tool": "crm.find", "error_type": "timeout"},
}
"""Filters of the history by what the failures and the tools of statistics link to."""


async def _steps(store: SqlStore, path: Path, question: Question) -> list[str]:
    with statements() as sent:
        await question(Analytics(store))
    assert len(sent) == 1, "each question is one statement, so that its parts agree"
    steps = plan(path, sent[0])
    tables = r"\b(executions|events|rollups|tool_runs|tool_calls)\b"
    return [step for step in steps if re.search(tables, step)]


@pytest.mark.parametrize("name", COUNTED)
async def test_what_is_counted_is_read_from_an_index_alone(
    store: SqlStore, path: Path, name: str
) -> None:
    steps = await _steps(store, path, COUNTED[name])
    assert steps
    for step in steps:
        assert "USING COVERING INDEX" in step, steps


@pytest.mark.parametrize("name", FETCHED)
async def test_what_is_listed_is_found_by_an_index_and_in_order(
    store: SqlStore, path: Path, name: str
) -> None:
    with statements() as sent:
        await FETCHED[name](Analytics(store))
    steps = plan(path, sent[0])
    for step in steps:
        assert " USING " in step or not step.startswith(("SCAN", "SEARCH")), steps
    runs = [step for step in steps if "executions USING" in step]
    assert all(step.startswith("SEARCH") or "COVERING" in step for step in runs), steps


@pytest.mark.parametrize("name", FILTERED)
async def test_a_history_of_a_cause_or_a_tool_is_read_in_the_order_of_an_index(
    store: SqlStore, path: Path, name: str
) -> None:
    with statements() as sent:
        await store.history(HistoryQuery(**FILTERED[name], limit=51, brief=True))
    steps = plan(path, sent[0])
    first = "ix_tool_calls_latest" if "tool" in FILTERED[name] else "ix_executions_causes"
    assert first in next(step for step in steps if " USING " in step), steps
    for step in steps:
        assert not step.startswith("SCAN") or step == "SCAN anon_1", steps


async def test_a_rollup_reads_what_is_new_and_its_days_alone(store: SqlStore, path: Path) -> None:
    await take(store, run(1), events=[issue("eval", "high")])
    with statements() as sent:
        await store.roll_up(NOW, 90)
    reads = [each for each in sent if "executions" in each[0]]
    steps = [step for statement in reads for step in plan(path, statement)]
    runs = [step for step in steps if "executions" in step]
    assert runs
    for step in runs:
        assert step.startswith("SEARCH executions"), steps
