"""Many requests through `Sandbox.map` and `onehop.map`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import onehop
from onehop import InvalidRequestError, Sandbox, SandboxConfig
from onehop.sandbox.mapping import AHEAD
from tests.waiting import soon

Request = dict[str, Any]


def numbered(count: int) -> Iterator[Request]:
    return ({"code": "return context.n", "context": {"n": n}} for n in range(count))


async def test_results_come_in_the_order_of_the_requests(sandbox: Sandbox) -> None:
    slow_first: list[Request] = [
        {"code": "await new Promise((r) => setTimeout(r, 300)); return 'first'"},
        {"code": "return 'second'"},
    ]
    assert [r.output async for r in sandbox.map(slow_first)] == ["first", "second"]


async def test_results_come_as_they_end_where_the_order_does_not_count(sandbox: Sandbox) -> None:
    slow_first: list[Request] = [
        {"code": "await new Promise((r) => setTimeout(r, 2000)); return 'first'"},
        {"code": "return 'second'"},
    ]
    outputs = [r.output async for r in sandbox.map(slow_first, ordered=False)]
    assert outputs == ["second", "first"]


async def test_requests_may_come_from_an_async_iterator(sandbox: Sandbox) -> None:
    async def requests() -> AsyncIterator[Request]:
        for request in numbered(5):
            await asyncio.sleep(0)
            yield request

    assert [r.output async for r in sandbox.map(requests())] == [0, 1, 2, 3, 4]


async def test_a_bad_request_is_a_failed_result(sandbox: Sandbox) -> None:
    requests: list[Any] = [
        {"code": "return 1"},
        7,
        {"code": ""},
        {"kode": "return 1"},
        {"code": "return 1", "timeout": "long"},
        {"code": "return 1", "isolation": "planet"},
        {"context": {}},
        {"code": "throw new Error('no')"},
        {"code": "return 2"},
    ]
    results = [result async for result in sandbox.map(requests)]
    kinds = [result.error_info and result.error_info.type for result in results]
    assert kinds == [None, *["validation"] * 6, "runtime", None]
    assert [result.output for result in results if result.success] == [1, 2]
    assert "kode" in (results[3].error or "")
    assert "'process' or 'realm'" in (results[5].error or "")


async def test_no_more_requests_are_taken_than_the_results_that_may_wait(sandbox: Sandbox) -> None:
    taken = 0

    def requests() -> Iterator[Request]:
        nonlocal taken
        for request in numbered(1_000_000):
            taken += 1
            yield request

    results = sandbox.map(requests(), concurrency=2)
    assert (await anext(results)).output == 0
    most = 2 * (AHEAD + 1) + 1
    await soon(lambda: taken == most, "taking what may be taken")
    assert (await anext(results)).output == 1
    assert taken <= most + 1
    await results.aclose()


async def test_closing_the_iterator_cancels_what_runs(sandbox: Sandbox) -> None:
    started = asyncio.Event()
    forever = {"code": "console.log('on'); for (;;);", "on_log": lambda _: started.set()}
    results = sandbox.map([{"code": "return 1"}, forever, forever], concurrency=3)
    assert (await anext(results)).output == 1
    await started.wait()
    loop = asyncio.get_running_loop()
    began = loop.time()
    await results.aclose()
    assert loop.time() - began < 2
    assert (await sandbox.execute("return 'well'")).output == "well"


async def test_what_the_source_raises_comes_through(sandbox: Sandbox) -> None:
    def requests() -> Iterator[Request]:
        yield from numbered(2)
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        [result async for result in sandbox.map(requests())]


@pytest.mark.parametrize("wrong", [0, -1, True, 1.5, "4"])
async def test_a_bad_concurrency_is_refused_at_once(sandbox: Sandbox, wrong: Any) -> None:
    with pytest.raises(InvalidRequestError, match="concurrency"):
        sandbox.map([], concurrency=wrong)


async def test_more_at_once_than_may_wait_is_not_overload() -> None:
    config = SandboxConfig(pool_size=1, max_concurrency=1, max_queue=1)
    async with Sandbox(config) as sandbox:
        results = [r async for r in sandbox.map(numbered(8), concurrency=6)]
    assert [result.output for result in results] == list(range(8))


def test_code_that_is_not_async_has_map_too() -> None:
    outputs = [result.output for result in onehop.map(numbered(12))]
    assert outputs == list(range(12))


def test_the_source_of_blocking_map_is_iterated_in_the_callers_own_thread() -> None:
    import threading

    seen = set()

    def requests() -> Iterator[Request]:
        for request in numbered(3):
            seen.add(threading.current_thread())
            yield request

    assert len(list(onehop.map(requests()))) == 3
    assert seen == {threading.current_thread()}


def test_blocking_map_may_be_left_early_and_leaves_nothing_behind() -> None:
    import threading

    before = threading.active_count()
    results = onehop.map(numbered(1_000_000), concurrency=2)
    assert next(results).output == 0
    results.close()
    assert threading.active_count() == before


def test_what_the_source_of_blocking_map_raises_comes_through() -> None:
    def requests() -> Iterator[Request]:
        yield from numbered(1)
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="the source broke"):
        list(onehop.map(requests()))


async def test_requests_may_fix_their_clock_and_share_a_session(sandbox: Sandbox) -> None:
    requests: list[Request] = [
        {"code": "return [Date.now(), Math.random()]", "clock": 7, "seed": 1},
        {"code": "return [Date.now(), Math.random()]", "clock": 7, "seed": 1},
        {"code": "let kept = 5", "session": "s"},
        {"code": "return kept", "session": "s"},
    ]
    outputs = [result.output async for result in sandbox.map(requests, concurrency=1)]
    assert outputs[0] == outputs[1]
    assert outputs[0][0] == 7
    assert outputs[3] == 5


@pytest.mark.parametrize("name", ["yield_after", "choices", "sede"])
async def test_an_argument_that_means_nothing_here_is_refused_by_name(
    sandbox: Sandbox, name: str
) -> None:
    (result,) = [each async for each in sandbox.map([{"code": "return 1", name: 5}])]
    assert not result.success
    assert f"{name}: got an unknown argument" in (result.error or "")
