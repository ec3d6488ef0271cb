"""What a run may use holds for all of it, however often it is made again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from pydantic import SecretStr

from onehop import Sandbox, ToolLimits, tool
from onehop.config import AuditConfig, RecordingConfig, SandboxConfig
from onehop.execution.executor import Executor
from onehop.execution.keeping import Keeper
from onehop.runs.decisions import Approve
from onehop.sandbox.approvals import Approvals
from onehop.stores import open_store

pytestmark = pytest.mark.asyncio(loop_scope="module")

CODE = """
const used = await tools.USED;
await tools.pay({ n: 1 });
try { await tools.THEN } catch (e) { return [e.code, e.message] }
return "it went on";
"""


@tool(effect="read")
def text(size: int) -> str:
    """So much text."""
    return "x" * size


@tool(effect="read")
async def rest(seconds: float) -> None:
    """Take a while."""
    await asyncio.sleep(seconds)


@tool
def pay(n: int) -> int:
    """Pay somebody."""
    return n


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop() -> AsyncIterator[Executor]:
    async with AsyncExitStack() as stack:
        store = await open_store(AuditConfig(store="memory:"))
        stack.push_async_callback(store.aclose)
        sandbox = Sandbox(
            SandboxConfig(pool_size=1),
            tools=[text, rest, pay],
            rules={"ask": ["pay"]},
            tool_limits=ToolLimits(total=1_600_000, wait=4000),
            approvals=Approvals(store, 0.3),
        )
        recording = RecordingConfig(key=SecretStr("a key of so many letters"), max_size=1)
        executor = Executor(sandbox, store=store, keeper=Keeper(store, recording, 60), resumes=True)
        stack.push_async_callback(executor.aclose)
        await executor.open()
        await stack.enter_async_context(sandbox)
        executor.resume_paused()
        yield executor


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("used", "then", "code", "words"),
    [
        pytest.param(
            "text({ size: 900_000 })",
            "text({ size: 900_000 })",
            "budget",
            "all answers together have more than 1600000 bytes",
            id="bytes of answers",
        ),
        pytest.param(
            "rest({ seconds: 2.5 })",
            "rest({ seconds: 3.9 })",
            "budget",
            "the run has waited",
            id="seconds of waiting",
        ),
        pytest.param(
            "text({ size: 700_000 })",
            "text({ size: 700_000 }).then(() => tools.pay({ n: 2 }))",
            "expired",
            "nobody decided about pay",
            id="bytes that are kept of a run",
        ),
    ],
)
async def test_a_budget_is_not_counted_anew_after_a_pause(
    shop: Executor, used: str, then: str, code: str, words: str
) -> None:
    text = CODE.replace("USED", used).replace("THEN", then)
    paused = await shop.execute(text, agent_id="ada", request_id=words, timeout=20_000)
    assert paused.status == "paused", paused.error
    approver = shop.sandbox.approver
    assert approver is not None
    [asked] = paused.approvals or []
    await approver.decide(asked.run_id, {asked.call_id: Approve()}, "ann")
    result = await shop.wait(words, 30_000, agent_id="ada")
    assert result.success, result.error
    assert result.output[0] == code, result.output
    assert words in result.output[1]
