"""The recorder between the journal and the store: what is refused, what is large."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from onehop import Sandbox
from onehop.bus import EventBus
from onehop.callers import Caller
from onehop.config import AuditConfig
from onehop.errors import RecordRejectedError, StoreError
from onehop.events import CODE_EXECUTION_COMPLETED
from onehop.executor import Executor
from onehop.stores import open_store
from onehop.stores.base import Entry, EventQuery, Store
from onehop.stores.memory import MemoryStore


class Fussy(MemoryStore):
    """A store that refuses some request ids for good."""

    async def append(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            name = entry.record.request_id if entry.record else entry.events[0].request_id
            if name.startswith("refused"):
                raise RecordRejectedError(name, "not to its taste")
        await super().append(entries)


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
