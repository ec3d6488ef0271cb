"""The audit trail in this process's memory: for tests, and what the other stores are compared with.

It ends with the process.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from onehop.events import Event
from onehop.records import GENESIS, ExecutionRecord
from onehop.stores._kept import KeptEvent, KeptRecord, clean_text, kept
from onehop.stores._memory_agents import MemoryAgents
from onehop.stores._memory_analytics import MemoryAnalytics
from onehop.stores.base import (
    RETENTION_SECONDS,
    ChainAnchor,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    StoredEvent,
)


class MemoryStore(MemoryAnalytics, MemoryAgents):
    """Records in lists, chained with ``key`` if given."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key
        self._records: list[ExecutionRecord] = []
        self._by_request: dict[str, ExecutionRecord] = {}
        self._events: list[StoredEvent] = []
        self._event_ids: set[str] = set()
        self._last_event = 0
        self._head = ChainHead(0, GENESIS)
        self._anchor: ChainAnchor | None = None
        self._rollups = {}
        self._agents = {}

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

    async def append(self, entries: Sequence[Entry]) -> None:
        """Take all entries in order, or none of them, each once."""
        batch = kept(entries)
        placed = self._placed(batch.records)
        for record in placed:
            self._records.append(record)
            self._by_request[record.request_id] = record
            self._head = ChainHead(record.sequence or 0, record.hash or "")
        for item in batch.events:
            self._append_event(item)

    def _placed(self, records: Iterable[KeptRecord]) -> list[ExecutionRecord]:
        sequence, previous, placed = self._head.sequence, self._head.hash, []
        if self._records:
            sequence = max(sequence, self._records[-1].sequence or 0)
        for record in records:
            if record.record.request_id not in self._by_request:
                sequence += 1
                placed.append(record.chained(sequence, previous, self._key))
                previous = placed[-1].hash or ""
        return placed

    def _append_event(self, item: KeptEvent) -> None:
        if item.event.event_id not in self._event_ids:
            self._last_event += 1
            self._event_ids.add(item.event.event_id)
            self._events.append(StoredEvent(self._last_event, item.event))

    async def get(self, request_id: str) -> ExecutionRecord | None:
        """The record of one run."""
        found = self._by_request.get(clean_text(request_id))
        return None if found is None else _copy(found)

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""
        names = ("agent_id", "channel_id", "language", "success", "code_hash")
        found = [
            record
            for record in self._records
            if _matches(record, query, names)
            and (query.since is None or record.executed_at >= query.since)
            and (query.until is None or record.executed_at < query.until)
        ]
        found.sort(key=lambda record: (record.executed_at, record.sequence or 0), reverse=True)
        return [_copy(record) for record in found[query.offset : query.offset + query.limit]]

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
        expired = now - RETENTION_SECONDS * 1000
        self._events = [item for item in self._events if item.event.timestamp > expired]
        self._event_ids = {item.event.event_id for item in self._events}
        late = (i for i, record in enumerate(self._records) if record.executed_at > expired)
        gone = self._records[: next(late, len(self._records))]
        if gone:
            newest = max(record.executed_at for record in gone)
            self._anchor = ChainAnchor(gone[-1].sequence or 0, gone[-1].hash or "", newest)
            del self._records[: len(gone)]
            self._by_request = {record.request_id: record for record in self._records}
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


def _matches(
    item: ExecutionRecord | Event, query: HistoryQuery | EventQuery, names: Sequence[str]
) -> bool:
    wanted = ((name, getattr(query, name)) for name in names)
    return all(
        value is None
        or getattr(item, name) == (clean_text(value) if isinstance(value, str) else value)
        for name, value in wanted
    )
