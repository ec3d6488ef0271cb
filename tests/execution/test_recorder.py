"""The recorder between the journal and the store: what is refused, what is large."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Sequence
from pathlib import Path

import pytest

from onehop import Sandbox
from onehop.audit import recorder, verify
from onehop.audit._journal import Journal, Waiting
from onehop.config import AuditConfig
from onehop.errors import (
    JournalFullError,
    JournalUnavailableError,
    RecordRejectedError,
    StoreError,
    StoreUnavailableError,
)
from onehop.events import CODE_EXECUTION_COMPLETED, Event
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.runs.callers import Caller
from onehop.stores import open_store
from onehop.stores.base import Entry, EventQuery, HistoryQuery, Store
from onehop.stores.memory import MemoryStore
from onehop.testing import FakeBackend


class Fussy(MemoryStore):
    """A store that refuses some request ids for good."""

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        for entry in entries:
            name = entry.record.request_id if entry.record else entry.events[0].request_id
            if name.startswith("refused"):
                raise RecordRejectedError(name, "not to its taste")
        return await super().append(entries)


async def test_what_a_store_refuses_for_good_is_set_aside_and_the_rest_goes_on(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    store = Fussy()
    await store.open()
    async with Executor(sandbox, store=store) as executor:
        names = ["one", "refused-1", "two", "refused-2", "three"]
        await asyncio.gather(*(executor.execute("return 1", request_id=name) for name in names))
        assert await executor.flush()
        kept = [name for name in names if await store.get(name)]
    assert kept == ["one", "two", "three"]
    assert "set aside in the journal, since the store refuses it" in caplog.text


async def test_a_large_record_is_written_even_if_its_caller_leaves(
    sandbox: Sandbox, store: Store, bus: EventBus, audit: AuditConfig
) -> None:
    ended = asyncio.Event()
    bus.subscribe(lambda _event: ended.set(), types=[CODE_EXECUTION_COMPLETED])
    async with Executor(sandbox, store=store, bus=bus, audit=audit) as executor:
        code = "console.log('x'.repeat(900_000)); return 'y'.repeat(900_000)"
        task = asyncio.create_task(executor.execute(code, request_id="big"))
        await asyncio.wait_for(ended.wait(), 10)
        task.cancel()  # it is being redacted, in a thread
        await asyncio.wait([task])
        assert await executor.execute("return 1", request_id="big") is not None
        assert await executor.flush()
        record = await store.get("big")
    assert record is not None
    assert record.success


class Distant(MemoryStore):
    """A store that can be away, or be served by another process meanwhile."""

    away = False

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        self._check()
        return await super().get(request_id, agent_id)

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        self._check()
        return await super().append(entries)

    async def ping(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.away:
            raise StoreUnavailableError(self.url, "it is away")


async def test_a_run_under_a_known_id_while_the_store_is_away_is_kept_and_told(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    store = Distant()
    async with Executor(sandbox, store=store) as first:
        await first.execute("return 'first'", agent_id="ada", request_id="same")
        assert await first.flush()
    async with Executor(sandbox, store=store) as second:
        store.away = True
        while_away = await second.execute("return 'second'", agent_id="ada", request_id="same")
        assert "nobody could look whether this request id has run" in str(while_away.warnings)
        store.away = False
        assert await second.flush()
        later = await second.execute("return 'third'", agent_id="ada", request_id="same")
    assert (while_away.output, later.output) == ("second", "first")
    assert [kept.output for kept in await store.chain(0, 9)] == ["first", "second"]
    assert (await verify(store)).repeated == 1
    assert "has run more than once" in caplog.text


async def test_two_servers_with_one_request_at_once_record_both_runs(
    sandbox: Sandbox, store: Store, tmp_path: Path
) -> None:
    audits = [AuditConfig(store=store.url, journal=str(tmp_path / name)) for name in "ab"]
    async with (
        Executor(sandbox, store=store, audit=audits[0]) as one,
        Executor(sandbox, store=store, audit=audits[1]) as two,
    ):
        code = "await new Promise(done => setTimeout(done, 100)); return 1"
        both = (each.execute(code, agent_id="ada", request_id="same") for each in (one, two))
        await asyncio.gather(*both)
        assert await one.flush()
        assert await two.flush()
    first, second = await store.history(HistoryQuery())
    assert {first.repeat_of, second.repeat_of} == {None, 1}
    assert first.run_id != second.run_id
    assert (await verify(store)).repeated == 1


async def test_a_strict_audit_tells_of_a_repeat_in_the_result(sandbox: Sandbox) -> None:
    class Late(Distant):
        """It has the first run only after it was asked for it."""

        async def get(self, request_id: str, agent_id: str | None = None) -> None:
            return None

    store = Late()
    async with Executor(sandbox, store=store, audit="strict") as first:
        await first.execute("return 1", agent_id="ada", request_id="same")
    async with Executor(sandbox, store=store, audit="strict") as second:
        told = await second.execute("return 2", agent_id="ada", request_id="same")
    assert told.warnings is not None
    assert "kept as a repeat" in told.warnings[0]


async def test_a_full_journal_refuses_runs_until_the_store_takes_some() -> None:
    store = Distant()
    audit = AuditConfig(store="memory:", journal_max=16)
    big = FakeBackend(lambda request: "x" * 200_000 if "big" in request.code else 1)
    async with (
        Sandbox(backend=big) as sandbox,
        Executor(sandbox, store=store, audit=audit) as executor,
    ):
        store.away = True
        ran = 0
        while await executor.trouble() is None and ran < 200:
            await executor.execute("return big")
            ran += 1
        with pytest.raises(JournalFullError, match="away"):
            await executor.execute("return 1")
        assert 70 < ran < 100
        assert "as many records wait" in str(await executor.trouble())
        store.away = False
        assert await executor.flush(20)
        assert await executor.trouble() is None
        assert (await executor.execute("return 1")).output == 1


async def test_a_mistake_in_the_delivery_does_not_end_it(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "_LAST_RETRY", 0.05)
    mistakes = iter([ZeroDivisionError("ours"), None])

    def stumble(self: Journal, limit: int) -> list[Waiting]:
        mistake = next(mistakes, None)
        if mistake is not None:
            raise mistake
        return waiting(self, limit)

    waiting = Journal.waiting
    monkeypatch.setattr(Journal, "waiting", stumble)
    store = Distant()
    async with Executor(sandbox, store=store) as executor:
        await executor.execute("return 1")
        assert await executor.flush(10)
        assert await executor.trouble() is None
    assert "records cannot be delivered; trying again" in caplog.text


async def test_a_delivery_that_fails_again_and_again_is_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a page of the journal can no longer be read."""
    monkeypatch.setattr(recorder, "_LAST_RETRY", 0.05)
    waiting = Journal.waiting

    def unreadable(_journal: Journal, _limit: int) -> list[Waiting]:
        raise JournalUnavailableError("the database disk image is malformed")

    async with Executor(sandbox, store=MemoryStore()) as executor:
        monkeypatch.setattr(Journal, "waiting", unreadable)
        await executor.execute("return 1")
        async with asyncio.timeout(10):
            while await executor.trouble() is None:
                await asyncio.sleep(0.01)
        assert "cannot be delivered" in str(await executor.trouble())
        monkeypatch.setattr(Journal, "waiting", waiting)
        assert await executor.flush(10)
        assert await executor.trouble() is None


async def test_a_store_that_answers_and_takes_no_records_is_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when its disk is full, or a backup has it locked."""

    class Full(MemoryStore):
        is_full = True

        async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
            if self.is_full:
                raise StoreUnavailableError(self.url, "database or disk is full")
            return await super().append(entries)

    monkeypatch.setattr(recorder, "_STUCK", 0.3)
    monkeypatch.setattr(recorder, "_FIRST_RETRY", 0.02)
    monkeypatch.setattr(recorder, "_LAST_RETRY", 0.02)
    store = Full()
    async with Executor(sandbox, store=store) as executor:
        await executor.execute("return 1")
        async with asyncio.timeout(10):
            while await executor.trouble() is None:
                await asyncio.sleep(0.01)
        assert "has taken no records" in str(await executor.trouble())
        store.is_full = False
        assert await executor.flush(10)
        assert await executor.trouble() is None


async def test_a_delivery_that_is_stuck_or_dead_is_told(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stuck(MemoryStore):
        asked = asyncio.Event()
        go_on = asyncio.Event()

        async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
            self.asked.set()
            await self.go_on.wait()
            return await super().append(entries)

    monkeypatch.setattr(recorder, "_STUCK", 0.1)
    store = Stuck()
    async with Executor(sandbox, store=store) as executor:
        await executor.execute("return 1")
        await asyncio.wait_for(store.asked.wait(), 10)
        await asyncio.sleep(0.2)
        assert "stuck" in str(await executor.trouble())
        store.go_on.set()
        assert await executor.flush()
        (task,) = [each for each in asyncio.all_tasks() if each.get_name() == "onehop.recorder"]
        task.cancel()
        await asyncio.wait([task])
        assert "has stopped" in str(await executor.trouble())


async def test_what_subscribers_hear_is_masked_as_the_records_are(
    sandbox: Sandbox, store: Store, bus: EventBus, audit: AuditConfig
) -> None:
    heard: list[Event] = []
    bus.subscribe(heard.append)
    secret = "correct-horse-9"
    async with Executor(sandbox, store=store, bus=bus, audit=audit) as executor:
        result = await executor.execute(
            "throw new Error('no ' + context.password + ' ' + 'oh_' + 'ab'.repeat(8) + '_' + "
            "'cd'.repeat(32))",
            context={"password": secret},
            request_id="r",
        )
        refused = f"eval('{secret}')"
        await executor.execute(refused, context={"password": secret}, request_id="refused")
        assert await executor.flush()
        kept = [stored.event for stored in await store.events(EventQuery())]
    assert secret in str(result.error)  # what the caller gets back is not masked
    assert kept == heard
    told = str([event.to_dict() for event in heard])
    assert "Error: no [masked] [masked]" in told
    assert secret not in told
    assert "cdcd" not in told


async def test_an_executor_without_a_store_says_so(sandbox: Sandbox) -> None:
    with pytest.raises(StoreError, match="keeps nothing"):
        _ = Executor(sandbox).store


async def test_a_journal_in_the_memory_of_a_process_leaves_no_folder(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    store = await open_store(AuditConfig(store="memory:"))
    async with Executor(sandbox, store=store) as executor:
        await executor.call({"code": "return 1"}, Caller(request_id="m"))
        assert await executor.flush()
        assert (await store.events(EventQuery(request_id="m")))[-1].event.request_id == "m"
    assert list(tmp_path.iterdir()) == []


async def test_a_run_that_cannot_be_written_down_is_not_run_again_and_its_result_comes_later(
    executor: Executor,
) -> None:
    """As on a disk that fills up while the code runs: no file of this process may grow."""
    calls = []

    def pay() -> None:
        """Something that must not happen twice."""
        calls.append(1)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    async def ask(name: str) -> object:
        code = "await tools.pay(); return 'paid'"
        return (await executor.execute(code, tools=[pay], request_id=name)).output

    try:
        with pytest.raises(JournalUnavailableError, match="the code has run"):
            await ask("one")
        with pytest.raises(JournalUnavailableError, match="the code has run"):
            await ask("one")
        with pytest.raises(JournalUnavailableError, match="nothing runs now"):
            await ask("another")
        assert not await executor.flush(0.01)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    assert await executor.flush(20)
    assert await ask("one") == "paid"
    assert calls == [1]
    assert (await verify(executor.store)).problems == ()
