"""Every question of analytics, put to each store, and to lists as the reference."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import random
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import pytest_asyncio

from onehop.answers import (
    AgentCount,
    AgentStats,
    CodeLengthBucket,
    Failure,
    FailureCause,
    LanguageCount,
    RepeatedCode,
    ResourceUse,
    SecurityCount,
    TimelinePoint,
    TrendPoint,
)
from onehop.config import AnalyticsConfig
from onehop.events import Event, SecurityIssue, ValidationStarted
from onehop.records import ExecutionRecord
from onehop.stores._answers import END_OF_DAYS, day_of
from onehop.stores.analytics import Aggregator
from onehop.stores.base import Entry, Store
from onehop.stores.memory import MemoryStore
from tests.sampling import some
from tests.stores.records import DAY, record, unopened

TODAY = time.time_ns() // 1_000_000 // DAY * DAY
"""Midnight (UTC); MongoDB expires what is 30 days older than its own clock says."""
NOW = TODAY + DAY // 2
AGENTS = ("ada", "bob", "Ünï\N{SNOWMAN}", "ada ", "ADA")


def run(number: int, **changes: Any) -> ExecutionRecord:
    """A successful run of ada's, today at noon."""
    fields: dict[str, Any] = {
        "request_id": f"r{number}",
        "agent_id": "ada",
        "code_hash": f"{number:016x}",
        "execution_time": 10.0,
        "memory_usage": 2.0,
        "executed_at": NOW,
    }
    return record(**{**fields, **changes})


def failed(number: int, error_type: str = "runtime", **changes: Any) -> ExecutionRecord:
    failure = {"success": False, "error": f"no. {number}", "error_type": error_type}
    return run(number, **{**failure, "timeout_occurred": error_type == "timeout", **changes})


def issue(pattern: str, severity: str, agent_id: str = "ada", timestamp: int = NOW) -> Event:
    return SecurityIssue(
        agent_id=agent_id,
        channel_id="lab",
        request_id="r",
        code_hash="h",
        timestamp=timestamp,
        issue_type="dangerous_pattern",
        description="",
        severity=severity,  # type: ignore[arg-type]
        pattern=pattern,
    )


async def take(store: Store, *records: ExecutionRecord, events: Iterable[Event] = ()) -> None:
    await store.append([*(Entry(record) for record in records), Entry(None, tuple(events))])


# What each store says of a few runs


async def test_an_empty_store_answers_with_nothing(store: Store) -> None:
    for agent_id in (None, "ada"):
        assert await store.agent_stats(agent_id, None) == AgentStats(agent_id=agent_id)
        assert await store.resource_use(agent_id, 0) == ResourceUse()
        assert await store.recent_failures(agent_id, 5) == []
        assert await store.repeated_code(agent_id, None, 5) == []
        assert await store.slowest(agent_id, None, 5) == []
        assert await store.security_profile(agent_id, None) == []
        assert await store.trends(agent_id, None) == []
        lengths = await store.code_lengths(agent_id, None)
        assert [(each.low, each.high, each.total) for each in lengths] == [
            (0, 100, 0),
            (100, 500, 0),
            (500, 1000, 0),
            (1000, 5000, 0),
            (5000, 100_000, 0),
            (100_000, None, 0),
        ]
    await store.roll_up(NOW, 90)
    assert await store.trends(None, None) == []


async def test_one_run_is_every_percentile(store: Store) -> None:
    await take(store, run(1, language="typescript", execution_time=7.25))
    assert await store.agent_stats("ada", None) == AgentStats(
        agent_id="ada",
        total_executions=1,
        successful_executions=1,
        success_rate=1.0,
        average_execution_time=7.25,
        p50_execution_time=7.25,
        p95_execution_time=7.25,
        p99_execution_time=7.25,
        language_breakdown={"typescript": LanguageCount(1, 1)},
    )


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("count", "p50", "p95", "p99"),
    [(2, 1, 2, 2), (3, 2, 3, 3), (20, 10, 19, 20), (21, 11, 20, 21), (100, 50, 95, 99)],
)
async def test_percentiles_are_those_of_the_nearest_rank(
    store: Store, count: int, p50: int, p95: int, p99: int
) -> None:
    times = random.Random(count).sample(range(1, count + 1), count)
    await take(store, *(run(i, execution_time=float(each)) for i, each in enumerate(times)))
    stats = await store.agent_stats(None, None)
    found = (stats.p50_execution_time, stats.p95_execution_time, stats.p99_execution_time)
    assert found == (p50, p95, p99)


async def test_stats_count_each_kind_of_run_of_that_agent_alone(store: Store) -> None:
    await take(
        store,
        run(1, execution_time=1.0),
        run(2, execution_time=2.0, language="typescript"),
        failed(3, "timeout", execution_time=30.0),
        failed(4, execution_time=3.0, language="typescript", executed_at=NOW - DAY),
        run(5, agent_id="bob", execution_time=1000.0),
    )
    assert await store.agent_stats("ada", None) == AgentStats(
        agent_id="ada",
        total_executions=4,
        successful_executions=2,
        failed_executions=2,
        success_rate=0.5,
        average_execution_time=9.0,
        p50_execution_time=2.0,
        p95_execution_time=30.0,
        p99_execution_time=30.0,
        timeout_count=1,
        language_breakdown={"javascript": LanguageCount(2, 1), "typescript": LanguageCount(2, 1)},
    )
    assert (await store.agent_stats("ada", NOW)).total_executions == 3
    assert (await store.agent_stats("ada", NOW + 1)).total_executions == 0
    assert (await store.agent_stats(None, None)).total_executions == 5
    assert await store.agent_stats("nobody", None) == AgentStats(agent_id="nobody")


async def test_failures_come_newest_first_and_later_ones_of_the_same_time_before(
    store: Store,
) -> None:
    await take(
        store,
        failed(1, "validation", executed_at=NOW - 5),
        failed(2),
        run(3),
        failed(4, "timeout", error=None),
        failed(5, agent_id="bob", executed_at=NOW + 5),
    )
    found = await store.recent_failures("ada", 2)
    assert [failure.request_id for failure in found] == ["r4", "r2"]
    assert found[0] == Failure(
        request_id="r4",
        code_hash=f"{4:016x}",
        language="javascript",
        error=None,
        error_type="timeout",
        execution_time=10.0,
        executed_at=NOW,
    )
    everyone = await store.recent_failures(None, 10)
    assert [failure.request_id for failure in everyone] == ["r5", "r4", "r2", "r1"]


async def test_a_timeline_counts_by_steps_and_leaves_out_empty_ones(store: Store) -> None:
    step = 60_000
    await take(
        store,
        run(1, executed_at=NOW, execution_time=10.0, memory_usage=1.0),
        failed(2, "timeout", executed_at=NOW + step - 1, execution_time=30.0, memory_usage=9.0),
        run(3, executed_at=NOW + 3 * step),
        run(4, executed_at=NOW - 1, agent_id="bob"),
    )
    assert await store.timeline(None, NOW, step) == [
        TimelinePoint(
            start=NOW,
            total=2,
            successful=1,
            timeouts=1,
            average_execution_time=20.0,
            max_memory=9.0,
        ),
        TimelinePoint(
            start=NOW + 3 * step,
            total=1,
            successful=1,
            timeouts=0,
            average_execution_time=10.0,
            max_memory=2.0,
        ),
    ]
    assert [point.start for point in await store.timeline("bob", None, step)] == [NOW - step]
    assert await store.timeline("nobody", None, step) == []


async def test_failures_are_counted_by_cause_and_runs_by_agent(store: Store) -> None:
    await take(
        store,
        run(1),
        failed(2, "timeout", executed_at=NOW - 5),
        failed(3, "runtime"),
        failed(4, "timeout", executed_at=NOW - 9),
        run(5, agent_id="bob", execution_time=70.0),
    )
    assert await store.failure_causes("ada", None) == [
        FailureCause(error_type="timeout", total=2, last_executed_at=NOW - 5),
        FailureCause(error_type="runtime", total=1, last_executed_at=NOW),
    ]
    assert [each.error_type for each in await store.failure_causes(None, NOW)] == ["runtime"]
    [ada, bob] = await store.agent_counts(None, 10)
    assert (ada.agent_id, ada.total, ada.successful, ada.timeouts) == ("ada", 4, 1, 2)
    assert bob == AgentCount(
        agent_id="bob",
        total=1,
        successful=1,
        timeouts=0,
        average_execution_time=70.0,
        last_executed_at=NOW,
    )
    assert [each.agent_id for each in await store.agent_counts(None, 1)] == ["ada"]


async def test_resource_use_knows_sums_and_maxima(store: Store) -> None:
    await take(
        store,
        run(1, memory_usage=1.0, execution_time=5.0),
        failed(2, "resource_limit", memory_usage=128.5, execution_time=10.0),
        failed(3, "timeout", memory_usage=3.0, execution_time=100.0),
    )
    assert await store.resource_use("ada", None) == ResourceUse(
        total_executions=3,
        average_memory=132.5 / 3,
        max_memory=128.5,
        average_execution_time=115.0 / 3,
        max_execution_time=100.0,
        total_execution_time=115.0,
        timeout_count=1,
        limit_count=1,
    )


async def test_code_belongs_to_the_bucket_whose_lower_edge_it_reaches(store: Store) -> None:
    lengths = [0, 1, 99, 100, 499, 500, 999, 1000, 4999, 5000, 99_999, 100_000, 10_000_000]
    records = [run(i, code_length=length) for i, length in enumerate(lengths)]
    await take(store, *records, failed(99, code_length=100, execution_time=40.0))
    found = await store.code_lengths("ada", None)
    assert [(bucket.low, bucket.total) for bucket in found] == [
        (0, 3),
        (100, 3),
        (500, 2),
        (1000, 2),
        (5000, 2),
        (100_000, 2),
    ]
    assert found[1] == CodeLengthBucket(
        low=100, high=500, total=3, successful=2, average_execution_time=20.0
    )


async def test_repeated_code_leaves_out_what_ran_once_and_breaks_ties_by_hash(
    store: Store,
) -> None:
    hashes = ["b", "a", "c", "b", "a", "c", "c", "d"]
    await take(
        store,
        *(run(i, code_hash=each, executed_at=NOW + i) for i, each in enumerate(hashes)),
        failed(90, code_hash="c", executed_at=NOW - DAY),
        run(91, code_hash="d", agent_id="bob"),
    )
    assert await store.repeated_code("ada", None, 10) == [
        RepeatedCode(code_hash="c", total=4, successful=3, last_executed_at=NOW + 6),
        RepeatedCode(code_hash="a", total=2, successful=2, last_executed_at=NOW + 4),
        RepeatedCode(code_hash="b", total=2, successful=2, last_executed_at=NOW + 3),
    ]
    assert [code.code_hash for code in await store.repeated_code(None, NOW, 3)] == ["c", "a", "b"]
    assert [code.total for code in await store.repeated_code(None, None, 9)] == [4, 2, 2, 2]


async def test_the_slowest_come_without_what_they_held(store: Store) -> None:
    await take(
        store,
        run(1, execution_time=5.0),
        run(2, execution_time=50.0),
        run(3, execution_time=50.0, agent_id="bob"),
        run(4, execution_time=500.0, executed_at=NOW - DAY),
    )
    found = await store.slowest(None, None, 3)
    assert [record.request_id for record in found] == ["r4", "r2", "r3"]
    whole = await store.get("r4")
    assert whole is not None
    assert found[0] == whole.model_copy(update={"output": None, "logs": [], "context_data": None})
    assert [record.request_id for record in await store.slowest("ada", NOW, 9)] == ["r2", "r1"]


async def test_the_security_profile_counts_issues_by_pattern_and_severity(store: Store) -> None:
    await take(
        store,
        events=[
            issue("eval", "high"),
            issue("eval", "high", "bob"),
            issue("eval", "critical"),
            issue("with", "low", timestamp=NOW - DAY),
            ValidationStarted(agent_id="ada", channel_id="lab", request_id="r", code_hash="h"),
        ],
    )
    assert await store.security_profile(None, None) == [
        SecurityCount(pattern="eval", severity="high", total=2),
        SecurityCount(pattern="eval", severity="critical", total=1),
        SecurityCount(pattern="with", severity="low", total=1),
    ]
    assert await store.security_profile("bob", NOW) == [
        SecurityCount(pattern="eval", severity="high", total=1)
    ]
    assert await store.security_profile("nobody", None) == []


# Trends


async def test_days_change_at_midnight_utc(store: Store) -> None:
    await take(
        store,
        run(1, executed_at=TODAY - 1, execution_time=4.0, memory_usage=8.0),
        run(2, executed_at=TODAY),
        failed(3, "timeout", executed_at=TODAY + DAY - 1, execution_time=40.0, memory_usage=4.0),
        run(4, executed_at=TODAY, language="typescript", agent_id="bob"),
    )
    await store.roll_up(NOW, 90)
    yesterday, today = day_of(TODAY - 1), day_of(TODAY)
    first, second, third = await store.trends(None, None)
    assert first == TrendPoint(
        day=yesterday,
        language="javascript",
        total=1,
        successful=1,
        failed=0,
        timeouts=0,
        average_execution_time=4.0,
        average_memory=8.0,
        max_memory=8.0,
    )
    assert second == TrendPoint(
        day=today,
        language="javascript",
        total=2,
        successful=1,
        failed=1,
        timeouts=1,
        average_execution_time=25.0,
        average_memory=3.0,
        max_memory=4.0,
    )
    assert (third.day, third.language, third.total) == (today, "typescript", 1)
    assert [point.total for point in await store.trends("ada", None)] == [1, 2]
    assert await store.trends("ada", TODAY) == await store.trends("ada", TODAY + DAY - 1)
    assert await store.trends("ada", TODAY) == [second]
    assert await store.trends("nobody", None) == []


async def test_rolling_up_again_changes_nothing_and_later_runs_are_added(store: Store) -> None:
    await take(store, run(1), run(2, executed_at=NOW - DAY))
    await store.roll_up(NOW, 90)
    once = await store.trends(None, None)
    await store.roll_up(NOW, 90)
    assert await store.trends(None, None) == once
    await take(store, failed(3, executed_at=NOW - DAY))
    assert await store.trends(None, None) == once
    await store.roll_up(NOW, 90)
    assert [(point.total, point.failed) for point in await store.trends(None, None)] == [
        (2, 1),
        (1, 0),
    ]


async def test_trends_outlive_the_records(store: Store) -> None:
    await take(store, run(1, executed_at=NOW - DAY), run(2))
    await store.roll_up(NOW, 90)
    before = await store.trends(None, None)
    await store.prune(NOW + 40 * DAY)
    await store.roll_up(NOW + 40 * DAY, 90)
    assert await store.trends(None, None) == before
    await take(store, run(3, executed_at=NOW + 40 * DAY))
    await store.roll_up(NOW + 40 * DAY, 90)
    assert (await store.trends(None, None))[:2] == before
    assert len(await store.trends(None, None)) == 3


async def test_a_day_that_has_lost_records_keeps_its_rollup(store: Store) -> None:
    morning = [run(i, executed_at=TODAY + i) for i in range(3)]
    await take(store, *morning, run(9, executed_at=TODAY + DAY - 1000))
    await store.roll_up(NOW, 90)
    later = NOW + 30 * DAY
    await store.prune(later)
    await take(store, run(10, executed_at=TODAY + DAY - 500))
    await store.roll_up(later, 90)
    assert [point.total for point in await store.trends(None, None)] == [4]


async def test_old_rollups_go(store: Store) -> None:
    await take(store, run(1, executed_at=TODAY - 2 * DAY), run(2, executed_at=TODAY - DAY), run(3))
    await store.roll_up(NOW, 1)
    assert [point.day for point in await store.trends(None, None)] == [
        day_of(TODAY - DAY),
        day_of(TODAY),
    ]
    await store.roll_up(NOW + DAY, 1)
    assert [point.day for point in await store.trends(None, None)] == [day_of(TODAY)]


async def test_times_that_no_calendar_knows_are_passed_over(store: Store) -> None:
    await take(store, run(1, executed_at=END_OF_DAYS), run(2))
    await store.roll_up(NOW, 90)
    assert [point.day for point in await store.trends(None, None)] == [day_of(TODAY)]
    assert await store.trends(None, 2**60) == []
    assert (await store.agent_stats(None, END_OF_DAYS)).total_executions == 1


async def test_several_processes_may_roll_up_at_once(store: Store, any_url: str) -> None:
    others = [store] if any_url == "memory:" else [unopened(any_url) for _ in range(3)]
    for other in others:
        await other.open()
    try:
        for batch in range(5):
            numbers = range(batch * 10, batch * 10 + 10)
            await take(store, *(run(i, executed_at=TODAY - (i % 3) * DAY) for i in numbers))
            for outcome in await asyncio.gather(
                *(other.roll_up(NOW, 90) for other in others), return_exceptions=True
            ):
                assert outcome is None or "duplicate" in str(outcome), outcome
        await store.roll_up(NOW, 90)
        assert sorted(point.total for point in await store.trends(None, None)) == [16, 17, 17]
    finally:
        for other in others:
            await other.aclose()


async def test_the_aggregator_keeps_trends_up_to_date(store: Store) -> None:
    await take(store, run(1))
    async with Aggregator(store, AnalyticsConfig(aggregation_interval=100), clock=lambda: NOW):
        await _trends_of(store, 1)
        await take(store, run(2))
        await _trends_of(store, 2)


async def _trends_of(store: Store, runs: int) -> None:
    """Wait until the trends hold so many runs."""
    async with asyncio.timeout(20):
        while sum(point.total for point in await store.trends(None, None)) < runs:
            await asyncio.sleep(0.02)


# Each store beside the reference, on made-up runs


SIZES = (1, 2, 7, 60, 300, 300)


def made_up(seed: int) -> tuple[list[ExecutionRecord], list[Event]]:
    """Runs of several agents over five days, with many ties, and their events."""
    source = random.Random(seed)
    records = [_made_up_run(source, number) for number in range(SIZES[seed])]
    patterns = ("eval", "with", "ä", "Eval", "")
    events = [
        issue(
            source.choice(patterns),
            source.choice(("low", "medium", "high", "critical")),
            source.choice(AGENTS),
            NOW - source.randrange(5) * DAY,
        )
        for _ in range(60)
    ]
    return records, events


def _made_up_run(source: random.Random, number: int) -> ExecutionRecord:
    make = run if source.random() < 0.7 else failed
    return make(
        number,
        **({} if make is run else {"error_type": source.choice(_ERRORS)}),
        agent_id=source.choice(AGENTS),
        language=source.choice(("javascript", "typescript")),
        code_hash=source.choice("0123456789ABCdef"),
        code_length=source.choice((0, 99, 100, 500, 4999, 5000, 100_000, 123_456)),
        execution_time=source.choice((0.0, 1.5, 1.5, 20.0, source.uniform(0, 5000))),
        memory_usage=round(source.uniform(0, 64), 3),
        details=_made_up_calls(source),
        executed_at=TODAY - source.randrange(5) * DAY + source.choice((-1, 0, 1, DAY // 3)),
    )


def _made_up_calls(source: random.Random) -> dict[str, Any]:
    calls = [
        {
            "tool": source.choice(("a", "a.b", "A", "ä", "a ")),
            "outcome": source.choice(("ok", "ok", "failed", "denied", "cancelled", "unknown")),
            "duration": source.choice((0.0, 1.5, 1.5, source.uniform(0, 500))),
            "bytesIn": source.randrange(100),
            "bytesOut": source.randrange(10_000),
            "error": source.choice((None, None, "unknown_tool")),
        }
        for _ in range(source.choice((0, 0, 1, 5)))
    ]
    avoided = {"turns": source.randrange(5), "tokens": source.randrange(999)}
    return {"toolCalls": calls, "avoided": avoided}


_ERRORS = ("runtime", "timeout", "validation", "resource_limit", "security", "cancelled")


async def answers(store: Store, agent_id: str | None, since: int | None) -> dict[str, Any]:
    """Every question, put to ``store``."""
    return {
        "stats": await store.agent_stats(agent_id, since),
        "failures": await store.recent_failures(agent_id, 20),
        "trends": await store.trends(agent_id, since),
        "timeline": await store.timeline(agent_id, since, 3_600_000),
        "causes": await store.failure_causes(agent_id, since),
        "agents": await store.agent_counts(since, 4),
        "use": await store.resource_use(agent_id, since),
        "lengths": await store.code_lengths(agent_id, since),
        "repeated": await store.repeated_code(agent_id, since, 5),
        "slowest": await store.slowest(agent_id, since, 15),
        "security": await store.security_profile(agent_id, since),
        "tools": await store.tool_stats(agent_id, since, 3),
        "tools of agents": await store.tool_stats(agent_id, since, 50, by_agent=True),
    }


def rounded(answer: Any) -> Any:
    """``answer`` as plain data, with sums of floats as near as their order lets them be."""
    if isinstance(answer, float):
        return pytest.approx(answer, rel=1e-12, abs=1e-12)
    if isinstance(answer, dict):
        return {key: rounded(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [rounded(value) for value in answer]
    if dataclasses.is_dataclass(answer) and not isinstance(answer, type):
        return rounded(dataclasses.asdict(answer))
    if isinstance(answer, ExecutionRecord):
        return answer.to_dict()
    return answer


def plain(answer: Any) -> Any:
    """``answer`` as plain data."""
    if isinstance(answer, list):
        return [plain(value) for value in answer]
    if isinstance(answer, ExecutionRecord):
        return answer.to_dict()
    return dataclasses.asdict(answer)


@pytest_asyncio.fixture
async def reference() -> AsyncIterator[MemoryStore]:
    store = MemoryStore()
    await store.open()
    yield store
    await store.aclose()


@pytest.mark.sample(4)
@pytest.mark.parametrize("seed", range(len(SIZES)))
async def test_every_store_gives_the_answers_of_the_reference(
    store: Store, reference: MemoryStore, seed: int
) -> None:
    records, events = made_up(seed)
    half = len(records) // 2
    for each in (store, reference):
        await take(each, *records[:half], events=events)
        await each.roll_up(NOW, 90)
        await take(each, *records[half:])
        await each.roll_up(NOW, 90)
    agents = (None, *AGENTS, "nobody", "ada\0")
    times = (None, 0, TODAY - 2 * DAY, TODAY - DAY + 1, TODAY + 2 * DAY)
    for agent_id, since in some([*itertools.product(agents, times)], 8):
        expected = await answers(reference, agent_id, since)
        found = await answers(store, agent_id, since)
        for question, answer in found.items():
            told = (question, agent_id, since)
            assert (told, plain(answer)) == (told, rounded(expected[question]))
