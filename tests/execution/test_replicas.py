"""Servers that share a store: who runs a request id, and who does what only one may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from onehop import Sandbox
from onehop.config import AnalyticsConfig, AuditConfig
from onehop.errors import RunLostError
from onehop.execution._claims import Claims, _name
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.runs.callers import Caller
from onehop.runs.kept import KeptRun
from onehop.stores.analytics import Aggregator
from onehop.stores.base import Entry, HistoryQuery
from onehop.stores.leases import Leases
from onehop.stores.memory import MemoryStore
from onehop.testing import Answer, FakeBackend
from onehop.testing.records import record as make_record
from tests.waiting import soon

SOON = 0.4
"""Seconds that a lease lasts here."""
DAILY = AnalyticsConfig(aggregation_interval=1000)


class Server:
    """An executor as a server has it, whose code takes a while."""

    def __init__(self, executor: Executor, backend: FakeBackend, leases: Leases) -> None:
        self.executor, self.backend, self.leases = executor, backend, leases


@asynccontextmanager
async def server(
    store: MemoryStore, folder: Path, seconds: float = 0.05, lease: float = 20
) -> AsyncIterator[Server]:
    """One of the servers on ``store``; how long a run takes there, and a lease lasts."""
    folder.mkdir(exist_ok=True)
    backend = FakeBackend(Answer(output=folder.name, seconds=seconds))
    audit = AuditConfig(journal=str(folder))
    async with AsyncExitStack() as stack:
        leases = await stack.enter_async_context(Leases(store, duration=lease))
        sandbox = await stack.enter_async_context(Sandbox(backend=backend))
        executor = Executor(sandbox, store=store, audit=audit, leases=leases)
        yield Server(await stack.enter_async_context(executor), backend, leases)


async def test_the_same_request_at_the_same_moment_runs_at_one_server(tmp_path: Path) -> None:
    store = MemoryStore()
    async with server(store, tmp_path / "one") as one, server(store, tmp_path / "two") as two:
        names = [f"request-{number}" for number in range(20)]
        calls = [
            each.executor.execute("return 1", agent_id="ada", request_id=name)
            for name in names
            for each in (one, two)
        ]
        results = await asyncio.gather(*calls)
        assert len(one.backend.calls) + len(two.backend.calls) == len(names)
        answers = [result.output for result in results]
        assert answers[::2] == answers[1::2]
        assert len(await store.history(HistoryQuery(limit=100))) == len(names)
        again = await two.executor.execute("return 2", agent_id="ada", request_id=names[0])
        assert again.output == answers[0]
        others = await one.executor.execute("return 1", agent_id="bob", request_id=names[0])
        assert others.success


async def test_a_run_longer_than_its_lease_keeps_its_name(tmp_path: Path) -> None:
    store = MemoryStore()
    async with (
        server(store, tmp_path / "one", seconds=3 * SOON, lease=SOON) as one,
        server(store, tmp_path / "two", lease=SOON) as two,
    ):
        first = asyncio.create_task(one.executor.execute("return 1", request_id="long"))
        await soon(lambda: one.backend.calls, "it runs")
        second = await two.executor.execute("return 1", request_id="long")
        assert second.output == (await first).output == "one"
        assert not two.backend.calls


async def test_a_run_that_is_given_up_leaves_its_name_to_the_other_server(tmp_path: Path) -> None:
    store = MemoryStore()
    async with (
        server(store, tmp_path / "one", seconds=60) as one,
        server(store, tmp_path / "two") as two,
    ):
        first = asyncio.create_task(
            one.executor.execute("return 1", timeout=30_000, request_id="given-up")
        )
        await soon(lambda: one.backend.calls, "it runs")
        second = asyncio.create_task(two.executor.execute("return 1", request_id="given-up"))
        first.cancel()
        assert (await second).output == "two"


async def test_what_a_dead_server_has_begun_is_not_run_again(tmp_path: Path) -> None:
    store = MemoryStore()
    dead = Claims(Leases(store, duration=SOON))  # not open: it keeps its leases no longer

    async def nothing() -> None:
        return None

    assert await dead.first(Caller(request_id="lost"), nothing) is None
    async with server(store, tmp_path / "two") as two:
        for _ in range(2):
            with pytest.raises(RunLostError, match="lost"):
                await two.executor.execute("return 1", request_id="lost")
        assert not two.backend.calls


async def test_a_run_that_has_ended_elsewhere_is_not_run_again_before_its_record_comes() -> None:
    store = MemoryStore()
    caller = Caller(agent_id="ada", request_id="r1")
    ended = KeptRun(
        run_id="run",
        request_id="r1",
        agent_id="ada",
        channel_id="",
        code_hash="0" * 16,
        phase="ended",
        created_at=1,
        program=b"",
    )

    async def kept() -> KeptRun:
        return ended

    async with Leases(store, duration=60) as leases:
        looking = asyncio.create_task(
            Claims(leases).first(caller, lambda: store.get("r1", "ada"), kept)
        )
        await soon(lambda: leases.holds(_name("ada", "r1")), "it has the lease")
        assert not looking.done()
        await store.append([Entry(make_record(request_id="r1", agent_id="ada"))])
        found = await looking
    assert isinstance(found, ExecutionRecord)
    assert found.request_id == "r1"
    async with Leases(store, duration=SOON) as leases:
        lost = Caller(agent_id="ada", request_id="its server is gone")
        with pytest.raises(RunLostError):
            await Claims(leases).first(lost, lambda: store.get("no such"), kept)


async def test_one_of_many_keeps_the_rollups_until_it_dies() -> None:
    store = MemoryStore()
    many = [Leases(store, duration=SOON) for _ in range(3)]
    keepers = [Aggregator(store, DAILY, leases=each) for each in many]
    for leases, keeper in zip(many, keepers, strict=True):
        leases.open()
        await keeper.open()

    def holders() -> list[int]:
        return [place for place, each in enumerate(many) if each.holds("upkeep")]

    [first] = await soon(lambda: holders() if len(holders()) == 1 else None, "one keeps them")
    task = many[first]._task
    assert task is not None
    task.cancel()  # a process that is killed keeps nothing, and drops nothing
    many[first]._held.clear()
    gone = keepers[first]._task
    assert gone is not None
    gone.cancel()
    [second] = await soon(lambda: holders() if len(holders()) == 1 else None, "another goes on")
    assert second != first
    for leases, keeper in zip(many, keepers, strict=True):
        await keeper.aclose()
        await leases.aclose()
