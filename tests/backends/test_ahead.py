"""A worker reads a large context while the host checks it, and runs nothing before that passes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from onehop import InvalidRequestError, Sandbox, SandboxConfig
from tests.processes import workers
from tests.waiting import soon

SUM = "return context.rows.reduce((sum, row) => sum + row.id, 0)"


def rows(count: int = 5000) -> dict[str, Any]:
    return {"rows": [{"id": number, "name": "a name of some length"} for number in range(count)]}


@pytest.fixture
async def single() -> AsyncIterator[Sandbox]:
    """A sandbox that runs one program at a time."""
    async with Sandbox(SandboxConfig(pool_size=1, max_concurrency=1)) as sandbox:
        yield sandbox


async def rested(sandbox: Sandbox) -> int:
    """The worker that waits, once it is warm."""
    await soon(lambda: len(workers()) == 1, "a worker")
    await asyncio.sleep(0.3)
    (worker,) = workers()
    return worker


async def test_a_worker_that_has_read_what_is_refused_serves_no_call(single: Sandbox) -> None:
    first = await rested(single)
    with pytest.raises(InvalidRequestError, match="context"):
        await single.execute(SUM, context={**rows(), "last": {1}})
    await soon(lambda: first not in workers(), "the end of the worker")
    assert (await single.execute("return typeof context.rows")).output == "undefined"


async def test_a_call_that_is_refused_for_something_else_leaves_its_place(single: Sandbox) -> None:
    await rested(single)
    for _ in range(3):
        with pytest.raises(InvalidRequestError, match="code"):
            await single.execute("", context=rows())
    async with asyncio.timeout(20):
        assert (await single.execute(SUM, context=rows())).output == 12_497_500


@pytest.mark.parametrize("language", ["javascript", "typescript"])
async def test_the_code_gets_the_context_as_it_was_in_the_call(
    single: Sandbox, language: str
) -> None:
    await rested(single)
    context = rows()
    running = asyncio.create_task(single.execute("return context", language, context=context))
    await asyncio.sleep(0)
    context["rows"].clear()
    assert (await running).output == rows()


async def test_integers_that_become_text_are_text_in_a_large_context_too() -> None:
    config = SandboxConfig(pool_size=1, large_integers="strings")
    async with Sandbox(config) as sandbox:
        await rested(sandbox)
        result = await sandbox.execute("return context.n", context={**rows(), "n": 2**60})
        assert result.output == str(2**60)


async def test_what_a_large_context_takes_counts_as_the_runs(single: Sandbox) -> None:
    await rested(single)
    small = (await single.execute("return 1")).resource_usage
    await rested(single)
    large = (await single.execute("return 1", context=rows(50_000))).resource_usage
    assert large.memory > small.memory + 5
    assert large.cpu_time > small.cpu_time
