"""Two calls of one name are under way at once: each ends for those who wait for it alone."""

from __future__ import annotations

import asyncio

import pytest

from onehop.execution._repeats import Repeats
from onehop.runs.callers import Caller
from onehop.types import ExecutionResult, ResourceUsage

pytestmark = pytest.mark.unit
ADA = Caller(agent_id="ada", request_id="r1")


def result(output: str, status: str = "completed") -> ExecutionResult:
    return ExecutionResult(
        success=True,
        output=output,
        status=status,  # type: ignore[arg-type]
        code_hash="0" * 16,
        resource_usage=ResourceUsage(memory=0),
    )


async def test_a_run_that_goes_on_here_while_somebody_asks_for_it_ends_for_both() -> None:
    repeats = Repeats()
    looking = repeats.begin(ADA)
    asked_first = asyncio.create_task(repeats.earlier(ADA))
    await asyncio.sleep(0)
    going_on = repeats.begin(ADA)
    asked_later = asyncio.create_task(repeats.earlier(ADA))
    await asyncio.sleep(0)
    repeats.resolve(ADA, looking, result("", "paused"), 0)
    found = await asked_first
    assert found is not None
    assert found.status == "paused"
    assert not asked_later.done()
    repeats.resolve(ADA, going_on, result("done"), 0)
    found = await asked_later
    assert found is not None
    assert found.output == "done"
    assert await repeats.earlier(ADA) == found


async def test_who_waits_for_a_paused_run_hears_at_once_that_it_goes_on() -> None:
    repeats = Repeats()
    waiting = asyncio.create_task(repeats.beginning(ADA, 60))
    elsewhere = asyncio.create_task(repeats.beginning(Caller(request_id="another"), 60))
    await asyncio.sleep(0)
    repeats.begin(ADA)
    async with asyncio.timeout(5):
        await waiting
    assert not elsewhere.done()
    elsewhere.cancel()
    await repeats.beginning(ADA, 0)


async def test_a_call_that_fails_leaves_the_other_of_its_name_alone() -> None:
    repeats = Repeats()
    looking, going_on = repeats.begin(ADA), repeats.begin(ADA)
    asked = asyncio.create_task(repeats.earlier(ADA))
    await asyncio.sleep(0)
    repeats.fail(ADA, looking, RuntimeError("the store is away"))
    repeats.fail(ADA, looking, RuntimeError("a second end is none"))
    repeats.resolve(ADA, going_on, result("done"), 0)
    found = await asked
    assert found is not None
    assert found.output == "done"
