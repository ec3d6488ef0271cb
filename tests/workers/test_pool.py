"""The pool under load: bounded, fair, refilled, and healthy after losses."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from onehop import Overloaded, Sandbox, SandboxClosedError, SandboxConfig
from onehop.workers._queue import FairQueue
from tests.processes import descendants, workers


@pytest_asyncio.fixture(loop_scope="module")
async def narrow() -> AsyncIterator[Sandbox]:
    config = SandboxConfig(pool_size=1, max_concurrency=1, max_queue=4)
    async with Sandbox(config) as opened:
        yield opened


async def test_more_than_the_queue_holds_is_refused_with_a_time_to_wait(narrow: Sandbox) -> None:
    slow = "await new Promise((r) => setTimeout(r, 300)); return 1"
    runs = [asyncio.create_task(narrow.execute(slow)) for _ in range(6)]
    done, _ = await asyncio.wait(runs, return_when=asyncio.FIRST_EXCEPTION, timeout=5)
    refused = [run.exception() for run in done if run.exception() is not None]
    assert len(refused) == 1
    assert isinstance(refused[0], Overloaded)
    assert refused[0].waiting == 4
    assert 0 < refused[0].retry_after <= 60
    served = await asyncio.gather(*runs, return_exceptions=True)
    assert [r.output for r in served if not isinstance(r, BaseException)] == [1] * 5


async def test_a_run_that_was_answered_holds_no_place() -> None:
    config = SandboxConfig(pool_size=3, max_concurrency=1, max_queue=0)
    async with Sandbox(config) as sandbox:
        for _ in range(4):
            await asyncio.sleep(0.5)  # several are at hand; nobody may wait for one
            assert (await sandbox.execute("return 1")).output == 1
            assert (await sandbox.execute("return 2")).output == 2


async def test_a_worker_is_gone_soon_after_its_answer(narrow: Sandbox) -> None:
    before = set(workers())
    await narrow.execute("setInterval(() => {}, 1); return 1")
    async with asyncio.timeout(5):
        while before & set(workers()):
            await asyncio.sleep(0.01)


async def test_an_agent_that_asks_once_is_not_behind_one_that_asks_often() -> None:
    config = SandboxConfig(pool_size=1, max_concurrency=1)
    async with Sandbox(config) as sandbox:
        order: list[str] = []

        async def ask(agent: str) -> None:
            await sandbox.execute("return 1", agent_id=agent)
            order.append(agent)

        greedy = [asyncio.create_task(ask("greedy")) for _ in range(12)]
        await asyncio.sleep(0)
        modest = asyncio.create_task(ask("modest"))
        await asyncio.gather(*greedy, modest)
        assert order.index("modest") <= 3


def test_the_queue_serves_agents_in_turn_and_each_in_order() -> None:
    queue: FairQueue[str] = FairQueue()
    for agent, item in [("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1"), ("c", "c1")]:
        queue.push(agent, item)
    queue.discard("a", "a2")
    queue.discard("nobody", "a1")
    assert [queue.pop() for _ in range(len(queue))] == ["a1", "b1", "c1", "a3"]
    with pytest.raises(IndexError):
        queue.pop()


async def test_a_caller_that_gives_up_in_the_queue_costs_nobody_a_worker(narrow: Sandbox) -> None:
    first = asyncio.create_task(narrow.execute("for (;;) {}", timeout=600))
    await asyncio.sleep(0.05)
    waiting = asyncio.create_task(narrow.execute("return 'never'"))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await first
    assert (await narrow.execute("return 2")).output == 2


async def test_idle_workers_that_are_killed_are_replaced() -> None:
    async with Sandbox(SandboxConfig(pool_size=2)) as sandbox:
        async with asyncio.timeout(10):
            while len(workers()) < 2:
                await asyncio.sleep(0.01)
        killed = workers()
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        while not all(_is_dead(pid) for pid in killed):
            time.sleep(0.001)  # on purpose not asyncio's: the pool shall not see it before the run
        assert (await sandbox.execute("return 1")).output == 1


async def test_a_spawner_that_is_killed_is_replaced() -> None:
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        assert (await sandbox.execute("return 1")).output == 1
        for pid in descendants(os.getpid()):
            if "spawner.main" in _command(pid):
                os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            assert (await sandbox.execute("return 2")).output == 2
            assert (await sandbox.execute("return 3")).output == 3


async def test_workers_draw_random_numbers_of_their_own() -> None:
    """They are copies of one process, whose secrets must not be theirs."""
    bytes_ = "`${crypto.getRandomValues(new Uint8Array(8))}`"
    code = f"return [Math.random(), crypto.randomUUID(), {bytes_}]"
    async with Sandbox() as sandbox:
        drawn = [(await sandbox.execute(code)).output for _ in range(12)]
    for each in zip(*drawn, strict=True):
        assert len(set(each)) == len(drawn)


def _is_dead(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(os.listdir(f"/proc/{pid}/task")) == 1
    except OSError:
        return True


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


async def test_closing_ends_runs_as_cancelled_and_refuses_those_who_wait() -> None:
    sandbox = Sandbox(SandboxConfig(pool_size=1, max_concurrency=1))
    await sandbox.open()
    running = asyncio.create_task(sandbox.execute("console.log('on'); for (;;) {}", timeout=9000))
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(sandbox.execute("return 1"))
    await asyncio.sleep(0.05)
    started = time.monotonic()
    await sandbox.aclose()
    assert time.monotonic() - started < 5
    result = await running
    assert result.error_info is not None
    assert (result.error_info.type, result.logs) == ("cancelled", ["on"])
    with pytest.raises(SandboxClosedError):
        await waiting
    assert workers() == []


async def test_a_burst_beyond_the_pool_is_served() -> None:
    async with Sandbox(SandboxConfig(pool_size=2)) as sandbox:
        results = await asyncio.gather(*(sandbox.execute("return 1") for _ in range(30)))
        assert all(result.success for result in results)


async def test_a_caller_that_gives_up_just_at_the_deadline_harms_nobody_else() -> None:
    """The host is reaping the worker then; being asked twice must not end the spawner."""
    async with Sandbox(SandboxConfig(pool_size=2)) as sandbox:
        code = "await new Promise((r) => setTimeout(r, 6000)); return 'alive'"
        neighbour = asyncio.create_task(sandbox.execute(code, timeout=20_000))
        await asyncio.sleep(0.1)
        for late in range(24):
            run = asyncio.create_task(sandbox.execute("for (;;) {}", timeout=100))
            await asyncio.sleep(0.1 + late * 0.0005)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        result = await neighbour
        assert (result.success, result.output) == (True, "alive"), result.error
