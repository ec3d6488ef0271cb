"""Every store keeps runs that can be made again alike: one owner at a time, known by its fence."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymongo import monitoring

from onehop.runs.decisions import Approval
from onehop.runs.kept import KeptRun, RunChange
from onehop.stores.base import Store
from tests.servers import MongoServer
from tests.stores.records import DAY, unopened
from tests.stores.test_analytics import NOW
from tests.stores.test_approvals import CALL, decide

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUN = KeptRun(
    run_id="run",
    request_id="r1",
    agent_id="ada",
    channel_id="lab",
    code_hash="0" * 16,
    created_at=NOW,
    program=bytes(range(256)),
)


def changed(**values: Any) -> KeptRun:
    return dataclasses.replace(RUN, **values)


async def test_a_run_and_its_parts_come_back_as_they_were_given(store: Store) -> None:
    assert await store.add_run(RUN)
    assert not await store.add_run(changed(agent_id="eve"))
    assert await store.kept_run("run") == RUN
    assert await store.kept_run("no\0ne") is None
    for number in range(1, 12):
        assert await store.add_run_part("run", 1, number, b"%d\0" % number)
    assert await store.run_parts("run") == [b"%d\0" % number for number in range(1, 12)]
    later = changed(run_id="run2", created_at=NOW + 1, agent_id="bob")
    assert await store.add_run(later)
    assert await store.kept_runs() == [later, RUN]
    assert await store.kept_runs(request_id="r1", agent_id="ada") == [RUN]
    assert await store.kept_runs(phase="paused") == []


async def test_a_part_that_is_given_again_stands_once(store: Store) -> None:
    await store.add_run(RUN)
    await store.add_run_part("run", 1, 1, b"first")
    for part in (b"second", b"second, and more"):
        assert await store.add_run_part("run", 1, 2, part)
    assert await store.run_parts("run") == [b"first", b"second, and more"]


async def test_one_of_many_claims_a_run_and_its_last_owner_changes_nothing_more(
    store: Store,
) -> None:
    await store.add_run(changed(phase="paused"))
    assert await store.add_run_part("run", 1, 1, b"first")
    claims = [store.claim_run("run", f"server {n}", NOW, NOW + 1000) for n in range(8)]
    (claimed,) = [each for each in await asyncio.gather(*claims) if each is not None]
    assert (claimed.phase, claimed.fence, claimed.lease_until) == ("resuming", 2, NOW + 1000)
    assert not await store.add_run_part("run", 1, 2, b"stale")
    assert not await store.change_run("run", 1, RunChange(phase="ended"))
    assert await store.add_run_part("run", 2, 1, b"second")
    assert await store.change_run("run", 2, RunChange(wake=True, lease_until=NOW))
    assert (await store.run_parts("run"))[0] == b"first"
    assert (await store.run_parts("run"))[-1] == b"second"
    again = await store.claim_run("run", "another", NOW, NOW + 1000)
    assert again is not None
    assert again.fence == 3
    assert await store.change_run("run", 3, RunChange(phase="ended", lease_until=0))
    assert await store.claim_run("run", "another", NOW + 2000, NOW + 3000) is None


async def test_what_can_go_on_is_what_was_decided_expired_or_begun_and_is_nobodys(
    store: Store,
) -> None:
    far = NOW + DAY
    for name, run in {
        "waits": changed(phase="paused", expires_at=far),
        "expired": changed(phase="paused", expires_at=NOW),
        "lost": changed(phase="resuming", expires_at=far, lease_until=NOW),
        "held": changed(phase="held", expires_at=far, lease_until=NOW + 1),
        "running": changed(wake=True),
        "ended": changed(phase="ended", wake=True),
    }.items():
        await store.add_run(dataclasses.replace(run, run_id=name))
    assert sorted(await store.resumable_runs(NOW, 10)) == ["expired", "lost"]
    call: Approval = dataclasses.replace(CALL, run_id="waits")
    await store.add_approvals([call])
    await store.decide_approval("waits", call.call_id, "approved", by="ann", now=NOW)
    assert sorted(await store.resumable_runs(NOW, 10)) == ["expired", "lost", "waits"]
    assert sorted(await store.resumable_runs(NOW + 1, 10)) == ["expired", "held", "lost", "waits"]
    assert len(await store.resumable_runs(NOW, 1)) == 1


async def test_a_lease_from_before_the_clock_was_put_back_is_over(store: Store) -> None:
    await store.add_run(changed(phase="held", expires_at=NOW + DAY, lease_until=NOW + DAY))
    assert await store.resumable_runs(NOW, 10) == [RUN.run_id]
    assert await store.claim_run(RUN.run_id, "another", NOW, NOW + 1000) is not None


async def test_the_retention_never_takes_what_a_paused_run_needs(store: Store) -> None:
    old = {"created_at": NOW - 60 * DAY, "lease_until": 0}
    runs = {
        "paused": changed(phase="paused", **old),
        "over": changed(phase="ended", keep_until=NOW, **old),
        "kept": changed(phase="ended", keep_until=NOW + 1, **old),
        "lost": changed(phase="running", **old),
        "new": changed(phase="running"),
    }
    for name, run in runs.items():
        await store.add_run(dataclasses.replace(run, run_id=name))
        await store.add_run_part(name, 1, 1, b"part")
    await store.prune(NOW)
    assert sorted(run.run_id for run in await store.kept_runs()) == ["kept", "new", "paused"]
    assert await store.run_parts("paused") == [b"part"]
    assert await store.run_parts("over") == []


async def test_a_decision_that_is_written_while_a_run_is_put_down_wakes_it(
    mongodb_server: MongoServer,
) -> None:
    """Elsewhere it is one transaction with the waking."""
    url = mongodb_server.create("put_down")
    between = _Between()
    monitoring.register(between)
    async with opened(url) as store:
        await store.add_run(changed(phase="held", expires_at=NOW + DAY))
        await store.add_approvals([CALL])
        seen: list[bool] = []
        between.act = lambda: seen.append(_elsewhere(_put_down_at(url)))
        await decide(store, "approved")
        assert seen == [False]
        assert await store.resumable_runs(NOW, 100) == ["run"]


class _Between(monitoring.CommandListener):
    """Acts once, just before the next change of a decision is sent."""

    act: Callable[[], None] | None = None

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if self.act is not None and event.command.get("update") == "approvals":
            act, self.act = self.act, None
            act()

    def succeeded(self, _event: monitoring.CommandSucceededEvent) -> None: ...
    def failed(self, _event: monitoring.CommandFailedEvent) -> None: ...


def _elsewhere(coroutine: Coroutine[Any, Any, bool]) -> bool:
    """In a thread with an event loop of its own, as if in another process."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, coroutine).result(30)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Store]:
    store = unopened(url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


async def _put_down_at(url: str) -> bool:
    async with opened(url) as store:
        return await _put_down(store)


async def _put_down(store: Store) -> bool:
    """As an executor does when it has ended the worker; whether it has seen the decision."""
    await store.change_run("run", 1, RunChange(phase="resuming", wake=False))
    (asked,) = await store.approvals(run_id="run")
    await store.change_run("run", 1, RunChange(phase="paused", lease_until=0))
    return asked.status != "pending"


async def test_a_decision_wakes_its_run_also_when_whoever_made_it_is_gone_at_once(
    store: Store,
) -> None:
    for number in range(20):
        run = changed(run_id=f"run{number}", phase="paused", expires_at=NOW + DAY)
        call = dataclasses.replace(CALL, run_id=run.run_id)
        await store.add_run(run)
        await store.add_approvals([call])
        deciding = asyncio.create_task(decide(store, "approved", call))
        await asyncio.wait({deciding}, timeout=number * 0.0002)
        deciding.cancel()
        await asyncio.wait({deciding})
        (asked,) = await store.approvals(run_id=run.run_id)
        ready = await store.resumable_runs(NOW, 100)
        assert asked.status == "pending" or run.run_id in ready
