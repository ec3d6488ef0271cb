"""A run that is paused, or replayed, has the version of a snippet that it began with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from onehop import ExecutionResult, SandboxConfig, tool
from onehop.config import AnalyticsConfig, AuditConfig, RecordingConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.runs.decisions import Approve

pytestmark = pytest.mark.asyncio(loop_scope="module")

MADE: list[str] = []
KEY = RecordingConfig(key=SecretStr("a key that every server has"), runs="all")
CODE = """
const before = Date.now();
const paid = await snippets.pay_one({ to: "ada" });
return { paid, before, again: await snippets.pay_one({ to: "" }) };
"""
FIRST = 'if (context.to === "") return "first";\nreturn tools.pay({ to: context.to })'
SECOND = 'if (context.to === "") return "second";\nreturn tools.pay({ to: context.to + "!" })'


@tool
def pay(to: str) -> str:
    """Pay somebody."""
    MADE.append(to)
    return f"{to} has it"


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[Executor]:
    audit = AuditConfig(store=f"sqlite:///{folder / 'onehop.db'}", journal=str(folder / "journal"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEHOP_TOOLS_APPROVALS", "true")
        patch.setenv("ONEHOP_TOOLS_HOLD", "300")
        async with open_executor(
            SandboxConfig(pool_size=1),
            audit=audit,
            analytics=AnalyticsConfig(),
            tools=[pay],
            rules={"ask": ["pay"]},
            recording=KEY,
            resumes=True,
        ) as executor:
            yield executor


async def save(executor: Executor, code: str, request_id: str) -> None:
    """From a run that calls no tool, so that nobody is asked about it."""
    result = await executor.execute(code, context={"to": ""}, agent_id="bot", request_id=request_id)
    assert result.success, result.error
    await executor.flush()
    await executor.snippets.save("pay_one", request_id, by="ann", replace=True)


async def approve(executor: Executor, paused: ExecutionResult) -> None:
    approver = executor.sandbox.approver
    assert approver is not None
    assert paused.approvals is not None
    (asked,) = paused.approvals
    await approver.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")


async def test_a_paused_run_goes_on_with_its_version_on_another_server(tmp_path: Path) -> None:
    MADE.clear()
    async with server(tmp_path) as executor:
        await save(executor, FIRST, "first")
        paused = await executor.execute(CODE, agent_id="bot", request_id="r1")
        assert paused.status == "paused", paused
        await save(executor, SECOND, "second")
    async with server(tmp_path) as executor:
        await approve(executor, paused)
        result = await executor.wait("r1", 20_000, agent_id="bot")
        assert result.status == "completed", result.error
        assert MADE == ["ada"]
        assert result.output["paid"] == "ada has it"
        assert result.output["again"] == "first"  # one run, one version
        replayed = await executor.replay("r1")
        assert replayed.same, replayed.difference
        assert MADE == ["ada"]
        await executor.flush()
        record = await executor.store.get("r1", "bot")
        assert record is not None
        used = record.details["snippets"]
        assert [used[each]["version"] for each in sorted(used)] == [1, 1]
        assert (await executor.snippets.show("pay_one")).version == 2


async def test_a_recorded_run_replays_the_same_after_its_snippet_is_gone(tmp_path: Path) -> None:
    async with server(tmp_path) as executor:
        await save(executor, FIRST, "first")
        code = 'return [await snippets.pay_one({to: ""}), await tools.$search("pay")]'
        result = await executor.execute(code, agent_id="bot", request_id="r2")
        assert result.output[0] == "first"
        await executor.snippets.remove("pay_one")
        await executor.flush()
        replayed = await executor.replay("r2")
        assert replayed.same, replayed.difference
        assert replayed.result.output == result.output
