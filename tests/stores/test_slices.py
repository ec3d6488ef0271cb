"""Slices of time, of each store: they add up to what every record says, and read few of them."""

from __future__ import annotations

import random
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from onehop.stores._slicing import Tallied, pieces
from onehop.stores.base import Entry, Store
from onehop.stores.memory import MemoryStore
from onehop.stores.sql import SqlStore
from onehop.stores.tally import DAY, FIVE_MINUTES, HOUR, Tally, Times, summed
from tests.sampling import some
from tests.stores.test_analytics import NOW, TODAY, failed, run, take
from tests.stores.test_analytics_plans import path, plan, statements
from tests.stores.test_analytics_plans import store as sqlite_store

__all__ = ["path", "sqlite_store"]
CALL = {"tool": "crm.find", "effect": "read", "outcome": "ok", "bytesIn": 10, "bytesOut": 200}


def past(number: int, source: random.Random) -> Any:
    """A run of one of three agents within eleven days, with what slices count."""
    make = run if source.random() < 0.8 else failed
    calls = [{**CALL, "duration": source.uniform(1, 90)} for _ in range(source.randrange(3))]
    details = {"toolCalls": calls, "avoided": {"turns": 2, "tokens": 30}} if calls else {}
    return make(
        number,
        agent_id=source.choice(("ada", "", "=")),
        language=source.choice(("javascript", "typescript")),
        execution_time=round(source.lognormvariate(3, 1.5), 3),
        memory_usage=round(source.uniform(1, 40), 2),
        executed_at=NOW - int(source.uniform(0, 11) * DAY),
        details=details,
    )


def told(tally: Tally) -> dict[str, Any]:
    """What is exact, and neither a sum of fractions nor a histogram."""
    tools = [(each.tool, each.calls, each.bytes_out) for each in tally.tool_stats()]
    agents = [(each.agent_id, each.total, each.last_executed_at) for each in tally.agent_counts()]
    sums = tally.total, tally.successful, tally.timeouts, tally.limits, tally.calls
    languages = tally.language_counts()
    causes, avoided = tally.failure_causes(), (tally.avoided_turns, tally.avoided_tokens)
    return {
        "sums": sums,
        "most": (tally.max_memory, tally.times.most, tally.times.count),
        "lists": (tools, agents, languages, causes, avoided),
    }


@pytest.mark.sample(2)
@pytest.mark.parametrize("grain", [DAY, HOUR, FIVE_MINUTES])
async def test_slices_add_up_to_what_the_records_say(store: Store, grain: int) -> None:
    source = random.Random(grain)
    runs = [past(number, source) for number in range(240)]
    reference = MemoryStore()
    await reference.open()
    for each in (store, reference):
        await take(each, *runs)
    await store.roll_up(NOW - DAY // 3, 90)
    await store.roll_up(NOW, 90)
    agents = (None, "ada", "", "=", "nobody")
    times = (0, NOW - 30 * DAY, NOW - 7 * DAY - 123_457, TODAY, NOW - HOUR, NOW + HOUR)
    for agent, since in some([*product(agents, times)], 8):
        found = await store.slices(agent, since, grain)
        want = told(summed(await reference.slices(agent, since, grain)))
        if agent is not None:  # the slices of one agent need not name it
            want["lists"] = (want["lists"][0], *want["lists"][2:])
        got = told(summed(found))
        if agent is not None:
            got["lists"] = (got["lists"][0], *got["lists"][2:])
        assert got == want, (agent, since)
        assert all(each.length <= grain for each in found)
        assert [each.start for each in found] == sorted(each.start for each in found)


async def test_what_slices_say_is_what_statistics_say(store: Store) -> None:
    source = random.Random(7)
    await take(store, *(past(number, source) for number in range(300)))
    await store.roll_up(NOW, 90)
    for agent in (None, "ada"):
        tally = summed(await store.slices(agent, 0, DAY))
        stats = await store.agent_stats(agent, 0)
        assert (tally.total, tally.successful) == (
            stats.total_executions,
            stats.successful_executions,
        )
        assert tally.avoided_turns == stats.avoided_turns
        for percent, exact in (
            (50, stats.p50_execution_time),
            (95, stats.p95_execution_time),
            (99, stats.p99_execution_time),
        ):
            assert tally.times.percentile(percent) == pytest.approx(exact, rel=0.045)
        [tool] = await store.tool_stats(agent, 0, 5)
        [counted] = tally.tool_stats()
        assert (counted.calls, counted.bytes_in) == (tool.calls, tool.bytes_in)
        assert counted.p95_duration == pytest.approx(tool.p95_duration, rel=0.045)


async def test_a_late_record_is_counted_from_the_next_rollup_on(store: Store) -> None:
    await take(store, run(1, executed_at=TODAY - DAY + HOUR))
    await store.roll_up(NOW, 90)
    await take(store, run(2, executed_at=TODAY - DAY + HOUR + 1))
    await store.roll_up(NOW, 90)
    for grain in (DAY, HOUR, FIVE_MINUTES):
        found = await store.slices(None, TODAY - DAY, grain)
        assert summed(found).total == 2
        assert summed(await store.slices("ada", TODAY - DAY, grain)).total == 2


async def test_a_run_of_this_moment_is_counted_without_a_rollup(store: Store) -> None:
    await store.roll_up(NOW, 90)
    await take(store, run(1, executed_at=NOW + 1))
    assert summed(await store.slices(None, TODAY, DAY)).total == 1


async def test_slices_outlive_the_records_that_they_were_made_of(sqlite_store: SqlStore) -> None:
    store = sqlite_store
    await take(store, run(1, executed_at=TODAY - 3 * DAY), run(2, executed_at=TODAY - 2 * DAY))
    await store.roll_up(NOW, 90)
    await store.prune(NOW + 40 * DAY)
    assert await store.agent_counts(None, 5) == []
    assert summed(await store.slices("ada", TODAY - 4 * DAY, DAY)).total == 2


async def test_rolling_up_twice_makes_each_slice_once(sqlite_store: SqlStore) -> None:
    await take(sqlite_store, run(1, executed_at=TODAY - DAY), run(2, executed_at=NOW - HOUR))
    await sqlite_store.roll_up(NOW, 90)
    with statements() as sent:
        await sqlite_store.roll_up(NOW + FIVE_MINUTES, 90)
        await sqlite_store.roll_up(NOW + FIVE_MINUTES, 90)
    assert [each for each in sent if "INSERT INTO tallies" in each[0]] == []


async def test_a_question_of_many_days_reads_no_record_that_has_a_slice(
    sqlite_store: SqlStore, path: Path
) -> None:
    source = random.Random(3)
    await take(sqlite_store, *(past(number, source) for number in range(400)))
    await sqlite_store.roll_up(NOW, 90)
    for agent in (None, "ada"):
        with statements() as sent:
            await sqlite_store.slices(agent, NOW - 10 * DAY, DAY)
        read = [step for each in sent for step in plan(path, each)]
        large = ("executions", "tallies", "tool_runs", "tool_calls")
        for step in read:
            assert not any(step.startswith(f"SCAN {name}") for name in large), read


def test_the_longest_slices_come_first_and_records_only_at_the_edges() -> None:
    state = Tallied(first=0, until=NOW, watermark=1)
    since = NOW - 10 * DAY - 1000
    found = pieces(None, since, DAY, state)
    assert found[0].start == since
    assert found[-1].end is None
    for one, next_one in pairwise(found):
        assert one.end == next_one.start
    records = [each for each in found if not each.length]
    assert sum((each.end or NOW) - each.start for each in records) <= HOUR
    assert {each.length for each in found} == {0, HOUR, DAY}


def test_a_histogram_is_near_and_never_beyond_what_it_holds() -> None:
    times = Times()
    assert times.percentile(50) == times.mean == 0
    times.note(23.4)
    assert times.percentile(50) == times.percentile(99) == 23.4
    for each in (0.0, float("inf"), 5e-7, 1e18):
        times.note(each)
    assert times.percentile(1) == 0.0
    again = Times.from_list(times.to_list())
    assert again == times


def test_a_slice_that_was_kept_is_the_one_that_was_made() -> None:
    tally = Tally()
    assert Tally.from_text(tally.to_text()) == tally


async def test_entries_without_records_are_counted_for_nothing(store: Store) -> None:
    await store.append([Entry(None, ())])
    await store.roll_up(NOW, 90)
    assert summed(await store.slices(None, 0, DAY)).total == 0
