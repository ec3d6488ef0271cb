"""Processes that have realms: whose they are, when they are ended, and what the host holds."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop import InvalidRequestError, Overloaded, Sandbox, SandboxConfig
from onehop.backends import LocalBackend
from onehop.requests import check_request
from onehop.testing import FakeBackend
from onehop.types import ExecutionResult, Progress
from onehop.workers import WorkerFactory, deno_programs
from tests.processes import workers
from tests.waiting import soon
from tests.workers.test_hostile_worker import HOSTILE

WHICH = "return performance.timeOrigin"
"""It differs from process to process."""


async def realm(sandbox: Sandbox, code: str, **options: object) -> ExecutionResult:
    return await sandbox.execute(code, isolation="realm", **options)  # type: ignore[arg-type]


@pytest_asyncio.fixture(loop_scope="module")
async def one() -> AsyncIterator[Sandbox]:
    """With one process for each agent."""
    async with Sandbox(SandboxConfig(realm_processes=1, pool_size=1)) as opened:
        yield opened


async def test_a_result_says_in_which_class_it_ran(one: Sandbox) -> None:
    fresh, again = await one.execute("return 1"), await realm(one, "return 1")
    assert (fresh.isolation, again.isolation) == ("process", "realm")
    assert fresh.enforcement == again.enforcement
    assert again.to_dict()["isolation"] == "realm"


async def test_a_realm_shows_files_and_says_how_far_it_is(one: Sandbox) -> None:
    heard: list[Progress] = []
    code = "progress(0.5, 'half'); show('a,b', {title: 'Table'}); progress(1); return context.n"
    for n in range(3):
        result = await realm(one, code, context={"n": n}, on_progress=heard.append)
        assert (result.output, [each.size for each in result.artifacts or ()]) == (n, [3])
    assert [each.fraction for each in heard] == [0.5, 1] * 3


async def test_what_cannot_be_cloned_is_refused_in_both_classes(one: Sandbox) -> None:
    """A realm made an empty object of most of these, without a word."""
    made = (
        "new WeakRef({}), new FinalizationRegistry(() => {}), Temporal.Now.instant(), "
        "[].values(), new Intl.NumberFormat(), new DisposableStack(), [].values().map((x) => x), "
        "Promise.all([]), (function () { return arguments; })(1), gone, {}, "
        "Object.create(null), new (class A {})()"
    )
    code = (
        "const gone = new ArrayBuffer(2); gone.transfer();"
        f"return [{made}].map((value) => {{ try {{ return structuredClone({{ a: [value] }}); }}"
        "catch (error) { return error.name; } })"
    )
    fresh, again = await one.execute(code), await realm(one, code)
    assert again.output == fresh.output == ["DataCloneError"] * 10 + [{"a": [{}]}] * 3


async def test_a_session_has_a_process_of_its_own(one: Sandbox) -> None:
    with pytest.raises(InvalidRequestError, match="a realm ends with its run"):
        await realm(one, "return 1", session="kept")
    async with Sandbox(SandboxConfig(isolation="realm", pool_size=1)) as sandbox:
        first = await sandbox.execute("const kept = 1", session="kept")
        second = await sandbox.execute("return kept", session="kept")
        assert (first.isolation, second.isolation, second.output) == ("process", "process", 1)
    stored = await realm(one, "return await store.get('kept')")
    assert stored.error is not None
    assert "this call is in none" in stored.error


async def test_an_agent_keeps_its_process_and_no_other_agent_gets_it(one: Sandbox) -> None:
    seen: dict[str, set[float]] = {"a": set(), "b": set(), "": set()}
    for _ in range(5):
        for agent, origins in seen.items():
            origins.add((await realm(one, WHICH, agent_id=agent)).output)
    assert [len(origins) for origins in seen.values()] == [1, 1, 1]
    assert len(set.union(*seen.values())) == 3


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "code",
    [
        "throw new Error('no')",
        "for (;;);",
        "const a = []; for (;;) a.push(new Array(1e5).fill(1.5))",
        "setTimeout(() => {}, 60000); return 1",
        "await new Promise(() => {})",
        "return {",
    ],
)
async def test_a_process_is_replaced_after_a_run_that_goes_wrong(one: Sandbox, code: str) -> None:
    before = (await realm(one, WHICH)).output
    result = await realm(one, code, timeout=1000)
    assert result.isolation == "realm"
    after = (await realm(one, WHICH)).output
    assert after != before
    assert (await realm(one, WHICH)).output == after


async def test_a_deadline_kills_and_what_was_printed_is_kept(one: Sandbox) -> None:
    result = await realm(one, "console.log('before'); for (;;);", timeout=300)
    assert result.error_info is not None
    assert result.error_info.type == "timeout"
    assert result.logs == ["before"]
    assert result.resource_usage.cpu_time > 5


async def test_usage_is_that_of_the_run_alone(one: Sandbox) -> None:
    busy = "const a = new Uint8Array(4e7).fill(1); let x = 0;"
    busy += "for (let i = 0; i < 3e8; i++) x += i % 7; return x + a[9]"
    first = (await realm(one, busy, timeout=20_000)).resource_usage
    second = (await realm(one, "return 1")).resource_usage
    assert first.memory > 36
    assert second.memory < 8
    assert second.cpu_time < first.cpu_time / 4


@pytest.mark.thorough
async def test_a_process_has_its_number_of_runs() -> None:
    async with Sandbox(SandboxConfig(realm_processes=1, realm_runs=3, pool_size=1)) as sandbox:
        origins = [(await realm(sandbox, WHICH)).output for _ in range(7)]
    assert [origins.count(each) for each in dict.fromkeys(origins)] == [3, 3, 1]


@pytest.mark.thorough
async def test_a_process_is_replaced_after_a_run_near_a_limit(one: Sandbox) -> None:
    before = (await realm(one, WHICH)).output
    code = "return new Uint8Array(1.1e8).fill(1).length"
    assert (await realm(one, code, timeout=20_000)).output == 110_000_000
    assert (await realm(one, WHICH)).output != before


async def test_idle_processes_are_ended() -> None:
    async with Sandbox(SandboxConfig(realm_idle=200, pool_size=1)) as sandbox:
        await soon(lambda: len(workers()) == 1, "the one of the other class")
        await realm(sandbox, "return 1")
        assert len(workers()) > 1
        await soon(lambda: len(workers()) == 1, "the end of those with realms")


async def test_closing_the_sandbox_ends_runs_and_leaves_no_process() -> None:
    before = set(workers())
    async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
        started = asyncio.Event()
        code = "console.log('on'); for (;;);"
        running = asyncio.create_task(realm(sandbox, code, on_log=lambda _: started.set()))
        await started.wait()
    result = await running
    assert result.error_info is not None
    assert result.error_info.type == "cancelled"
    assert set(workers()) <= before


async def test_cancelling_the_caller_kills_the_run(one: Sandbox) -> None:
    started = asyncio.Event()
    code = "console.log('on'); for (;;);"
    running = asyncio.create_task(realm(one, code, on_log=lambda _: started.set()))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (await realm(one, "return 'well'")).output == "well"


async def test_more_than_the_queue_holds_is_refused() -> None:
    config = SandboxConfig(realm_processes=1, max_queue=2, pool_size=1)
    async with Sandbox(config) as sandbox:
        slow = "await new Promise((r) => setTimeout(r, 300)); return 1"
        runs = [asyncio.create_task(realm(sandbox, slow)) for _ in range(4)]
        ended = await asyncio.gather(*runs, return_exceptions=True)
    assert any(isinstance(each, Overloaded) for each in ended)


async def test_one_agents_sleepers_hold_neither_all_processes_nor_the_queue() -> None:
    config = SandboxConfig(realm_processes=2, pool_size=1, max_concurrency=4, max_queue=6)
    async with Sandbox(config) as sandbox:
        sleep = "await new Promise((done) => setTimeout(done, 29_000))"
        hogs = [
            asyncio.ensure_future(realm(sandbox, sleep, agent_id="hog", timeout=30_000))
            for _ in range(12)
        ]
        await asyncio.wait(hogs, return_when=asyncio.FIRST_COMPLETED)  # the queue is full
        async with asyncio.timeout(20):
            result = await realm(sandbox, "return 1", agent_id="ada")
        refused = [each.exception() for each in hogs if each.done()]
        for hog in hogs:
            hog.cancel()
        await asyncio.gather(*hogs, return_exceptions=True)
    assert result.output == 1
    assert all(isinstance(error, Overloaded) for error in refused)


async def test_many_agents_share_the_machine_but_no_process() -> None:
    config = SandboxConfig(realm_processes=1, max_concurrency=2, pool_size=1)
    async with Sandbox(config) as sandbox:
        calls = [realm(sandbox, WHICH, agent_id=f"agent {n}") for n in range(8)]
        origins = [result.output for result in await asyncio.gather(*calls)]
        assert len(set(origins)) == 8
        assert len(workers()) <= 5


@pytest.mark.thorough
async def test_map_runs_in_realms(one: Sandbox) -> None:
    requests = ({"code": f"return {n} * 2"} for n in range(200))
    results = [result async for result in one.map(requests, isolation="realm")]
    assert [result.output for result in results] == [2 * n for n in range(200)]
    assert {result.isolation for result in results} == {"realm"}


async def test_a_backend_without_realms_refuses_them() -> None:
    async with Sandbox(backend=FakeBackend()) as sandbox:
        with pytest.raises(InvalidRequestError, match="isolation: got 'realm'"):
            await realm(sandbox, "return 1")


def hostile_backend(attack: str) -> LocalBackend:
    """Its processes with realms are what an attacker's own code makes of them."""
    script = HOSTILE.replace("ATTACK", attack).replace("BEFORE", "")
    url = "data:application/javascript;base64," + base64.b64encode(script.encode()).decode()
    programs = deno_programs()
    options = programs["realms"][: programs["realms"].index("--quiet") + 2]
    config = SandboxConfig(pool_size=1, realm_processes=1, timeout=2000)
    given = {**programs, "realms": [*options, url]}
    factory = WorkerFactory((), config.limits(2000), lambda: given)
    return LocalBackend(config, factory)


AGAIN = "frame({ v: 3, token, kind: 'result', output: 1, dropped: 0, again: true });"
BETWEEN_RUNS = {
    "a result for the next run": AGAIN + AGAIN,
    "a log line between two runs": AGAIN + "log('unasked')",
    "again that is not a boolean": (
        "frame({ v: 3, token, kind: 'result', output: 1, dropped: 0, again: 7 })"
    ),
    "an end after the answer": AGAIN + "Deno.exit(0)",
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("attack", BETWEEN_RUNS.values(), ids=BETWEEN_RUNS)
async def test_a_process_that_was_taken_over_says_nothing_for_another_run(attack: str) -> None:
    backend = hostile_backend(attack + "; await new Promise((r) => setTimeout(r, 30000))")
    config = SandboxConfig()
    checked = check_request(config, code="return 1", isolation="realm")
    await backend.open()
    try:
        for agent in ("a", "b"):
            first = await backend.run(checked, config.limits(2000), agent)
            assert first.output in (1, None)
            second = await backend.run(checked, config.limits(2000), agent)
            assert second.logs == []
            assert second.output in (1, None)
    finally:
        await backend.aclose()
