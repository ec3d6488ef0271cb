"""Runs that are made again after their server died: what they say of their calls is true, whatever
became of the rules, the tools and the log meanwhile."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from onehop import ExecutionResult
from onehop.config import RecordingConfig
from onehop.events import CODE_EXECUTION_FAILED, Event
from onehop.execution.executor import Executor
from onehop.execution.keeping import Keeper
from onehop.runs.decisions import Approval, ApprovalStatus
from onehop.runs.kept import KeptRun, RunChange
from onehop.runs.ledger import LedgerLine, ledger
from onehop.sandbox.recordings import Answered, Intended, Made, Outgrown, RunLog
from onehop.server.agents import Agents
from onehop.stores.base import EventQuery
from onehop.types import ToolCall
from tests.approvals.test_pauses import KEY, MADE, server
from tests.waiting import soon

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAY = "await tools.pay({ to: 'ada', amount: 6 })"
CAUGHT = f"try {{ return {PAY} }} catch (e) {{ return [e.code, e.effect, e.retryable] }}"
Log = list[Intended | Made | Answered | Outgrown]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("again")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(folder: Path) -> AsyncIterator[Executor]:
    async with server(folder) as executor:
        yield executor


@pytest.fixture(autouse=True)
def nothing_made() -> None:
    MADE.clear()


async def paused(shop: Executor, code: str, name: str, agent: str = "ada") -> ExecutionResult:
    result = await shop.execute(code, agent_id=agent, request_id=name)
    assert result.status == "paused", result.error
    return result


async def died(
    shop: Executor,
    name: str,
    decision: dict[str, Any],
    entries: Log,
    *,
    cut: Path | None = None,
) -> None:
    """Another server has gone on with the run after the decision, written these entries, and died;
    where the store is a file, somebody has ``cut`` the last part of its log."""
    store, now = shop.store, time.time_ns() // 1_000_000
    (found,) = await store.kept_runs(request_id=name, limit=1)
    kept = await store.claim_run(found.run_id, "dead", now, now + 60_000)
    assert kept is not None
    keeper = Keeper(store, RecordingConfig(key=SecretStr(KEY)), 60)
    _program, script = await keeper.open(kept)
    assert keeper.sealer is not None
    log = RunLog(store, keeper.sealer, kept, 1 << 20, script.place)
    for call_id, said in decision.items():
        await store.decide_approval(kept.run_id, call_id, by="ann", now=now, **said)
    for entry in entries:
        await log.keep(entry)
    if cut is not None:
        with sqlite3.connect(cut) as connection:
            last = "SELECT max(number) FROM run_parts WHERE run_id = ? AND fence = ?"
            gone = f"DELETE FROM run_parts WHERE run_id = ? AND fence = ? AND number = ({last})"
            place = (kept.run_id, kept.fence)
            assert connection.execute(gone, place * 2).rowcount == 1
    await store.change_run(kept.run_id, kept.fence, RunChange(lease_until=0))


async def line_of(shop: Executor, name: str, agent: str = "ada") -> list[LedgerLine]:
    await shop.flush()
    record = await shop.store.get(name, agent)
    assert record is not None
    return ledger(record.details)


async def asked_again(shop: Executor, name: str) -> Approval:
    approver = shop.sandbox.approver
    assert approver is not None

    async def found() -> list[Approval]:
        waiting = await approver.pending(limit=1000)
        return [e for e in waiting if e.request_id == name and "again" in e.call_id]

    approvals: list[Approval] = await soon(found)
    return approvals[0]


async def decided(shop: Executor, approval: Approval, status: ApprovalStatus) -> None:
    now = time.time_ns() // 1_000_000
    await shop.store.decide_approval(approval.run_id, approval.call_id, status, by="bob", now=now)


APPROVED = {"call_1": {"status": "approved"}}


async def test_a_rule_that_now_denies_a_call_does_not_say_that_it_was_not_made(
    shop: Executor,
) -> None:
    await Agents(shop.store).add("eve")
    await paused(shop, CAUGHT, "deny", "eve")
    await Agents(shop.store).set_rules("eve", [{"action": "deny", "tool": "pay"}])
    await died(shop, "deny", APPROVED, [Intended(1)])
    result = await shop.wait("deny", 30_000, agent_id="eve")
    assert result.output == ["denied", "unknown", False], result.error
    (line,) = await line_of(shop, "deny", "eve")
    assert (line.state, line.decision, line.by) == ("unknown", "approved", "ann")
    found = await shop.store.events(EventQuery(request_id="deny"))
    kinds = [each.event.event_type for each in found]
    assert kinds.count("code:approval:decided") == 1


async def test_a_call_that_waits_again_when_the_run_ends_stays_unknown(shop: Executor) -> None:
    race = (
        f"{PAY}; return await Promise.race([tools.note({{ text: 'W' }}), "
        "tools.find({ name: 'x', slow: 0.02 })])"
    )
    await paused(shop, race, "race")
    made = ToolCall(
        id="call_1",
        tool="pay",
        outcome="ok",
        effect="write",
        duration=1,
        queued=0,
        bytes_in=1,
        bytes_out=4,
        arguments_hash="",
        change="applied",
    )
    answer = Answered(1, 0.0, '"ok"', None, made.model_dump(by_alias=True))
    schema = (await _schema(shop))["note"]
    note = Made(2, "call", "note", _digest({"text": "W"}), "call_2", schema)
    await died(shop, "race", APPROVED, [Intended(1), answer, note, Intended(2)])
    result = await shop.wait("race", 30_000, agent_id="ada")
    if result.status == "paused":  # on a busy machine the call that reads is late
        await decided(shop, await asked_again(shop, "race"), "denied")
        result = await shop.wait("race", 30_000, agent_id="ada")
    assert result.output == "x is here", result.error
    states = {line.tool: line.state for line in await line_of(shop, "race")}
    assert states == {"pay": "applied", "note": "unknown", "find": "read"}
    assert MADE == [("find", "x")]


async def test_an_edited_call_is_asked_about_again_with_what_it_was_sent_with(
    shop: Executor,
) -> None:
    await paused(shop, CAUGHT, "edit")
    given = {"to": "bob", "amount": 1}
    edited = {"call_1": {"status": "edited", "edited": json.dumps(given)}}
    await died(shop, "edit", edited, [Intended(1)])
    approval = await asked_again(shop, "edit")
    assert json.loads(approval.arguments) == given
    await decided(shop, approval, "approved")
    result = await shop.wait("edit", 30_000, agent_id="ada")
    assert result.output == "bob has 1 more", result.error
    await shop.flush()
    record = await shop.store.get("edit", "ada")
    assert record is not None
    assert record.details["toolArguments"] == {"call_1": given}
    told = record.details["toolDecisions"]
    assert [each["by"] for each in told.values()] == ["ann", "bob"]


async def test_a_run_that_has_outgrown_its_recording_is_not_made_again(shop: Executor) -> None:
    await paused(shop, CAUGHT, "large")
    await died(shop, "large", APPROVED, [Outgrown(), Intended(1)])
    await soon(lambda: _ended(shop, "large"))
    (line,) = await line_of(shop, "large")
    assert (line.tool, line.state, line.by) == ("pay", "unknown", "ann")
    record = await shop.store.get("large", "ada")
    assert record is not None
    assert "was answered more than is kept" in (record.error or "")
    assert MADE == []


@pytest.mark.sample(1)
@pytest.mark.parametrize("times", [1, 2])
async def test_a_run_that_nobody_can_make_again_is_announced_as_failed_once(
    shop: Executor, times: int
) -> None:
    """Twice: its server dies after it has told, and before the store knows that the run is over."""
    name = f"told {times}"
    heard: list[Event] = []
    subscription = shop.bus.subscribe(heard.append, types={CODE_EXECUTION_FAILED})
    await paused(shop, CAUGHT, name)
    await died(shop, name, APPROVED, [Outgrown(), Intended(1)])

    async def buried() -> KeptRun | None:
        (kept,) = await shop.store.kept_runs(request_id=name, limit=1)
        return kept if kept.phase == "ended" else None

    kept: KeptRun = await soon(buried)
    for _again in range(1, times):
        back = RunChange(phase="resuming", lease_until=0)
        assert await shop.store.change_run(kept.run_id, kept.fence, back)
        await soon(buried)
    await shop.flush()
    wanted = EventQuery(request_id=name, event_types=frozenset({CODE_EXECUTION_FAILED}))
    (stored,) = await shop.store.events(wanted)
    assert "was answered more than is kept" in stored.event.to_dict()["data"]["error"]
    await subscription.drained()
    subscription.close()
    assert {each.event_id for each in heard if each.request_id == name} == {stored.event.event_id}


async def test_a_log_whose_end_was_cut_off_is_refused(shop: Executor, folder: Path) -> None:
    await paused(shop, CAUGHT, "cut")
    sleep = Made(2, "sleep", "", "1")
    await died(shop, "cut", APPROVED, [sleep, Intended(1)], cut=folder / "runs.db")
    await soon(lambda: _ended(shop, "cut"))
    record = await shop.store.get("cut", "ada")
    assert record is not None
    assert "the end of what is kept of the run is missing" in (record.error or "")
    assert MADE == []


async def test_a_run_that_differs_keeps_the_calls_that_it_does_not_make_again(
    shop: Executor,
) -> None:
    await paused(shop, CAUGHT, "other")
    more = Made(2, "call", "note", "another", "call_2", "")
    await died(shop, "other", APPROVED, [more, Intended(2), Intended(1)])
    approval = await asked_again(shop, "other")
    await decided(shop, approval, "denied")
    result = await shop.wait("other", 30_000, agent_id="ada")
    assert result.error_info is None or result.error_info.type == "diverged"
    told = [(call.tool, call.change) for call in result.tool_calls or ()]
    assert told == [("pay", "unknown"), ("note", "unknown")]


async def test_a_revoked_agent_s_run_keeps_the_calls_that_it_had_made(shop: Executor) -> None:
    await Agents(shop.store).add("mal")
    await paused(shop, f"await tools.note({{ text: '1' }}); return {PAY}", "revoked", "mal")
    await Agents(shop.store).revoke("mal")
    await died(shop, "revoked", {"call_2": {"status": "approved"}}, [])
    result = await shop.wait("revoked", 30_000, agent_id="mal")
    assert result.error_info is not None
    assert result.error_info.type == "security"
    lines = await line_of(shop, "revoked", "mal")
    assert [(line.tool, line.state) for line in lines] == [
        ("note", "applied"),
        ("pay", "not applied"),
    ]


async def test_a_paused_result_does_not_say_that_its_waiting_call_was_cancelled(
    shop: Executor,
) -> None:
    result = await paused(shop, f"await tools.note({{ text: '1' }}); return {PAY}", "calm")
    assert result.warnings is None
    assert [(call.tool, call.outcome) for call in result.tool_calls or ()] == [("note", "ok")]
    await shop.flush()
    found = await shop.store.events(EventQuery(request_id="calm"))
    assert "code:tool:failed" not in {each.event.event_type for each in found}


async def _ended(shop: Executor, name: str) -> bool:
    return await shop.store.get(name, "ada") is not None


async def _schema(shop: Executor) -> dict[str, str]:
    bound = shop.sandbox.toolbox.catalogue.bound
    return {path: each.fingerprint for path, each in bound.items()}


def _digest(arguments: dict[str, Any]) -> str:
    text = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
