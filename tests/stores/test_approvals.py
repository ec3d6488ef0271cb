"""Every store keeps what waits for a person alike: one decision about each call stands."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from onehop.runs.decisions import Approval, ApprovalStatus
from onehop.stores.base import Store
from tests.stores.records import DAY
from tests.stores.test_analytics import NOW

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALL = Approval(
    run_id="run",
    call_id="call_1",
    request_id="r1",
    agent_id="ada",
    channel_id="lab",
    tool="crm.pay",
    effect="write",
    rule="ask crm.*",
    arguments='{"π": "\\u0000"}',
    arguments_hash="0" * 16,
    requested_at=NOW,
    expires_at=NOW + 30_000,
)


async def decide(store: Store, status: ApprovalStatus, call: Approval = CALL) -> Approval:
    found = await store.decide_approval(
        call.run_id, call.call_id, status, by=f"for {status}", now=NOW + 1
    )
    assert found is not None
    return found


async def test_a_call_that_waits_comes_back_as_it_was_given(store: Store) -> None:
    await store.add_approvals([CALL])
    await store.add_approvals([dataclasses.replace(CALL, tool="other")])
    assert await store.approvals() == [CALL]


async def test_calls_are_found_by_run_agent_and_state_the_oldest_first(store: Store) -> None:
    later = dataclasses.replace(CALL, call_id="call_2", requested_at=NOW + 1)
    other = dataclasses.replace(CALL, run_id="another", agent_id="bob", requested_at=NOW - 1)
    await store.add_approvals([later, CALL, other])
    assert await store.approvals() == [other, CALL, later]
    assert await store.approvals(limit=1) == [other]
    assert await store.approvals(run_id="run") == [CALL, later]
    assert await store.approvals(agent_id="bob") == [other]
    assert await store.approvals(run_id="no\0ne") == []
    await decide(store, "approved")
    assert await store.approvals(status="pending") == [other, later]


async def test_one_decision_stands_however_many_come_at_once(store: Store) -> None:
    await store.add_approvals([CALL])
    choices: list[ApprovalStatus] = ["approved", "denied", "edited", "expired"]
    stands = await asyncio.gather(*(decide(store, choice) for choice in choices * 4))
    assert len(set(stands)) == 1
    (kept,) = await store.approvals()
    assert kept == stands[0]
    assert kept.decided_by == f"for {kept.status}"
    assert kept.decided_at == NOW + 1


async def test_a_decision_has_its_reason_and_its_arguments(store: Store) -> None:
    await store.add_approvals([CALL])
    found = await store.decide_approval(
        "run", "call_1", "edited", by="ann", now=NOW, reason="less", edited='{"a": 1}'
    )
    assert found == dataclasses.replace(
        CALL, status="edited", decided_by="ann", decided_at=NOW, reason="less", edited='{"a": 1}'
    )


async def test_what_is_over_can_only_expire(store: Store) -> None:
    over = dataclasses.replace(CALL, expires_at=NOW + 1)
    await store.add_approvals([over])
    assert await decide(store, "approved") == over
    assert (await decide(store, "expired")).status == "expired"


async def test_nothing_is_decided_about_what_there_is_not(store: Store) -> None:
    assert await store.decide_approval("run", "call_1", "denied", by="a", now=NOW) is None


async def test_what_was_decided_goes_with_the_retention(store: Store) -> None:
    old = dataclasses.replace(CALL, call_id="call_2", requested_at=NOW - 31 * DAY)
    await store.add_approvals([old, CALL])
    await store.prune(NOW)
    assert await store.approvals() == [CALL]
