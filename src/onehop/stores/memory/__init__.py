"""The audit trail in this process's memory: for tests, and what the other stores are compared with.

It ends with the process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from onehop.events import Event
from onehop.records import GENESIS, GIVEN_UP, ExecutionRecord
from onehop.stores._expiry import Expiry
from onehop.stores._kept import KeptEvent, KeptRecord, clean_text, kept
from onehop.stores._placing import First, Known, RunName, end_of, name_of, place, repeats_in
from onehop.stores._tool_calls import called_tools
from onehop.stores.base import (
    ChainAnchor,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    StoredEvent,
)
from onehop.stores.memory._agents import MemoryAgents
from onehop.stores.memory._analytics import MemoryAnalytics
from onehop.stores.memory._approvals import MemoryApprovals
from onehop.stores.memory._observed import MemoryObserved
from onehop.stores.memory._replicas import MemoryReplicas
from onehop.stores.memory._runs import MemoryRuns
from onehop.stores.memory._sessions import MemorySessions
from onehop.stores.memory._snippets import MemorySnippets


class MemoryStore(
    MemoryAnalytics,
    MemoryAgents,
    MemoryRuns,
    MemoryApprovals,
    MemorySessions,
    MemorySnippets,
    MemoryObserved,
    MemoryReplicas,
):
    """Records in lists, chained with ``key`` if given."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self._records: list[ExecutionRecord] = []
        self._run_ids: set[str] = set()
        self._firsts: dict[RunName, ExecutionRecord] = {}
        self._events: list[StoredEvent] = []
        self._event_ids: set[str] = set()
        self._last_event = 0
        self._head = ChainHead(0, GENESIS)
        self._anchor: ChainAnchor | None = None
        self._rollups = {}
        self._agents = {}
        self._notes = {}
        self._values = {}
        self._approvals = {}
        self._observed = {}
        self._snippets = {}
        self._leases = {}
        self._server_notes = {}
        self._arrived = asyncio.Event()
        self._kept = {}
        self._parts = {}

    @property
    def url(self) -> str:
        """What it is."""
        return "memory:"

    async def open(self) -> None:
        """Nothing to do."""

    async def aclose(self) -> None:
        """Nothing to do: what was kept stays as long as this object."""

    async def ping(self) -> None:
        """Always answers."""

    async def time(self) -> int:
        """This machine's."""
        return time.time_ns() // 1_000_000

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        """Take all entries in order, or none of them, each once."""
        batch = kept(entries)
        placed = place(batch.records, self._known(batch.records), self._end(), self._key)
        for each in placed:
            self._records.append(each.record)
        self._head = end_of(placed, self._head)
        self._index(each.record for each in placed)
        for item in batch.events:
            self._append_event(item)
        if batch.events:
            self._tell_of_events()
        return repeats_in(placed)

    def _known(self, records: Sequence[KeptRecord]) -> Known:
        names = {name_of(item.record) for item in records} & self._firsts.keys()
        found = {name: self._firsts[name] for name in names}
        firsts = {name: First(run.sequence or 0, run.executed_at) for name, run in found.items()}
        return Known(self._run_ids, firsts)

    def _end(self) -> ChainHead:
        last = self._records[-1].sequence or 0 if self._records else 0
        return ChainHead(max(self._head.sequence, last), self._head.hash)

    def _index(self, records: Iterable[ExecutionRecord]) -> None:
        for record in records:
            if record.run_id is not None:
                self._run_ids.add(record.run_id)
            if record.repeat_of is None:
                self._firsts[name_of(record)] = record

    def _append_event(self, item: KeptEvent) -> None:
        if item.event.event_id not in self._event_ids:
            self._last_event += 1
            self._event_ids.add(item.event.event_id)
            self._events.append(StoredEvent(self._last_event, item.event))

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        """The record of the first run of this request id."""
        wanted = clean_text(request_id)
        found = [
            record
            for (agent, name), record in self._firsts.items()
            if name == wanted and (agent_id is None or agent == clean_text(agent_id))
        ]
        if not found:
            return None
        first = min(found, key=lambda record: record.sequence or 0)
        return _copy(first if first.error_type != GIVEN_UP else self._after(first))

    def _after(self, given_up: ExecutionRecord) -> ExecutionRecord:
        """The run that was made when this one's request id was free again; the last such run if
        all were given up."""
        again = [record for record in self._records if record.repeat_of == given_up.sequence]
        ended = (record for record in again if record.error_type != GIVEN_UP)
        return next(ended, [given_up, *again][-1])

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""
        names = ("agent_id", "channel_id", "language", "success", "code_hash", "error_type")
        found = [
            record
            for record in self._records
            if _matches(record, query, names)
            and (query.tool is None or clean_text(query.tool) in called_tools(record))
            and (query.since is None or record.executed_at >= query.since)
            and (query.until is None or record.executed_at < query.until)
        ]
        found.sort(key=lambda record: (record.executed_at, record.sequence or 0), reverse=True)
        page = found[query.offset : query.offset + query.limit]
        return [_brief(record) if query.brief else _copy(record) for record in page]

    async def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events in the order they were taken."""
        names = ("request_id", "agent_id", "channel_id")
        found = [
            item
            for item in self._events
            if item.sequence > query.after
            and _matches(item.event, query, names)
            and (query.event_types is None or item.event.event_type in query.event_types)
        ]
        return found[: query.limit]

    async def last_event(self) -> int:
        """The sequence of the event that was taken last."""
        return self._last_event

    async def prune(self, now: int) -> int:
        """Drop records up to the first that is not expired, and expired events."""
        expiry = Expiry(now)
        self._events = [item for item in self._events if not expiry.of(item.event.timestamp)]
        self._event_ids = {item.event.event_id for item in self._events}
        self._prune_sessions(expiry)
        self._prune_observed(expiry)
        self._prune_leases()
        self._approvals = {
            key: each
            for key, each in self._approvals.items()
            if not expiry.of(each.requested_at) or self._is_waiting(each.run_id)
        }
        self._prune_runs(now, expiry.cutoff)
        gone = self._records[: expiry.prefix([record.executed_at for record in self._records])]
        if gone:
            newest = expiry.newest([record.executed_at for record in gone])
            last, at = gone[-1], time.time_ns() // 1_000_000
            self._anchor = ChainAnchor(last.sequence or 0, last.hash or "", newest, noted_at=at)
            del self._records[: len(gone)]
            self._run_ids, self._firsts = set(), {}
            self._index(self._records)
        return len(gone)

    # -- the chain

    async def head(self) -> ChainHead:
        """Where the chain ends."""
        return self._head

    async def chain(self, after: int, limit: int) -> list[ExecutionRecord]:
        """Records by sequence, ascending, those after sequence ``after``."""
        found = [record for record in self._records if (record.sequence or 0) > after]
        return [_copy(record) for record in found[:limit]]

    async def anchors(self) -> list[ChainAnchor]:
        """Noted places of the chain, ascending."""
        return [] if self._anchor is None else [self._anchor]


def _copy(record: ExecutionRecord) -> ExecutionRecord:
    """What a caller may change without changing what is kept."""
    return record.model_copy(deep=True)


def _brief(record: ExecutionRecord) -> ExecutionRecord:
    return record.model_copy(update={"output": None, "logs": [], "context_data": None}, deep=True)


def _matches(
    item: ExecutionRecord | Event, query: HistoryQuery | EventQuery, names: Sequence[str]
) -> bool:
    wanted = ((name, getattr(query, name)) for name in names)
    return all(
        value is None
        or getattr(item, name) == (clean_text(value) if isinstance(value, str) else value)
        for name, value in wanted
    )
