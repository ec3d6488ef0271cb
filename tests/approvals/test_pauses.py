"""Runs that wait for people longer than a worker is held: paused, and made again up to where they
were, by any server, with each call sent once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from onehop import ExecutionResult, SandboxConfig, tool
from onehop.config import AnalyticsConfig, AuditConfig, RecordingConfig, ToolsConfig
from onehop.errors import RunNotFoundError, StoreUnavailableError
from onehop.execution._names import Names
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.execution.keeping import Keeper
from onehop.runs.callers import Caller
from onehop.runs.decisions import Approve, Decision, Edit, Reject
from onehop.runs.kept import RunChange
from onehop.server.agents import Agents
from onehop.telemetry import Metrics
from tests.servers import PostgresServer
from tests.waiting import soon

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
        "recording": RecordingConfig(key=SecretStr(KEY)),
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


@pytest.mark.thorough
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


async def test_another_server_goes_on_with_what_the_first_has_paused(tmp_path: Path) -> None:
    async with server(tmp_path) as executor:
        paused = await executor.execute(CODE, agent_id="ada", request_id="r1")
    assert paused.status == "paused"
    async with server(tmp_path) as executor:
        again = await executor.execute(CODE, agent_id="ada", request_id="r1")
        assert (again.status, again.approvals) == ("paused", paused.approvals)
        assert MADE == [("find", "ada"), ("note", "ada is here")]
        await decide(executor, paused, Edit({"to": "bob", "amount": 1}))
        result = await executor.wait("r1", 20_000, agent_id="ada")
        assert result.output["paid"] == "bob has 1 more"
        assert paused.approvals is not None
        run_id = paused.approvals[0].run_id
        assert await executor.wait(run_id, 20_000, agent_id="ada") == result
        with pytest.raises(RunNotFoundError):
            await executor.wait(run_id, 0, agent_id="eve")
        assert [call.outcome for call in result.tool_calls or ()] == ["ok"] * 4
        assert await executor.execute("return 0", agent_id="ada", request_id="r1") == result
        await executor.flush()
        record = await executor.store.get("r1", "ada")
        assert record is not None
        assert record.details["resumed"] == 1
        assert await executor.store.kept_runs(phase="paused") == []
    assert MADE.count(("pay", "bob")) == 1


@pytest.mark.thorough
async def test_a_server_that_was_asked_meanwhile_does_not_begin_what_another_has_paused(
    tmp_path: Path, postgresql_server: PostgresServer
) -> None:
    url = postgresql_server.create("paused")
    folders = tmp_path / "one", tmp_path / "two"
    async with server(folders[0], store=url) as one, server(folders[1], store=url) as two:
        asked = [each.execute(CODE, agent_id="ada", request_id="r1") for each in (one, two)]
        paused = await asyncio.gather(*asked)
        assert [each.status for each in paused] == ["paused"] * 2
        assert MADE == [("find", "ada"), ("note", "ada is here")]
        await decide(two, paused[1], Approve())
        results = [await each.wait("r1", 20_000, agent_id="ada") for each in (one, two)]
        assert results[0].output == results[1].output
    assert MADE.count(("pay", "ada")) == 1


@pytest.mark.thorough
async def test_a_pause_that_the_store_does_not_hear_of_is_answered_and_the_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onehop.execution.keeping.LEASE", 1.0)
    async with server(tmp_path) as executor:
        change, refused = executor.store.change_run, list[str]()

        async def silent(run_id: str, fence: int, wanted: RunChange) -> bool:
            if wanted.phase is not None and wanted.phase != "held" and not refused:
                refused.append(wanted.phase)
                raise StoreUnavailableError("the store", "it is silent")
            return await change(run_id, fence, wanted)

        monkeypatch.setattr(executor.store, "change_run", silent)
        asked = [executor.execute(CODE, agent_id="ada", request_id="r1") for _ in range(2)]
        async with asyncio.timeout(30):
            answers = await asyncio.gather(*asked)
        assert refused
        assert [each.status for each in answers] == ["paused"] * 2
        again = await executor.execute(CODE, agent_id="ada", request_id="r1")
        await decide(executor, again, Approve())
        result = await executor.wait("r1", 30_000, agent_id="ada")
        assert result.status == "completed", result.error
    assert MADE.count(("pay", "ada")) == 1


@pytest.mark.thorough
async def test_a_run_that_goes_on_is_counted_like_any_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    async with server(tmp_path, watchers=[metrics]) as executor:
        paused = await executor.execute(CODE, agent_id="ada", request_id="r1")
        await decide(executor, paused, Approve())
        result = await executor.wait("r1", 30_000, agent_id="ada")
        assert result.success
        state = await executor.state()
        wanted = 'onehop_executions_total{language="javascript",outcome="completed"} 1.0'
        await soon(lambda: wanted in metrics.render(state)[0].decode(), "it is counted")
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_what_may_have_written_before_is_not_run_while_nobody_can_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> None:
        raise StoreUnavailableError("the store", "it is silent")

    code = 'return tools.find({ name: "ada" })'
    async with server(tmp_path) as executor:
        monkeypatch.setattr(executor.store, "get", silent)
        with pytest.raises(StoreUnavailableError, match="whether this request id has run before"):
            await executor.execute(code, agent_id="ada", request_id="r1")
        assert not MADE
        reads = await executor.execute(code, agent_id="ada", request_id="r2", tools=["find"])
        assert reads.success
        assert reads.warnings
        unnamed = await executor.execute(code, agent_id="ada")
        assert unnamed.success


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


async def resumed(
    folder: Path, code: str, *decisions: Decision, hold: int = 300, **run: Any
) -> ExecutionResult:
    """The result of a run that is paused at one server and goes on at another one."""
    async with server(folder, hold=hold) as executor:
        paused = await executor.execute(code, agent_id="ada", **run)
        assert paused.status == "paused", (paused.error, paused.output)
        assert paused.request_id is not None
    async with server(folder) as executor:
        await decide(executor, paused, *decisions)
        return await executor.wait(paused.request_id, 30_000, agent_id="ada")


async def test_concurrent_calls_and_their_order_come_again(shared: Path) -> None:
    code = """
    const order = [];
    const slow = (name, slow) => tools.find({ name, slow }).then((v) => (order.push(name), v));
    const first = await Promise.race([slow("c", 0.2), slow("a", 0), slow("b", 0.1)]);
    const all = await Promise.all(
      [0.06, 0.03, 0].map((s, i) => slow(`x${i}`, s).then(() => order.length)),
    );
    const winner = await Promise.race([
      new Promise((done) => setTimeout(done, 50, "timer")),
      tools.find({ name: "late", slow: 0.3 }),
    ]);
    const other = await Promise.race([
      new Promise((done) => setTimeout(done, 900, "timer")),
      tools.find({ name: "early", slow: 0.01 }),
    ]);
    const ticks = await new Promise((done) => {
      const seen = [];
      const id = setInterval(() => {
        seen.push(Date.now());
        if (seen.length === 3) { clearInterval(id); done(seen); }
      }, 5);
    });
    const before = JSON.stringify([first, all, winner, other, order, ticks, Math.random()]);
    console.log(before);
    return [before, await tools.pay({ to: "ada", amount: 2 })];
    """
    async with server(shared) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="order")
        assert paused.status == "paused", paused.error
        assert '"timer","early is here"' in paused.logs[0]
        await decide(executor, paused, Approve())
        result = await executor.wait("order", 30_000, agent_id="ada")
    assert result.output == [paused.logs[0], "ada has 2 more"], (paused.logs, result)
    assert result.logs == paused.logs
    assert len(MADE) == 9


@pytest.mark.thorough
async def test_a_denied_call_can_be_caught_after_the_pause(shared: Path) -> None:
    code = """
    try { await tools.pay({ to: "ada", amount: 3 }); } catch (e) { return [e.code, e.message]; }
    """
    result = await resumed(shared, code, Reject("not today"))
    assert result.output == ["denied", "a person denied pay: not today"]
    assert MADE == []


async def test_calls_that_wait_together_are_decided_together_or_one_by_one(shared: Path) -> None:
    code = """
    const pay = (to) => tools.pay({ to, amount: 1 }).catch((e) => e.code);
    return await Promise.all([pay("a"), pay("b"), pay("c")]);
    """
    async with server(shared) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="three")
        assert paused.approvals is not None
        assert len(paused.approvals) == 3
        run_id = paused.approvals[0].run_id
        approver = executor.sandbox.approver
        assert approver is not None
        await approver.decide(run_id, {paused.approvals[1].call_id: Reject("no")}, by="ann")
        again = await executor.wait("three", 4_000, agent_id="ada")
        assert again.status == "paused"
        assert [each.call_id for each in again.approvals or ()] == ["call_1", "call_3"]
        await decide(executor, again, Approve(), Approve())
        result = await executor.wait("three", 30_000, agent_id="ada")
    assert result.output == ["a has 1 more", "denied", "c has 1 more"]
    assert sorted(MADE) == [("pay", "a"), ("pay", "c")]


MANY = """
from onehop import tool

FOUND = []

@tool(effect="read")
async def find(name: str) -> str:
    FOUND.append(name)
    return f"{name} is here"

@tool
async def pay(to: str, amount: float) -> list:
    return ["paid", len(FOUND)]
"""


@pytest.mark.thorough
async def test_a_run_of_500_calls_goes_on_where_it_was(shared: Path) -> None:
    code = """
    let sum = 0;
    for (let i = 0; i < 50; i++) {
      const ten = Array.from({ length: 10 }, (_, j) => tools.find({ name: `n${i}-${j}` }));
      for (const text of await Promise.all(ten)) sum += text.length;
    }
    return [sum, await tools.pay({ to: "ada", amount: 9 })];
    """
    (shared / "many.py").write_text(MANY)
    tools = ToolsConfig(
        files=(str(shared / "many.py"),), ask=("pay",), approvals=True, hold=300, max_calls=600
    )
    async with server(shared, tools=tools, rules=()) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="many")
        assert paused.status == "paused", paused.error
        assert len(paused.tool_calls or ()) == 500
        await decide(executor, paused, Approve())
        result = await executor.wait("many", 30_000, agent_id="ada")
    assert result.error is None
    assert result.output[1] == ["paid", 500]
    assert len(result.tool_calls or ()) == 501


@pytest.mark.thorough
async def test_what_nobody_decides_expires_after_the_pause(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEHOP_TOOLS_DECIDE_WITHIN", "1500")
    code = "return await tools.pay({ to: 'ada', amount: 1 }).catch((e) => [e.code, e.message])"
    async with server(shared) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="old")
        assert paused.status == "paused"
        result = await executor.wait("old", 30_000, agent_id="ada")
    words = "nobody decided about pay within 1.5 s: go on without this call, or ask again later"
    assert result.output == ["expired", words]


@pytest.mark.thorough
async def test_a_program_that_does_something_else_again_ends_as_diverged(shared: Path) -> None:
    code = "return await tools.pay({ to: 'ada', amount: 4 })"
    async with server(shared) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="changed")

    @tool
    def pay(to: str, amount: float, why: str = "") -> str:
        """Pay somebody, in another way."""
        MADE.append(("pay", why))
        return "paid"

    async with server(shared, tools=[pay]) as executor:
        await decide(executor, paused, Approve())
        result = await executor.wait("changed", 30_000, agent_id="ada")
    assert (result.success, result.status) == (False, "failed")
    assert result.error_info is not None
    assert result.error_info.type == "diverged"
    assert "at step 1 it was: a call of pay" in result.error_info.message
    assert "which was changed or is gone" in result.error_info.message
    assert MADE == []


async def test_what_may_come_out_differently_is_made_once(shared: Path) -> None:
    code = """
    const key = { name: "ECDSA", namedCurve: "P-256" };
    const hex = await $once("key", async () => {
      const { publicKey } = await crypto.subtle.generateKey(key, true, ["sign"]);
      return [...new Uint8Array(await crypto.subtle.exportKey("raw", publicKey))];
    });
    await tools.note({ text: hex.join() });
    console.log(hex.join());
    return [hex.join(), await tools.pay({ to: "ada", amount: 5 })];
    """
    async with server(shared) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="once")
        assert paused.status == "paused", paused.error
        await decide(executor, paused, Approve())
        result = await executor.wait("once", 30_000, agent_id="ada")
    assert result.output == [paused.logs[0], "ada has 5 more"], result.error
    assert [("note", paused.logs[0]), ("pay", "ada")] == MADE


async def test_a_server_that_stops_pauses_what_waits(tmp_path: Path) -> None:
    async with server(tmp_path, hold=60_000) as executor:
        running = asyncio.create_task(executor.execute(CODE, agent_id="ada", request_id="r1"))
        approver = executor.sandbox.approver
        assert approver is not None
        await soon(approver.pending)
        executor.pause()
        paused = await running
        assert paused.status == "paused"
    async with server(tmp_path) as executor:
        await decide(executor, paused, Approve())
        assert (await executor.wait("r1", 30_000, agent_id="ada")).success
    assert MADE.count(("pay", "ada")) == 1


async def test_a_revoked_agent_and_a_rule_that_now_denies_stop_a_paused_run(
    tmp_path: Path,
) -> None:
    code = "return await tools.pay({ to: 'ada', amount: 7 }).catch((e) => [e.code, e.message])"
    async with server(tmp_path) as executor:
        agents = Agents(executor.store)
        await agents.add("ada")
        await agents.add("bob")
        first = await executor.execute(code, agent_id="ada", request_id="r1")
        second = await executor.execute(code, agent_id="bob", request_id="r2")
        await agents.revoke("ada")
        await agents.set_rules("bob", [{"action": "deny", "tool": "pay"}])
        await decide(executor, first, Approve())
        await decide(executor, second, Approve())
        revoked = await executor.wait("r1", 30_000, agent_id="ada")
        denied = await executor.wait("r2", 30_000, agent_id="bob")
    assert revoked.error_info is not None
    assert (revoked.status, revoked.error_info.type) == ("failed", "security")
    assert denied.output == ["denied", "a rule denies pay: deny pay"]
    assert MADE == []


async def test_a_server_with_another_key_leaves_a_paused_run_alone(tmp_path: Path) -> None:
    code = "return await tools.pay({ to: 'ada', amount: 8 })"
    async with server(tmp_path) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="r1")
        (kept,) = await executor.store.kept_runs()
        parts = await executor.store.run_parts(kept.run_id)
        assert not any(b"ada" in part for part in [kept.program, *parts])
    other = RecordingConfig(key=SecretStr("quite another key than that"))
    async with server(tmp_path, recording=other) as executor:
        await decide(executor, paused, Approve())
        assert (await executor.wait("r1", 3_000, agent_id="ada")).status == "paused"
    assert MADE == []
    async with server(tmp_path) as executor:
        assert (await executor.wait("r1", 30_000, agent_id="ada")).output == "ada has 8 more"


async def test_of_two_servers_with_different_keys_only_the_one_that_paused_a_run_goes_on_with_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    code = "return await tools.pay({ to: 'ada', amount: 9 })"
    other = RecordingConfig(key=SecretStr("quite another key than that"))
    async with server(tmp_path, recording=other) as second:
        async with server(tmp_path) as first:
            paused = await first.execute(code, agent_id="ada", request_id="r1")
        with caplog.at_level(logging.WARNING):
            await decide(second, paused, Approve())
            await soon(lambda: "only a server that has it goes on with it" in caplog.text)
        assert "was sealed with another key" in caplog.text
        assert "ONEHOP_RECORDING_KEY" in caplog.text
        assert (await second.wait("r1", 0, agent_id="ada")).status == "paused"
        assert MADE == []
        async with server(tmp_path) as first:
            for each in (first, second):
                assert (await each.wait("r1", 30_000, agent_id="ada")).output == "ada has 9 more"
    assert MADE == [("pay", "ada")]


async def test_a_paused_run_that_was_tampered_with_ends_and_sends_nothing(tmp_path: Path) -> None:
    code = "await tools.find({ name: 'a' }); return await tools.pay({ to: 'ada', amount: 8 })"
    async with server(tmp_path) as executor:
        paused = await executor.execute(code, agent_id="ada", request_id="r1")
        (kept,) = await executor.store.kept_runs()
        (part, *_) = await executor.store.run_parts(kept.run_id)
        changed = part[:-1] + bytes([part[-1] ^ 1])
        assert await executor.store.add_run_part(kept.run_id, kept.fence, 9, changed)
        await decide(executor, paused, Approve())
        result = await executor.wait("r1", 30_000, agent_id="ada")
    assert (result.success, result.status) == (False, "failed")
    assert "it was changed since it was sealed" in (result.error or "")
    assert MADE == [("find", "a")]


@pytest.mark.thorough
async def test_a_run_that_another_server_has_ended_is_waited_for_until_its_record_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = f"sqlite:///{tmp_path / 'runs.db'}"
    async with server(tmp_path / "one", store=store) as one:
        paused = await one.execute(CODE, agent_id="ada", request_id="r1")
    async with server(tmp_path / "two", store=store) as two:
        held, append = asyncio.Event(), two.store.append

        async def late(entries: Any) -> Any:
            await held.wait()
            return await append(entries)

        monkeypatch.setattr(two.store, "append", late)
        await decide(two, paused, Approve())
        await soon(lambda: two.store.kept_runs(phase="ended"))
        names = Names(two.store, None, Keeper(two.store, RecordingConfig(), 1), None)
        caller = Caller(agent_id="ada", request_id="r1")
        running = await names.known(caller, 0)
        assert running is not None
        assert running.status == "running"
        asking = asyncio.create_task(names.known(caller, None))
        held.set()
        found = await asking
        assert found is not None
        assert found.output["paid"] == "ada has 6 more"
        assert await names.known(Caller(agent_id="eve", request_id="r1"), 0) is None


# --- runs that another server has taken over ---


@pytest.mark.thorough
async def test_a_run_that_another_server_has_taken_over_is_not_answered_with_what_became_of_it_here(
    tmp_path: Path,
) -> None:
    async with server(tmp_path, hold=60_000) as shop:
        code = (
            "await Promise.race([tools.pay({to: 'ada', amount: 1}),"
            " tools.find({name: 'x', slow: 2})]); throw Error('mine')"
        )
        running = asyncio.create_task(shop.execute(code, agent_id="ada", request_id="taken"))

        async def held() -> list[Any]:
            return [each for each in await shop.store.kept_runs(limit=9) if each.phase == "held"]

        (kept,) = await soon(held)
        until = await shop.store.time() + 9000
        assert await shop.store.claim_run(kept.run_id, "another", kept.lease_until, until)
        result = await running
        assert (result.status, result.error) == ("paused", None)
        await shop.flush()
        assert await shop.store.get("taken", "ada") is None
