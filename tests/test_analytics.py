"""The contract's questions and their JSON, and the task that keeps the trends up to date."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio

from onehop.answers import AgentStats, LanguageCount
from onehop.config import AnalyticsConfig
from onehop.errors import InvalidRequestError, StoreUnavailableError
from onehop.stores import analytics
from onehop.stores.analytics import Aggregator, Analytics, to_dict
from onehop.stores.memory import MemoryStore
from tests.stores.records import DAY
from tests.stores.test_analytics import NOW, failed, issue, run, take

pytestmark = pytest.mark.unit

PATIENCE = 20.0
SOON = AnalyticsConfig(aggregation_interval=100)


@pytest_asyncio.fixture
async def store() -> MemoryStore:
    return MemoryStore()


# Questions


async def test_stats_have_the_names_of_the_contract(store: MemoryStore) -> None:
    await take(store, run(1), failed(2, "timeout", execution_time=30.0, language="typescript"))
    stats = await Analytics(store).get_agent_stats("ada")
    assert to_dict(stats) == {
        "agentId": "ada",
        "totalExecutions": 2,
        "successfulExecutions": 1,
        "failedExecutions": 1,
        "successRate": 0.5,
        "averageExecutionTime": 20.0,
        "p50ExecutionTime": 10.0,
        "p95ExecutionTime": 30.0,
        "p99ExecutionTime": 30.0,
        "timeoutCount": 1,
        "languageBreakdown": {
            "javascript": {"total": 1, "successful": 1},
            "typescript": {"total": 1, "successful": 0},
        },
        "toolCalls": 0,
        "avoidedTurns": 0,
        "avoidedTokens": 0,
    }
    assert stats == await Analytics(store).get_agent_stats("ada", since=NOW)


async def test_code_is_found_newest_first_without_output_and_logs(store: MemoryStore) -> None:
    same = {"code_hash": "0123456789abcdef"}
    await take(
        store,
        run(1, **same, executed_at=NOW - 1),
        run(2, **same, agent_id="bob"),
        run(3),
        run(4, **same, executed_at=NOW - 2),
    )
    found = await Analytics(store).find_by_code_hash("0123456789abcdef", limit=2)
    assert [(record.request_id, record.output, record.logs) for record in found] == [
        ("r2", None, []),
        ("r1", None, []),
    ]
    wire = to_dict(found[0])
    assert wire["agentId"] == "bob"
    assert not {"output", "logs"} & set(wire)


async def test_every_answer_is_json(store: MemoryStore) -> None:
    await take(store, run(1), failed(2, code_hash=f"{1:016x}"), events=[issue("eval", "high")])
    await store.roll_up(NOW, 90)
    questions = Analytics(store)
    answers: list[Any] = [
        *await questions.get_recent_failures("ada"),
        *await questions.get_trends(),
        await questions.get_resource_use(),
        (await questions.get_code_lengths())[0],
        *await questions.get_repeated_code(),
        *await questions.get_slowest(limit=1),
        *await questions.get_security_profile(),
    ]
    names = [set(json.loads(json.dumps(to_dict(answer)))) for answer in answers]
    assert [min(each) for each in names] == [
        "codeHash",
        "averageExecutionTime",
        "averageExecutionTime",
        "averageExecutionTime",
        "codeHash",
        "agentId",
        "pattern",
    ]
    assert {"requestId", "codeHash", "language", "error", "errorType", "executionTime"} < names[0]


async def test_all_questions_take_an_agent_and_a_time(store: MemoryStore) -> None:
    await take(store, run(1), run(2, agent_id="bob"), run(3, executed_at=NOW - DAY))
    questions = Analytics(store)
    assert (await questions.get_agent_stats(None)).total_executions == 3
    assert (await questions.get_resource_use("ada", NOW)).total_executions == 1
    assert sum(each.total for each in await questions.get_code_lengths("ada")) == 2
    assert len(await questions.get_slowest(10, "bob", NOW)) == 1
    assert await questions.get_repeated_code(10, "ada", NOW) == []
    assert await questions.get_trends("ada", NOW) == []
    assert await questions.get_security_profile("ada", NOW) == []
    assert await questions.get_recent_failures(None, 1) == []


Question = Callable[[Analytics], Awaitable[Any]]


@pytest.mark.parametrize(
    ("field", "question"),
    [
        ("limit", lambda asked: asked.get_recent_failures("ada", 0)),
        ("limit", lambda asked: asked.get_slowest(1001)),
        ("limit", lambda asked: asked.get_repeated_code(True)),
        ("limit", lambda asked: asked.find_by_code_hash("0" * 16, 2.0)),
        ("since", lambda asked: asked.get_agent_stats("ada", -1)),
        ("since", lambda asked: asked.get_trends(since=10**15)),
        ("since", lambda asked: asked.get_resource_use(since="2026-01-01")),
        ("since", lambda asked: asked.get_code_lengths("ada", 1.5)),
        ("agent_id", lambda asked: asked.get_security_profile(7)),
        ("code_hash", lambda asked: asked.find_by_code_hash("0" * 15)),
        ("code_hash", lambda asked: asked.find_by_code_hash("A" * 16)),
    ],
)
async def test_a_bad_argument_is_named(store: MemoryStore, field: str, question: Question) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await question(Analytics(store))
    assert refused.value.field == field


def test_an_agent_without_runs_has_all_numbers() -> None:
    wire = to_dict(AgentStats(agent_id=None))
    assert wire["agentId"] is None
    assert wire["languageBreakdown"] == {}
    assert to_dict(LanguageCount(3, 2)) == {"total": 3, "successful": 2}


# The task


class Watched(MemoryStore):
    """Tells when it was rolled up, and fails as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.rolled_up = 0
        self.pruned: list[int] = []
        self.failure: Exception | None = None
        self._moved = asyncio.Condition()

    async def roll_up(self, now: int, keep_days: int) -> None:
        try:
            if self.failure is not None:
                raise self.failure
            await super().roll_up(now, keep_days)
        finally:
            async with self._moved:
                self.rolled_up += 1
                self._moved.notify_all()

    async def prune(self, now: int) -> int:
        self.pruned.append(now)
        return await super().prune(now)

    async def times(self, count: int) -> None:
        """Wait until it was rolled up so many times more."""
        wanted = self.rolled_up + count
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(lambda: self.rolled_up >= wanted)


async def test_trends_follow_the_runs_until_it_is_closed() -> None:
    store = Watched()
    async with Aggregator(store, SOON, clock=lambda: NOW):
        await take(store, run(1))
        await store.times(2)
        assert [point.total for point in await store.trends(None, None)] == [1]
        await take(store, run(2))
        await store.times(2)
        assert [point.total for point in await store.trends(None, None)] == [2]
    ended = store.rolled_up
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "onehop.aggregator"]
    assert store.rolled_up == ended


async def test_old_records_go_at_the_start_after_they_were_counted() -> None:
    store = Watched()
    await take(store, run(1, executed_at=NOW - 31 * DAY), run(2))
    async with Aggregator(store, SOON, clock=lambda: NOW):
        await store.times(3)
    assert len(store.pruned) == 1
    assert (await store.agent_stats(None, None)).total_executions == 1
    assert [point.total for point in await store.trends(None, None)] == [1]


async def test_an_outage_is_told_once_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    store = Watched()
    store.failure = StoreUnavailableError("memory:", "gone")
    with caplog.at_level(logging.WARNING, analytics.__name__):
        async with Aggregator(store, SOON, clock=lambda: NOW):
            await store.times(3)
            assert store.pruned == []
            store.failure = None
            await take(store, run(1))
            await store.times(2)
            assert [point.total for point in await store.trends(None, None)] == [1]
            store.failure = StoreUnavailableError("memory:", "gone again")
            await store.times(2)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 2
    assert "gone" in said[0]
    assert "gone again" in said[1]


async def test_a_mistake_of_ours_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    store = Watched()
    store.failure = ZeroDivisionError("ours")
    with caplog.at_level(logging.ERROR, analytics.__name__):
        async with Aggregator(store, SOON, clock=lambda: NOW):
            await store.times(2)
            store.failure = None
            await take(store, run(1))
            await store.times(2)
    assert [point.total for point in await store.trends(None, None)] == [1]
    assert "ours" in caplog.text
    assert store.pruned


async def test_a_store_that_never_answers_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stuck(MemoryStore):
        asked = asyncio.Event()

        async def roll_up(self, now: int, keep_days: int) -> None:
            self.asked.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(analytics, "_FAREWELL", 0.01)
    store = Stuck()
    aggregator = Aggregator(store, SOON)
    await aggregator.open()
    async with asyncio.timeout(PATIENCE):
        await store.asked.wait()
        await aggregator.aclose()
    await aggregator.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "onehop.aggregator"]


async def test_it_can_be_closed_unopened_and_opened_again() -> None:
    store = Watched()
    aggregator = Aggregator(store, SOON)
    await aggregator.aclose()
    for _ in range(2):
        await aggregator.open()
        await store.times(1)
        await aggregator.aclose()
