"""Carries what happened to the store: through the journal, in order, once, in the background."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import platformdirs

from onehop.audit._journal import Journal, Waiting
from onehop.audit.redaction import Redactor, Secrets
from onehop.config import AuditConfig
from onehop.errors import (
    AuditUnavailableError,
    JournalFullError,
    JournalUnavailableError,
    RecordRejectedError,
    StoreError,
    StoreUnavailableError,
)
from onehop.events import Event, ExecutionFailed
from onehop.records import ExecutionRecord
from onehop.runs.states import JournalState
from onehop.runs.watching import Watcher, stage, watched_by
from onehop.stores.base import Entry, Store

T = TypeVar("T")
Told = Callable[[ExecutionRecord], None]
Complete = Callable[[ExecutionRecord], Awaitable[ExecutionRecord | None]]
Mode = Literal["journal", "strict"]

_IN_THREAD: Final = 64 * 1024
"""Bytes of a record from which it is redacted in a thread."""
_BATCH: Final = 200
"""Entries delivered in one go."""
_GATHER: Final = 0.02
"""Seconds in which entries gather to one delivery."""
_LOOKUP: Final = 1.0
"""Seconds that the store has to say whether it knows a run."""
_FIRST_RETRY: Final = 0.1
_LAST_RETRY: Final = 5.0
"""Seconds between attempts while the store is away: doubled from the first to the last."""
_STRICT_WAIT: Final = 5.0
"""Seconds that a strict run waits for the store before it is refused."""
_FAREWELL: Final = 5.0
"""Seconds that closing waits for the store; what is left is delivered after the next start."""

_FULL: Final = (
    "the database of the audit trail is away, and as many records wait for it as may "
    "(ONEHOP_JOURNAL_MAX)"
)
_OWED: Final = (
    "the code has run, and its result could not be written down: {}. The same request id gives the "
    "result when there is room again"
)
_STUCK: Final = 30.0
"""Seconds without any progress after which the delivery counts as stuck."""

_log = logging.getLogger(__name__)


def make_recorder(
    store: Store,
    config: AuditConfig,
    redactor: Redactor | None = None,
    watchers: Sequence[Watcher] = (),
) -> Recorder:
    """A recorder of ``store`` with a journal, and a redactor unless it is given, as ``config`` has
    them."""
    folder = _journal_folder(store.url, config.journal)
    return Recorder(
        store,
        Journal(folder, config.sync, max_bytes=config.journal_max << 20),
        redactor or Redactor(config),
        mode=config.mode,
        in_thread=config.sync == "power",
        watchers=watchers,
    )


def _journal_folder(url: str, base: str | None) -> Path:
    """One folder for each store, so that nothing is delivered to another."""
    if url.startswith("memory:"):
        return Path(tempfile.mkdtemp(prefix="onehop-"))
    name = hashlib.sha256(url.encode()).hexdigest()[:16]
    return (Path(base) if base else platformdirs.user_data_path("onehop") / "journal") / name


class Recorder:
    """Records runs in a journal, and delivers them to ``store``.

    With mode "strict" a run is refused while the store is away, and its result waits until the
    store has it. Raises AuditUnavailableError then, and when the journal is full or its disk fails.
    Events come to it redacted; records are redacted here.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        redactor: Redactor,
        *,
        mode: Mode = "journal",
        in_thread: bool = False,
        watchers: Sequence[Watcher] = (),
    ) -> None:
        """``watchers`` hear of each delivery to the store."""
        self._watchers = watchers
        self._store = store
        self._journal = journal
        self._redactor = redactor
        self._mode = mode
        self._writing: set[asyncio.Task[None]] = set()
        self._disk = _Disk(in_thread)
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._done = 0
        self._away_since: float | None = None
        self._closing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._busy_since: float | None = None
        self._stumbles = False
        """Whether the last delivery ended in an exception, which is not the store's."""
        self._tell: list[Told] = []
        self._owed: dict[str, Entry] = {}
        """By run id: what has ended and is not on disk, because that failed."""
        self._tell_taken: list[Callable[[list[ExecutionRecord]], None]] = []
        self._complete: Complete | None = None

    @property
    def away(self) -> bool:
        """Whether the store did not take the last delivery."""
        return self._away_since is not None

    @property
    def set_aside(self) -> int:
        """Entries and files of the journal that could not be delivered, and are kept there."""
        return self._journal.set_aside

    async def state(self) -> JournalState:
        """How it is now."""
        try:
            entries = await self._disk.run(self._journal.length)
        except AuditUnavailableError:
            entries = None
        return JournalState(
            entries=entries,
            bytes=self._journal.size,
            max_bytes=self._journal.max_size,
            set_aside=self._journal.set_aside,
            store_away=self.away,
        )

    def on_repeat(self, tell: Told) -> None:
        """Call ``tell`` with each record that the store took as a repeat of an earlier run."""
        self._tell.append(tell)

    def on_taken(self, tell: Callable[[list[ExecutionRecord]], None]) -> None:
        """Call ``tell`` with the records that the store has from now on."""
        self._tell_taken.append(tell)

    def complete_by(self, complete: Complete) -> None:
        """Ask ``complete`` for the record of each run that a process has left unfinished; None: the
        run has not ended so."""
        self._complete = complete

    async def trouble(self) -> str | None:
        """Why runs are not recorded, or records not delivered; None when all is well.

        That the store is away does no harm here: records wait for it. One that answers and takes
        none for long is trouble.
        """
        if self._task is None or self._task.done():
            return "the delivery of records has stopped; restart the server"
        if self._busy_since is not None and time.monotonic() - self._busy_since > _STUCK:
            return f"the delivery of records has been stuck for more than {_STUCK:g} s"
        if self._stumbles:
            return "records cannot be delivered from the journal; the log says why"
        if self._away_since is not None and time.monotonic() - self._away_since > _STUCK:
            return f"the database has taken no records for more than {_STUCK:g} s; the log says why"
        if self._journal.full:
            return _FULL
        try:
            await self._disk.run(self._journal.probe)
        except AuditUnavailableError as error:
            _log.error("%s", error)
            return "the journal cannot be written: its disk is full, or its file is gone"
        return None

    async def open(self) -> None:
        """Open the journal, and start to deliver what it holds."""
        await asyncio.to_thread(self._journal.open)
        self._wake.set()
        self._task = asyncio.get_running_loop().create_task(self._deliver(), name="onehop.recorder")

    async def aclose(self) -> None:
        """Deliver what can be delivered within five seconds, and close the journal."""
        task, self._task = self._task, None
        if task is None:
            return
        if self._writing:
            await asyncio.wait(self._writing, timeout=_FAREWELL)
        self._closing.set()
        self._wake.set()
        _done, late = await asyncio.wait([task], timeout=0.1 if self.away else _FAREWELL)
        if late:
            task.cancel()
            await asyncio.wait(late)
        await self._disk.run(self._journal.close)
        self._disk.close()

    async def admit(self) -> None:
        """Raise JournalFullError if no record more may wait, and JournalUnavailableError while one
        could not be written down; with mode "strict", also AuditUnavailableError unless the store
        answers."""
        if self._journal.full:
            raise JournalFullError(f"nothing runs now: {_FULL}")
        if self._owed:
            raise JournalUnavailableError("nothing runs now: a record could not be written down")
        if self._mode != "strict":
            return
        try:
            async with asyncio.timeout(_STRICT_WAIT):
                await self._store.ping()
        except (StoreError, TimeoutError) as error:
            raise AuditUnavailableError(
                f'nothing runs now, because audit is "strict" and the store is away: {error}'
            ) from error

    async def start(
        self,
        unfinished: ExecutionRecord,
        events: tuple[Event, ...],
        size: int = 0,
        secrets: Secrets | None = None,
    ) -> None:
        """On disk from now on: what is known of a run that starts; ``size`` bytes, about.

        ``secrets``: those of its context, here and below, if they are known already.
        """
        entry = await self._redacted(unfinished, events, size, secrets)
        await self._disk.run(self._journal.start, _key(unfinished), entry)

    async def finish(
        self,
        run_id: str,
        record: ExecutionRecord | None,
        events: tuple[Event, ...],
        size: int = 0,
        secrets: Secrets | None = None,
    ) -> None:
        """On disk from now on: what came of it; ``size`` bytes, about. ``record`` None: it was
        given up, and did not run. It is written also when the awaiting task is cancelled. If the
        disk fails, JournalUnavailableError is raised, and it is written when the disk can again.

        With mode "strict" this returns when the store has it.
        """
        if size < _IN_THREAD:
            await self._finish(run_id, record, events, size, secrets)
            return
        task = asyncio.get_running_loop().create_task(
            self._finish(run_id, record, events, size, secrets)
        )
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)
        await asyncio.shield(task)

    async def _finish(
        self,
        run_id: str,
        record: ExecutionRecord | None,
        events: tuple[Event, ...],
        size: int,
        secrets: Secrets | None,
    ) -> None:
        entry = await self._redacted(record, events, size, secrets)
        place = await self._written(run_id, entry)
        self._wake.set()
        if self._mode == "strict":
            await self._arrival(place)

    async def _written(self, run_id: str, entry: Entry) -> int:
        try:
            return await self._disk.run(self._journal.finish, run_id, entry)
        except JournalUnavailableError as error:
            self._owed[run_id] = entry
            self._wake.set()
            raise JournalUnavailableError(_OWED.format(error)) from error

    async def _settle(self) -> None:
        """Write down what the disk has refused."""
        for run_id, entry in list(self._owed.items()):
            await self._disk.run(self._journal.finish, run_id, entry)
            del self._owed[run_id]

    async def find(self, request_id: str, agent_id: str) -> ExecutionRecord | None:
        """The record of an agent's run that has ended, here or in the store.

        Raises StoreUnavailableError when neither can say; while the store is away, at once. Raises
        JournalUnavailableError for a run whose record could not be written down yet.
        """
        if any(_is_of(entry.record, request_id, agent_id) for entry in self._owed.values()):
            raise JournalUnavailableError(_OWED.format("its disk has no room"))
        entry = await self._disk.run(self._journal.find, request_id, agent_id)
        if entry is not None and entry.record is not None:
            return entry.record
        if self.away:
            raise StoreUnavailableError(self._store.url, "it did not answer lately")
        return await self._ask(request_id, agent_id)

    async def flush(self, timeout: float = _FAREWELL) -> bool:
        """Wait until the store has all that has ended so far; False after ``timeout`` seconds."""
        try:
            async with asyncio.timeout(timeout):
                async with self._moved:
                    await self._moved.wait_for(lambda: not self._owed)
                await self._passed(await self._disk.run(self._journal.last))
        except TimeoutError:
            return False
        return True

    async def _redacted(
        self,
        record: ExecutionRecord | None,
        events: tuple[Event, ...],
        size: int,
        secrets: Secrets | None,
    ) -> Entry:
        if record is None:
            return Entry(None, events)
        if size < _IN_THREAD:
            return Entry(self._redactor.record(record, secrets), events)
        return Entry(await asyncio.to_thread(self._redactor.record, record, secrets), events)

    async def _ask(self, request_id: str, agent_id: str) -> ExecutionRecord | None:
        # Not asyncio.timeout: a driver that connects may take its time to obey.
        question = asyncio.get_running_loop().create_task(self._store.get(request_id, agent_id))
        done, _late = await asyncio.wait([question], timeout=_LOOKUP)
        if not done:
            question.cancel()
            question.add_done_callback(_forget)
            raise self._lost(f"no answer within {_LOOKUP:g} s")
        try:
            return question.result()
        except StoreUnavailableError as error:
            raise self._lost(error.reason) from error

    def _lost(self, reason: str) -> StoreUnavailableError:
        error = StoreUnavailableError(self._store.url, reason)
        self._went_away(error)
        self._wake.set()
        return error

    async def _arrival(self, place: int) -> None:
        try:
            async with asyncio.timeout(_STRICT_WAIT):
                await self._passed(place)
        except TimeoutError:
            raise AuditUnavailableError(
                'audit is "strict", and the store did not take the record of a run that has '
                "ended; it waits on disk, and the same request id will give its result"
            ) from None

    async def _passed(self, place: int) -> None:
        async with self._moved:
            await self._moved.wait_for(lambda: self._done >= place)

    async def _deliver(self) -> None:
        while not (self._closing.is_set() and self.away):
            await self._wake.wait()
            self._wake.clear()
            if not self._closing.is_set():
                await asyncio.sleep(_GATHER)
            try:
                await self._drain()
            except Exception:  # whatever it was, what waits is tried again
                _log.exception("records cannot be delivered; trying again")
                self._stumbles = True
                self._wake.set()
                await self._pause(_LAST_RETRY)
            finally:
                self._busy_since = None
            if self._closing.is_set() and not self.away and not self._wake.is_set():
                return

    async def _drain(self) -> None:
        pause = _FIRST_RETRY
        self._busy_since = time.monotonic()
        await self._settle()
        while (batch := await self._disk.run(self._journal.waiting, _BATCH)) or self.away:
            self._busy_since = time.monotonic()
            if await self._append(batch):
                pause = _FIRST_RETRY
                await self._advance(batch)
            elif self._closing.is_set():
                return
            else:
                if self._journal.bloated:
                    await asyncio.to_thread(self._journal.fold)
                await self._pause(pause)
                pause = min(pause * 2, _LAST_RETRY)
        self._stumbles = False
        if self._journal.bloated:
            await asyncio.to_thread(self._journal.shrink)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until it closes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()

    async def _append(self, batch: list[Waiting]) -> bool:
        try:
            await self._put([waiting.entry for waiting in batch])
        except RecordRejectedError as error:
            return await self._set_aside(batch, error)
        except StoreUnavailableError as error:
            self._went_away(error)
            return False
        except Exception:  # whatever it was, the records stay in the journal and are tried again
            _log.exception("the store did not take %d records", len(batch))
            self._away_since = self._away_since or time.monotonic()
            return False
        self._came_back()
        return True

    async def _put(self, entries: list[Entry]) -> None:
        if entries:
            entries = [await self._completed(entry) for entry in entries]
            with watched_by(self._watchers), stage("delivery", run_ids=_run_ids(entries)):
                repeats = await self._store.append(entries) or ()
            for repeat in repeats:
                self._report(repeat)
        else:  # nothing waits: is it back?
            await self._store.ping()

    async def _completed(self, entry: Entry) -> Entry:
        record, complete = entry.record, self._complete
        if record is None or complete is None or record.details.get("interrupted") is not True:
            return entry
        try:
            known = await complete(record)
        except StoreError:
            raise
        except Exception:  # less is known of the run, but no record waits for ever
            _log.exception("what the run %s had done is not known", record.run_id)
            return entry
        if known is None:  # neither has it failed, as its last event says
            return Entry(None, tuple(e for e in entry.events if not isinstance(e, ExecutionFailed)))
        return Entry(known, entry.events)

    def _report(self, repeat: ExecutionRecord) -> None:
        _log.warning(
            "the request id %r of agent %r has run more than once: run %s is kept as a repeat of "
            "record %s",
            repeat.request_id,
            repeat.agent_id,
            repeat.run_id,
            repeat.repeat_of,
        )
        for tell in self._tell:
            tell(repeat)

    async def _set_aside(self, batch: list[Waiting], error: RecordRejectedError) -> bool:
        """Deliver the batch without what the store refuses for good."""
        refused = [item for item in batch if _request_id(item.entry) == error.request_id]
        for waiting in refused:
            reason = f"the store refuses it: {error}"
            await self._disk.run(self._journal.reject, waiting, reason)
        remaining = [item for item in batch if item not in refused]
        return bool(refused) and (not remaining or await self._append(remaining))

    async def _advance(self, batch: list[Waiting]) -> None:
        if not batch:
            return
        await self._disk.run(self._journal.delivered, batch[-1].sequence)
        self._stumbles = False
        taken = [item.entry.record for item in batch if item.entry.record is not None]
        for tell in self._tell_taken:
            tell(taken)
        async with self._moved:
            self._done = batch[-1].sequence
            self._moved.notify_all()

    def _went_away(self, error: StoreUnavailableError) -> None:
        if self._away_since is None:
            self._away_since = time.monotonic()
            _log.warning("records wait in the journal until the store is back: %s", error)

    def _came_back(self) -> None:
        if self._away_since is not None:
            _log.warning("the store is back after %.1f s", time.monotonic() - self._away_since)
            self._away_since = None


def _key(record: ExecutionRecord) -> str:
    return record.run_id or record.request_id


def _is_of(record: ExecutionRecord | None, request_id: str, agent_id: str) -> bool:
    """Whether it is what the name stands for: one that was given up has left it free."""
    if record is None or record.frees_its_name:
        return False
    return (record.request_id, record.agent_id) == (request_id, agent_id)


def _run_ids(entries: list[Entry]) -> list[str]:
    return [entry.record.run_id or "" for entry in entries if entry.record is not None]


def _request_id(entry: Entry) -> str | None:
    if entry.record is not None:
        return entry.record.request_id
    return entry.events[0].request_id if entry.events else None


def _forget(task: asyncio.Task[ExecutionRecord | None]) -> None:
    if not task.cancelled():
        task.exception()  # seen


class _Disk:
    """Where the journal's calls run: here, in microseconds, or in one thread, if they may wait."""

    def __init__(self, in_thread: bool) -> None:
        self._thread = ThreadPoolExecutor(1, "onehop.journal") if in_thread else None

    async def run(self, call: Callable[..., T], *args: Any) -> T:
        if self._thread is None:
            return call(*args)
        loop = asyncio.get_running_loop()
        # Not given up with its caller: what was handed in is written.
        return await asyncio.shield(loop.run_in_executor(self._thread, lambda: call(*args)))

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
