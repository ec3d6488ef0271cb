"""Calls that a rule asks about wait for a person: the first decision stands, and the code cannot
get around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from onehop import ExecutionResult, Sandbox, SandboxConfig, tool
from onehop.config import AuditConfig, ToolsConfig
from onehop.errors import ApprovalNotFoundError, InvalidRequestError, StoreUnavailableError
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.runs.decisions import Approval, Approve, Decision, Edit, Reject
from onehop.sandbox.approvals import Approvals
from onehop.stores.base import EventQuery
from onehop.stores.memory import MemoryStore
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAID: list[tuple[str, float]] = []
PAY = "return await tools.pay({ to: 'ada', amount: 6 }).catch((e) => [e.code, e.message, e.effect])"
RULES = {"ask": ["pay"], "deny": [{"tool": "pay", "when": "amount > 1000"}]}


@tool
def pay(to: str, amount: float) -> str:
    """Pay somebody."""
    PAID.append((to, amount))
    return f"{to} has {amount:g} more"


@tool(effect="read")
def find(name: str) -> str:
    """Find somebody."""
    return f"{name} is here"


@pytest.fixture(autouse=True)
def nothing_paid() -> None:
    PAID.clear()


def opened(hold: float = 20.0, **more: Any) -> Sandbox:
    approvals = Approvals(MemoryStore(), hold)
    given = {"tools": [pay, find], "rules": RULES, "approvals": approvals, **more}
    return Sandbox(SandboxConfig(pool_size=1), **given)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with opened() as box:
        yield box


async def waiting(ask: Callable[[], Awaitable[list[Approval]]], count: int = 1) -> list[Approval]:
    """So many calls, when they wait."""
    async with asyncio.timeout(20):
        while len(found := await ask()) < count:
            await asyncio.sleep(0.01)
    return found


async def decided(sandbox: Sandbox, decision: Any, code: str = PAY, **run: Any) -> ExecutionResult:
    """The result of a run whose one call got this decision."""
    running = asyncio.create_task(sandbox.execute(code, **run))
    (asked,) = await waiting(sandbox.approvals)
    await sandbox.decide(asked.run_id, {asked.call_id: decision}, by="ann")
    return await running


async def test_a_call_waits_and_is_made_when_somebody_approves(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.execute(PAY, agent_id="ada"))
    (asked,) = await waiting(sandbox.approvals)
    assert (asked.tool, asked.effect, asked.rule) == ("pay", "write", "ask pay")
    assert (asked.agent_id, asked.call_id, asked.status) == ("ada", "call_1", "pending")
    assert json.loads(asked.arguments) == {"to": "ada", "amount": 6}
    assert not PAID
    stand = await sandbox.decide(asked.run_id, {"call_1": Approve()}, by="ann")
    assert (stand["call_1"].status, stand["call_1"].decided_by) == ("approved", "ann")
    result = await running
    assert result.output == "ada has 6 more"
    assert PAID == [("ada", 6)]
    assert await sandbox.approvals() == []


async def test_a_person_may_change_the_arguments(sandbox: Sandbox) -> None:
    result = await decided(sandbox, Edit({"to": "bob", "amount": 1}))
    assert result.output == "bob has 1 more"
    assert PAID == [("bob", 1)]


async def test_a_denied_call_fails_with_the_reason(sandbox: Sandbox) -> None:
    result = await decided(sandbox, Reject("too much"))
    assert result.output == ["denied", "a person denied pay: too much", "none"]
    assert not PAID
    assert result.tool_calls is not None
    assert [(call.outcome, call.error) for call in result.tool_calls] == [("denied", "denied")]


async def test_arguments_that_the_tool_does_not_take_are_refused_and_the_call_waits_on(
    sandbox: Sandbox,
) -> None:
    running = asyncio.create_task(sandbox.execute(PAY))
    (asked,) = await waiting(sandbox.approvals)
    for wrong, told in (
        ({"to": "bob"}, "arguments.amount: got nothing; it must be a number"),
        ({"to": "bob", "amount": "1"}, 'arguments.amount: got "1"; it must be a number'),
        ({"to": 5, "amount": 1}, "arguments.to: got 5; it must be a string"),
        (
            {"to": {"a": 1}, "amount": 1},
            "arguments.to: got an object of 1 property; it must be a string",
        ),
        (
            {"to": "bob", "amount": 1, "a.b": 2},
            'arguments.a.b: got an unknown field; it must be one of "to", "amount"',
        ),
        ({"to": 1, "amount": float("nan")}, "arguments: got .*; it must be a JSON object"),
    ):
        with pytest.raises(InvalidRequestError, match=f"^{told}$"):
            await sandbox.decide(asked.run_id, {asked.call_id: Edit(wrong)}, by="ann")
    assert await sandbox.approvals() == [asked]
    await sandbox.decide(asked.run_id, {asked.call_id: Edit({"to": "b", "amount": 2})}, by="ann")
    assert (await running).output == "b has 2 more"


async def test_rules_that_deny_hold_for_a_person_too(sandbox: Sandbox) -> None:
    result = await decided(sandbox, Edit({"to": "bob", "amount": 5000}))
    assert result.output[0] == "denied"
    assert not PAID


async def test_the_first_decision_stands(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.execute(PAY))
    (asked,) = await waiting(sandbox.approvals)
    choices: list[Decision] = [
        Reject("no"),
        Approve(),
        Edit({"to": "eve", "amount": 9}),
        Reject(),
    ] * 5
    stands = await asyncio.gather(
        *(
            sandbox.decide(asked.run_id, {asked.call_id: choice}, by=f"person {number}")
            for number, choice in enumerate(choices)
        )
    )
    assert len({each[asked.call_id] for each in stands}) == 1
    await running
    again = await sandbox.decide(asked.run_id, {asked.call_id: Approve()}, by="late")
    assert again == stands[0]
    assert not PAID


async def test_calls_of_one_run_are_asked_about_together_and_decided_row_by_row(
    sandbox: Sandbox,
) -> None:
    code = """
    const ended = await Promise.allSettled([1, 2, 3].map((n) => tools.pay({ to: "x", amount: n })));
    return ended.map((each) => each.value ?? each.reason.code);
    """
    running = asyncio.create_task(sandbox.execute(code))
    asked = await waiting(sandbox.approvals, 3)
    (run_id,) = {each.run_id for each in asked}
    choices: dict[str, Decision] = {
        "call_1": Approve(),
        "call_2": Reject(),
        "call_3": Edit({"to": "y", "amount": 7}),
    }
    stand = await sandbox.decide(run_id, choices, by="ann")
    assert [each.status for each in stand.values()] == ["approved", "denied", "edited"]
    assert (await running).output == ["x has 1 more", "denied", "y has 7 more"]


async def test_a_run_that_waits_for_longer_than_its_worker_is_held_is_paused_and_goes_on() -> None:
    async with opened(0.3) as box:
        paused = await box.execute(PAY, agent_id="ada")
        assert (paused.status, paused.success, paused.output) == ("paused", True, None)
        (call,) = paused.approvals or []
        assert (call.tool, call.arguments) == ("pay", {"to": "ada", "amount": 6})
        assert paused.request_id == call.run_id
        assert (await box.wait(call.run_id, 50, agent_id="ada")).approvals == paused.approvals
        assert not PAID
        stand = await box.decide(call.run_id, {call.call_id: Approve()}, by="ann")
        assert stand[call.call_id].status == "approved"
        result = await box.wait(call.run_id, agent_id="ada")
        assert (result.status, result.output) == ("completed", "ada has 6 more")
        assert PAID == [("ada", 6)]
        assert await box.approvals() == []


async def test_a_paused_run_waits_again_and_hears_of_each_decision() -> None:
    code = """
    const answers = [];
    for (let amount = 1; amount < 4; amount++) {
      answers.push(await tools.pay({ to: "x", amount }).catch((error) => error.code));
    }
    return answers;
    """
    async with opened(0.2) as box:
        shown = await box.execute(code)
        for decision in (Approve(), Reject("no"), Edit({"to": "y", "amount": 9})):
            (call,) = await waiting(box.approvals)
            assert shown.status == "paused"
            await box.decide(call.run_id, {call.call_id: decision}, by="ann")
            shown = await box.wait(call.run_id, 300)
        result = await box.wait(call.run_id)
        assert result.output == ["x has 1 more", "denied", "y has 9 more"]


async def test_a_sandbox_that_closes_ends_paused_runs_and_takes_their_questions_back() -> None:
    store = MemoryStore()
    async with opened(approvals=Approvals(store, 0.2)) as box:
        assert (await box.execute(PAY)).status == "paused"
    for _ in range(100):
        (asked,) = await store.approvals()
        if asked.status != "pending":
            break
        await asyncio.sleep(0.05)
    assert asked.status == "expired"
    assert not PAID


async def test_what_nobody_decides_in_a_session_expires() -> None:
    async with opened(0.4) as box:
        result = await box.execute(PAY, session="s")
        assert result.output[0] == "expired"
        assert "nobody decided about pay within 0.4 s" in result.output[1]
        assert box.approver is not None
        (asked,) = await box.approver.store.approvals()
        assert (asked.status, asked.decided_by) == ("expired", None)
        late = await box.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
        assert late[asked.call_id].status == "expired"
        assert not PAID


async def test_all_waits_of_a_run_share_one_hold() -> None:
    code = """
    const codes = [];
    for (let n = 0; n < 5; n++) {
      await tools.pay({ to: "x", amount: n }).catch((error) => codes.push(error.code));
    }
    return codes;
    """
    began = asyncio.get_running_loop().time()
    async with opened(1.0) as box:
        began = asyncio.get_running_loop().time()
        result = await box.execute(code, timeout=500, session="s")
        assert result.output == ["expired"] * 5
        assert asyncio.get_running_loop().time() - began < 4


async def test_waiting_for_people_is_not_the_runs_own_time(sandbox: Sandbox) -> None:
    running = asyncio.create_task(sandbox.execute(PAY, timeout=200))
    (asked,) = await waiting(sandbox.approvals)
    await asyncio.sleep(0.5)  # longer than the deadline
    await sandbox.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
    result = await running
    assert result.output == "ada has 6 more", result.error


async def test_a_run_that_ends_takes_its_questions_back(sandbox: Sandbox) -> None:
    result = await sandbox.execute("tools.pay({ to: 'x', amount: 1 }); return 'left'")
    assert result.output == "left"
    running = asyncio.create_task(sandbox.execute(PAY))
    (asked,) = await waiting(sandbox.approvals)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await soon(lambda: sandbox.approver is not None)
    async with asyncio.timeout(10):
        while await sandbox.approvals():
            await asyncio.sleep(0.01)
    stand = await sandbox.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
    assert stand[asked.call_id].status == "expired"
    assert not PAID


@pytest.mark.parametrize(
    ("decisions", "error"),
    [
        ({}, InvalidRequestError),
        ("call_1", InvalidRequestError),
        ({"call_1": "approve"}, InvalidRequestError),
        ({"call_1": Reject("x" * 3000)}, InvalidRequestError),
        ({"call_9": Approve()}, ApprovalNotFoundError),
        ({"call_1": Approve(), "call_9": Approve()}, ApprovalNotFoundError),
    ],
)
async def test_a_wrong_decision_decides_nothing(
    sandbox: Sandbox, decisions: Any, error: type[Exception]
) -> None:
    running = asyncio.create_task(sandbox.execute(PAY))
    (asked,) = await waiting(sandbox.approvals)
    with pytest.raises(error):
        await sandbox.decide(asked.run_id, decisions, by="ann")
    with pytest.raises(InvalidRequestError):
        await sandbox.decide(asked.run_id, {"call_1": Approve()}, by="")
    with pytest.raises(ApprovalNotFoundError):
        await sandbox.decide("another run", {"call_1": Approve()}, by="ann")
    assert len(await sandbox.approvals()) == 1
    await sandbox.decide(asked.run_id, {"call_1": Reject()}, by="ann")
    await running


async def test_without_approvals_such_calls_are_blocked() -> None:
    async with opened(approvals=False) as box:
        assert (await box.execute(PAY)).output[0] == "blocked"
        assert await box.approvals() == []
        with pytest.raises(ApprovalNotFoundError):
            await box.decide("run", {"call_1": Approve()}, by="ann")


async def test_wrong_arguments_bother_nobody(sandbox: Sandbox) -> None:
    result = await sandbox.execute("return tools.pay({ to: 1, amount: 1 }).catch((e) => e.code)")
    assert result.output == "invalid_arguments"


class Away(MemoryStore):
    async def add_approvals(self, _approvals: Any) -> None:
        raise StoreUnavailableError("postgresql://db", "connection refused")


async def test_a_question_that_cannot_be_kept_fails_the_call() -> None:
    async with opened(approvals=Approvals(Away(), 20)) as box:
        assert (await box.execute(PAY)).output[0] == "unavailable"
        assert not PAID


# --- with a store


@pytest_asyncio.fixture(loop_scope="module")
async def servers(tmp_path: Path) -> AsyncIterator[list[Executor]]:
    """Two on one store."""
    (tmp_path / "shop.py").write_text(
        "from onehop import tool\n\n\n@tool\ndef pay(to: str, amount: float, password: str = '') "
        "-> str:\n    '''Pay.'''\n    return f'{to} has {amount:g} more {password}'\n"
    )
    config = ToolsConfig(
        files=(str(tmp_path / "shop.py"),), ask=("pay",), approvals=True, hold=20_000
    )
    audit = AuditConfig(
        store=f"sqlite:///{tmp_path / 'onehop.db'}", journal=str(tmp_path / "journal")
    )
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(
                open_executor(SandboxConfig(pool_size=1), audit=audit, tools=config)
            )
            for _ in range(2)
        ]


@pytest.mark.thorough
async def test_another_server_of_the_store_shows_what_waits_and_decides(
    servers: list[Executor],
) -> None:
    first, second = servers
    code = "return await tools.pay({ to: 'a', amount: 1, password: 'hunter2hunter2' })"
    running = asyncio.create_task(first.execute(code, agent_id="ada", request_id="r1"))
    (asked,) = await waiting(second.sandbox.approvals)
    assert (asked.agent_id, asked.request_id) == ("ada", "r1")
    assert "hunter2" not in asked.arguments
    await second.sandbox.decide(asked.run_id, {asked.call_id: Approve()}, by="ann")
    result = await running
    assert result.output == "a has 1 more hunter2hunter2"
    assert await first.flush()
    types = ["code:approval:requested", "code:approval:decided", "code:tool:started"]
    events = [
        stored.event
        for stored in await first.store.events(EventQuery(request_id="r1"))
        if stored.event.event_type in types
    ]
    assert [event.event_type for event in events] == types
    told = events[1].to_dict()["data"]
    assert (told["decision"], told["by"], told["runId"]) == ("approved", "ann", asked.run_id)
