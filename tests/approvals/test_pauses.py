"""Runs that wait for people longer than a worker is held: paused, and made again up to where they
were, by any server, with each call sent once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from onehop import ExecutionResult, SandboxConfig, tool
from onehop.config import AnalyticsConfig, AuditConfig, RecordingConfig, ToolsConfig
from onehop.decisions import Approve, Decision, Edit, Reject
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor

pytestmark = pytest.mark.asyncio(loop_scope="module")

MADE: list[tuple[str, Any]] = []
RULES = {"ask": ["pay"], "deny": [{"tool": "pay", "when": "amount > 1000"}]}
KEY = "a key that every server has"


@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    MADE.append(("pay", to))
    return f"{to} has {amount:g} more"


@tool
def note(text: str) -> int:
    """Write something down."""
    MADE.append(("note", text))
    return len(MADE)


@tool(effect="read")
async def find(name: str, slow: float = 0) -> str:
    """Find somebody."""
    MADE.append(("find", name))
    await asyncio.sleep(slow)
    return f"{name} is here"


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    MADE.clear()


@asynccontextmanager
async def server(folder: Path, **more: Any) -> AsyncIterator[Executor]:
    """An executor that goes on with what is paused in the store of this folder."""
    given: dict[str, Any] = {
        "tools": [pay, note, find],
        "rules": RULES,
        "recording": RecordingConfig(key=KEY),
        "hold": 300,
        "store": f"sqlite:///{folder / 'runs.db'}",
        **more,
    }
    hold, store = given.pop("hold"), given.pop("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEHOP_TOOLS_APPROVALS", "true")
        patch.setenv("ONEHOP_TOOLS_HOLD", str(hold))
        async with open_executor(
            SandboxConfig(pool_size=1),
            audit=AuditConfig(store=store, journal=str(folder / "journal")),
            analytics=AnalyticsConfig(),
            resumes=True,
            **given,
        ) as executor:
            yield executor


async def decide(executor: Executor, paused: ExecutionResult, *decisions: Decision) -> None:
    approver = executor.sandbox.approver
    assert approver is not None
    assert paused.approvals is not None
    chosen = dict(zip([each.call_id for each in paused.approvals], decisions, strict=True))
    await approver.decide(paused.approvals[0].run_id, chosen, by="ann")


CODE = """
const seen = [Math.random(), Date.now(), crypto.randomUUID()];
const who = await tools.find({ name: "ada" });
await tools.note({ text: who });
console.log("before", seen[0]);
const paid = await tools.pay({ to: "ada", amount: 6 });
return { paid, seen, again: await tools.find({ name: "bob" }) };
"""


async def test_a_run_is_paused_and_goes_on_after_a_decision(tmp_path: Path) -> None:
    async with server(tmp_path) as executor:
        paused = await executor.execute(CODE, agent_id="ada", request_id="r1")
        assert (paused.status, paused.success) == ("paused", True), paused
        assert paused.approvals is not None
        (asked,) = paused.approvals
        assert (asked.tool, asked.arguments) == ("pay", {"to": "ada", "amount": 6})
        assert MADE == [("find", "ada"), ("note", "ada is here")]
        first = paused.logs
        await decide(executor, paused, Approve())
        result = await executor.wait("r1", 20_000, agent_id="ada")
        assert result.status == "completed", result.error
        assert result.output["paid"] == "ada has 6 more"
        assert MADE == [("find", "ada"), ("note", "ada is here"), ("pay", "ada"), ("find", "bob")]
        assert result.logs == first
