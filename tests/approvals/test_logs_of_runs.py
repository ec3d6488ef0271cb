"""The log of a run and the records of its calls: what they cannot say."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, get_args

import pytest

from onehop.errors import SealedError
from onehop.runs.kept import KeptRun
from onehop.sandbox.calls import CallRecord, Met
from onehop.sandbox.recordings import Intended, Made, RunLog, Script, Sealer, read_script
from onehop.stores.base import Store
from onehop.stores.memory import MemoryStore
from onehop.types import CallChange, Effect, ToolOutcome
from onehop.workers._rest import Rest

pytestmark = [pytest.mark.unit, pytest.mark.asyncio]

SEALER = Sealer(b"a key of a test")
RUN = KeptRun(
    run_id="run",
    request_id="r1",
    agent_id="ada",
    channel_id="",
    code_hash="0" * 16,
    phase="held",
    created_at=1,
    program=b"",
)


def call(number: int) -> Made:
    return Made(number, "call", "pay", f"{number}", f"call_{number}")


async def read(store: Store, upto: int | None = None) -> Script:
    kept = await store.kept_run("run")
    assert kept is not None
    parts = await store.run_parts("run")
    return read_script("run", parts[:upto], SEALER, kept.head)


async def test_a_call_that_may_have_been_sent_never_ends_as_not_applied() -> None:
    changes: list[CallChange | None] = [None, *get_args(CallChange)]
    now: tuple[Effect, ...] = get_args(Effect)
    then: tuple[Effect, ...] = ("write", "destructive")
    for effect, sent_as, outcome, change in itertools.product(
        now, then, get_args(ToolOutcome), changes
    ):
        record = CallRecord(1, "pay")
        record.met = Met(1, "call_1", attempts=1, sent_as=sent_as)
        record.effect = effect
        record.end(outcome, None, change)
        assert record.call.change != "none"
        assert record.call.effect == sent_as
        assert record.call.outcome in ("ok", "unknown") or change == "applied"


async def test_a_run_that_outgrows_its_log_still_says_what_it_called() -> None:
    store = MemoryStore()
    log = RunLog(store, SEALER, RUN, 10_000)
    log.add(call(1))
    await log.keep(Intended(1))
    assert (await read(store)).is_whole
    for number in range(2, 5):
        log.add(call(number), 9_000)
    await log.keep(Intended(3))
    await log.aclose()
    script = await read(store)
    assert not script.is_whole
    assert sorted(script.made) == [1, 2, 3, 4]
    assert script.attempts == {1: 1, 3: 1}


async def test_a_log_without_its_end_is_refused_wherever_it_was_cut() -> None:
    store = MemoryStore()
    await store.add_run(RUN)
    for number in range(1, 3):
        claimed = await store.claim_run("run", "server", number, number)
        assert claimed is not None
        after = (await read(store)).place
        log = RunLog(store, SEALER, claimed, 10_000, after)
        await log.keep(call(2 * number))
        await log.keep(call(2 * number + 1))
    assert sorted((await read(store)).made) == [2, 3, 4, 5]
    for upto in range(4):
        with pytest.raises(SealedError, match="end of what is kept"):
            await read(store, upto)


async def test_what_a_former_owner_wrote_too_late_is_not_heeded() -> None:
    store = MemoryStore()
    await store.add_run(RUN)
    first = await store.claim_run("run", "one", 1, 1)
    assert first is not None
    one = RunLog(store, SEALER, first, 10_000)
    await one.keep(call(1))
    place = (await read(store)).place
    await one.keep(call(2))
    second = await store.claim_run("run", "two", 2, 2)
    assert second is not None
    await RunLog(store, SEALER, second, 10_000, place).keep(call(3))
    assert sorted((await read(store)).made) == [1, 3]


async def test_an_answer_after_the_end_of_a_run_asks_for_no_place() -> None:
    class Turn:
        def rest(self) -> bool:
            return True

        async def resume(self) -> None:
            await asyncio.sleep(3600)

    turn: Any = Turn()
    rest = Rest(turn, lambda _frames: None)
    rest.look(has_calls=True, cpu_seconds=0)
    assert not rest.has_place
    before = asyncio.all_tasks()
    rest.stop()
    rest.send([b"late"], lambda: None)
    assert asyncio.all_tasks() == before
