"""Every store tells alike which runs wait for people, counts them apart, and keeps their needs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from onehop.answers import PauseStats
from onehop.events import ExecutionResumed
from onehop.runs.kept import RunPhase
from onehop.stores import waiting_run, waiting_runs
from onehop.stores.base import HistoryQuery, Store
from tests.stores.records import DAY
from tests.stores.test_analytics import NOW, failed, run, take
from tests.stores.test_approvals import CALL, decide
from tests.stores.test_kept_runs import RUN, changed

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(run_id: str, **values: Any) -> Any:
    return dataclasses.replace(CALL, run_id=run_id, **values)


async def wait(store: Store) -> None:
    """Three runs of ada and one of eve wait, and one has ended."""
    for n, phase in enumerate(("held", "paused", "resuming", "ended"), 1):
        name = f"run{n}"
        await store.add_run(
            changed(run_id=name, request_id=f"r{n}", phase=phase, created_at=NOW + n, fence=n)
        )
    await store.add_run(changed(run_id="other", request_id="r9", agent_id="eve", phase="paused"))
    late = NOW + 20
    await store.add_approvals(
        [
            asked("run1"),
            asked("run2", requested_at=late, expires_at=late + 5),
            asked("run2", call_id="call_2", tool="crm.note", expires_at=NOW + 9),
            asked("run4", call_id="call_1"),
        ]
    )
    await decide(store, "approved", asked("run4", call_id="call_1"))


async def test_runs_that_wait_are_rows_with_what_they_wait_for(store: Store) -> None:
    await wait(store)
    rows = await waiting_runs(store, HistoryQuery(agent_id="ada"))
    assert [(row.request_id, row.status, len(row.waits_for)) for row in rows] == [
        ("r3", "paused", 0),
        ("r2", "paused", 2),
        ("r1", "paused", 1),
    ]
    assert [(each.tool, each.call_id, each.rule) for each in rows[1].waits_for] == [
        ("crm.note", "call_2", "ask crm.*"),
        ("crm.pay", "call_1", "ask crm.*"),
    ]
    assert (rows[1].executed_at, rows[1].since, rows[1].expires_at) == (NOW + 2, NOW, NOW + 9)
    assert (rows[0].since, rows[0].expires_at) == (NOW + 3, None)
    assert await waiting_run(store, "r2") == rows[1]
    assert await waiting_run(store, "r2", "eve") is None
    assert await waiting_run(store, "r4") is None


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["r3", "r2", "r1", "r9"]),
        ({"limit": 2}, ["r3", "r2"]),
        ({"agent_id": "eve"}, ["r9"]),
        ({"channel_id": "lab", "since": NOW + 2, "until": NOW + 3}, ["r2"]),
        ({"channel_id": "elsewhere"}, []),
        ({"code_hash": "1" * 16}, []),
        ({"success": False}, []),
        ({"language": "javascript"}, []),
    ],
)
async def test_a_query_finds_the_runs_that_wait_and_that_it_asks_for(
    store: Store, query: dict[str, Any], found: list[str]
) -> None:
    await wait(store)
    rows = await waiting_runs(store, HistoryQuery(**query))
    assert [row.request_id for row in rows] == found


async def test_runs_that_waited_are_counted_apart(store: Store) -> None:
    assert await store.pause_stats(None, None) == PauseStats()
    await wait(store)
    ended = run(4, run_id="run4", executed_at=NOW + 4)
    runs = (run(1), failed(2, "diverged"), failed(3, "runtime"), ended)
    went_on = ExecutionResumed(
        agent_id="ada", channel_id="", request_id="r4", code_hash="h", run_id="run4", pauses=1
    )
    await take(store, *runs, events=[went_on])
    await decide(store, "expired", asked("run2"))
    assert await store.pause_stats("ada", None) == PauseStats(
        agent_id="ada", paused=3, resumed=2, diverged=1, expired=1
    )
    assert (await store.pause_stats(None, None)).paused == 4
    assert await store.pause_stats("eve", None) == PauseStats(agent_id="eve", paused=1)
    later = await store.pause_stats("ada", NOW + 3)
    assert (later.paused, later.resumed, later.expired) == (1, 1, 1)
    stats = await store.agent_stats("ada", None)
    assert (stats.total_executions, stats.failed_executions) == (4, 2)
    await store.drop_runs(["run4"])  # its answers have had their time
    assert (await store.pause_stats("ada", None)).resumed == 2
    assert (await store.pause_stats("ada", NOW + 3)).resumed == 1


async def test_the_retention_spares_what_a_run_needs_that_waits(store: Store) -> None:
    old = NOW - 31 * DAY
    phases: dict[str, RunPhase] = {"waits": "paused", "over": "ended"}
    for run_id, phase in phases.items():
        await store.add_run(
            dataclasses.replace(RUN, run_id=run_id, phase=phase, created_at=old, keep_until=NOW)
        )
        assert await store.add_run_part(run_id, 1, 1, b"done")
    decided = asked("waits", requested_at=old, expires_at=old + DAY)
    await store.add_approvals([decided, asked("over", requested_at=old)])
    await store.decide_approval("waits", "call_1", "approved", by="ann", now=old + 1)
    await store.prune(NOW)
    assert await store.kept_run("over") is None
    assert [run.run_id for run in await store.kept_runs()] == ["waits"]
    assert await store.run_parts("waits") == [b"done"]
    assert [(each.run_id, each.decided_by) for each in await store.approvals()] == [
        ("waits", "ann")
    ]
