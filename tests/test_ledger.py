"""What a run did to the world is read from its record, which the chain of hashes covers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from onehop import Approve, Edit, Reject
from onehop.audit import verify
from onehop.cli._trail_pages import print_record
from onehop.config import AuditConfig, ToolsConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.runs.ledger import LedgerLine, ledger
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = """
import asyncio

from onehop import tool
from onehop.tools import ToolFailed

@tool
async def pay(to: str) -> str:
    return to

@tool
async def note(text: str) -> str:
    if text == "fail":
        raise ToolFailed("it broke on the way")
    if text == "hang":
        await asyncio.sleep(60)
    return text

@tool(effect="read")
async def find(name: str) -> str:
    return name
"""
WORLD = """
const pay = (to) => tools.pay({ to }).catch((e) => e.code);
await tools.find({ name: 'ada' });
await Promise.all([pay('ada'), pay('bob'), pay('cleo')]);
await tools.note({ text: 'well' });
await tools.note({ text: 'fail' }).catch(() => null);
await tools.note({ wrong: 1 }).catch(() => null);
return tools.note({ text: 'gone' }).catch(() => null);
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def executor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Executor]:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "shop.py").write_text(SHOP)
    tools = ToolsConfig(
        files=(str(folder / "shop.py"),),
        ask=("pay",),
        rules=("deny note when text == 'gone'",),
        approvals=True,
    )
    audit = AuditConfig(store=f"sqlite:///{folder / 'onehop.db'}", journal=str(folder / "journal"))
    async with open_executor(audit=audit, tools=tools) as made:
        yield made


async def record_of(executor: Executor, request_id: str) -> ExecutionRecord:
    async def kept() -> ExecutionRecord | None:
        return await executor.store.get(request_id)

    assert await executor.flush()
    found: ExecutionRecord = await soon(kept)
    return found


async def decide_all(executor: Executor, **decisions: Any) -> None:
    async def waiting() -> Any:
        found = await executor.sandbox.approvals()
        return found if len(found) == len(decisions) else None

    found = await soon(waiting)
    await executor.sandbox.decide(found[0].run_id, decisions, by="ann")


async def test_each_call_says_what_became_of_it_and_who_decided(
    executor: Executor, capsys: pytest.CaptureFixture[str]
) -> None:
    running = asyncio.create_task(executor.execute(WORLD, agent_id="eve", request_id="world"))
    await decide_all(
        executor, call_2=Approve(), call_3=Reject("not bob"), call_4=Edit({"to": "dora"})
    )
    result = await running
    assert result.success, result.error
    lines = ledger((await record_of(executor, "world")).details)
    assert [(line.tool, line.state, line.decision, line.by) for line in lines] == [
        ("find", "read", None, None),
        ("pay", "applied", "approved", "ann"),
        ("pay", "not applied", "denied", "ann"),
        ("pay", "applied", "edited", "ann"),
        ("note", "applied", None, None),
        ("note", "unknown", None, None),
        ("note", "not applied", None, None),
        ("note", "not applied", None, None),
    ]
    assert lines[2].reason == "not bob"
    assert all(line.at for line in lines[1:4])
    assert (await verify(executor.store)).ok
    await print_record(executor.store, "world", utc=True)
    shown = " ".join(capsys.readouterr().out.partition("What it did to the world")[2].split())
    assert "call_2 pay write applied approved by ann (rule ask pay)" in shown
    assert "denied by ann: not bob (rule ask pay)" in shown
    assert "1 call only read" in shown
    assert '"level"' not in shown  # of validation, which blocked nothing


async def test_a_run_that_is_cancelled_in_a_write_says_so(executor: Executor) -> None:
    code = "await tools.note({ text: 'well' }); return tools.note({ text: 'hang' })"
    running = asyncio.create_task(executor.execute(code, agent_id="eve", request_id="cancelled"))
    started: list[Any] = []
    heard = executor.bus.subscribe(started.append, types=["code:tool:started"])
    await soon(lambda: len(started) == 2)
    heard.close()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    lines = ledger((await record_of(executor, "cancelled")).details)
    assert [line.state for line in lines] == ["applied", "unknown"]


async def test_who_changes_a_decision_in_the_store_is_found_out(executor: Executor) -> None:
    record = await record_of(executor, "world")
    said = record.details["toolDecisions"]
    forged = {**said, "call_3": {**said["call_3"], "decision": "approved"}}
    changed = record.model_copy(update={"details": {**record.details, "toolDecisions": forged}})
    assert record.hash == record.compute_hash()
    assert changed.compute_hash() != record.hash


OLD = {"id": "call_1", "tool": "crm.pay", "effect": "write", "rule": "ask crm.*"}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        ("ok", "applied"),
        ("denied", "not applied"),
        ("cancelled", "not applied"),
        ("failed", "unknown"),
        ("unknown", "unknown"),
    ],
)
async def test_records_from_before_are_read_by_their_outcome(outcome: str, state: str) -> None:
    (line,) = ledger({"toolCalls": [{**OLD, "outcome": outcome}]})
    assert line.state == state


@pytest.mark.parametrize(
    "details",
    [None, 7, {"toolCalls": 7}, {"toolCalls": [7, {}]}, {"toolCalls": [OLD], "toolDecisions": 7}],
)
async def test_what_was_tampered_with_is_still_read(details: Any) -> None:
    assert all(isinstance(line, LedgerLine) for line in ledger(details))
