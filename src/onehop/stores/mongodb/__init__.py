"""The audit trail in MongoDB.

A standalone server has no transactions, so the chain is appended optimistically: the place of each
record is unique, a batch is inserted in order, and a process that finds the next place taken looks
again where the chain ends. A batch that breaks off leaves its beginning, which is a valid
chain, and is completed when it is given again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from bson.codec_options import CodecOptions, DatetimeConversion
from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, ConfigurationError, InvalidURI, PyMongoError

from onehop.errors import ConfigError, StoreError, StoreUnavailableError
from onehop.records import GENESIS, GIVEN_UP, ExecutionRecord
from onehop.stores._border import Ongoing, translated
from onehop.stores._kept import KeptEvent, KeptRecord, clean_text, kept
from onehop.stores._placing import First, Known, RunName, end_of, place, repeats_in
from onehop.stores._urls import has_proper_hosts, masked
from onehop.stores.base import (
    RETENTION_SECONDS,
    ChainAnchor,
    ChainHead,
    Entry,
    EventQuery,
    HistoryQuery,
    StoredEvent,
)
from onehop.stores.mongodb._agents import MongoAgents
from onehop.stores.mongodb._analytics import MongoAnalytics
from onehop.stores.mongodb._approvals import MongoApprovals
from onehop.stores.mongodb._documents import (
    BARE,
    CALLED,
    anchor_document,
    anchor_of,
    event_document,
    event_of,
    record_document,
    record_of,
)
from onehop.stores.mongodb._observed import MongoObserved
from onehop.stores.mongodb._replicas import MongoReplicas
from onehop.stores.mongodb._runs import MongoRuns
from onehop.stores.mongodb._schema import MIGRATIONS, Database, Migration, migrate
from onehop.stores.mongodb._sessions import MongoSessions
from onehop.stores.mongodb._snippets import MongoSnippets

PATIENCE: Final = 4.0
"""Seconds to wait for a server."""
_GRACE: Final = 0.5
"""Seconds that a driver may take longer, before it is no longer waited for."""
_LONGEST_STATEMENT: Final = 60
"""Seconds after which an answer is no longer waited for."""
_TRIES: Final = 1000
"""Times that others may be first before a batch is given up for now."""
_MANY: Final = 1000
"""Values in one ``$in``."""
_TIMES: Final = {"sequence": 1, "executedAt": 1}
_NAMED: Final = {**_TIMES, "agentId": 1, "requestId": 1}
_UNKNOWN: Final = (1 << 63) - 1
"""Stands for the time of a record that went before it was noted, and so may not be missing."""
_DUPLICATE: Final = 11000

Documents = AsyncCollection[dict[str, Any]]


@translated
class MongoStore(
    MongoAnalytics,
    MongoAgents,
    MongoRuns,
    MongoApprovals,
    MongoSessions,
    MongoSnippets,
    MongoObserved,
    MongoReplicas,
):
    """Records in the database that a ``mongodb://`` URL names, chained with ``key`` if given."""

    _database: Database

    def __init__(
        self,
        url: str,
        key: bytes | None = None,
        *,
        patience: float = PATIENCE,
        migrations: Sequence[Migration] = MIGRATIONS,
    ) -> None:
        self._address = url
        self._key = key
        self._patience = patience
        self._migrations = migrations
        # Appends of this process wait here, rather than be in each other's way.
        self._turn = asyncio.Lock()
        self._resources = AsyncExitStack()
        self.ongoing = Ongoing()
        self.foreign: tuple[type[Exception], ...] = (PyMongoError, OSError)

    @property
    def url(self) -> str:
        """Where it is, with the password masked."""
        return masked(self._address)

    def reason(self, error: Exception) -> str:
        """The driver's own words, without its description of the whole topology."""
        if isinstance(error, TimeoutError) and not str(error):
            return f"no answer within {self._patience:g} s"
        return str(error).partition(", Timeout:")[0]

    async def open(self) -> None:
        """Connect, and bring the schema up to date.

        Raises ConfigError for a URL that cannot be used, StoreError for a newer schema.
        """
        client = self._connect()
        self._resources.push_async_callback(client.close)
        options: CodecOptions[dict[str, Any]] = CodecOptions(
            datetime_conversion=DatetimeConversion.DATETIME_MS  # any number of ms, without loss
        )
        self._database = client.get_default_database("onehop", codec_options=options)
        try:
            await self.ping()
            await migrate(self._database, self._migrations, self.url)
        except BaseException:
            await self.ongoing.settle(_GRACE)
            await self._resources.aclose()
            raise

    def _connect(self) -> AsyncMongoClient[dict[str, Any]]:
        unusable = (
            f"{self.url!r} is not a URL of MongoDB: write mongodb://user:password@host/name, with "
            f"%-escapes for what is special in the password"
        )
        if not has_proper_hosts(self._address):
            raise ConfigError("store", unusable)
        try:
            return AsyncMongoClient(
                self._address,
                serverSelectionTimeoutMS=int(self._patience * 1000),
                connectTimeoutMS=int(self._patience * 1000),
                socketTimeoutMS=_LONGEST_STATEMENT * 1000,
                appname="onehop",
            )
        except (InvalidURI, ValueError):
            raise ConfigError("store", unusable) from None
        except ConfigurationError as error:
            raise ConfigError("store", f"{self.url!r} cannot be used: {error}") from None

    async def aclose(self) -> None:
        """Let go of every connection."""
        await self.ongoing.settle(self._patience)
        await self._resources.aclose()

    async def ping(self) -> None:
        """Ask the database for an answer."""
        async with asyncio.timeout(self._patience + _GRACE):
            await self.ongoing.run(self._ask())

    async def _ask(self) -> None:
        await self._database.command("ping")

    async def append(self, entries: Sequence[Entry]) -> Sequence[ExecutionRecord]:
        """Take all entries in order, each once; without an answer, perhaps a first part of them."""
        batch = kept(entries)
        for record in batch.records:
            record.chained(1, GENESIS, self._key)  # before anything is taken
        async with self._turn:
            repeats = await self._append_records(batch.records)
            await self._append_events(batch.events)
        return repeats

    async def _append_records(self, records: Sequence[KeptRecord]) -> Sequence[ExecutionRecord]:
        if not records:
            return []
        runs = self._database["executions"]
        for _ in range(_TRIES):
            known = await _known_runs(runs, records)
            head = await self._end("executions")
            placed = place(records, known, head, self._key)
            documents = [record_document(each.record, each.texts) for each in placed]
            if await _insert(runs, documents):
                end = end_of(placed, head)
                await self._note("executions", end)
                await self._add_anchor(end, documents)
                return repeats_in(placed)
        raise StoreUnavailableError(self.url, "too many others append at the same time")

    async def _append_events(self, announced: Sequence[KeptEvent]) -> None:
        if not announced:
            return
        collection = self._database["events"]
        ids = [item.event.event_id for item in announced]
        for _ in range(_TRIES):
            known = await _known(collection, "eventId", ids)
            end = (await self._end("events")).sequence
            new = [item for item in announced if item.event.event_id not in known]
            documents = [event_document(item, end + place) for place, item in enumerate(new, 1)]
            if await _insert(collection, documents):
                await self._note("events", ChainHead(end + len(new), GENESIS))
                return
        raise StoreUnavailableError(self.url, "too many others append at the same time")

    async def _end(self, name: str) -> ChainHead:
        """Where the documents of a collection end, or ended before they expired."""
        last = await self._database[name].find_one(sort=[("sequence", DESCENDING)])
        noted = await self._noted(name)
        if last is None or last["sequence"] <= noted.sequence:
            return noted
        return ChainHead(int(last["sequence"]), last.get("hash", GENESIS))

    async def _noted(self, name: str) -> ChainHead:
        note = await self._database["chain_head"].find_one({"_id": name})
        if note is None:
            raise StoreError(f"the store {self.url} has lost the note of where its chain ends")
        return ChainHead(int(note["sequence"]), note["hash"])

    async def _note(self, name: str, end: ChainHead) -> None:
        await self._database["chain_head"].update_one(
            {"_id": name, "sequence": {"$lt": Int64(end.sequence)}},
            {"$set": {"sequence": Int64(end.sequence), "hash": end.hash}},
        )

    async def _add_anchor(self, end: ChainHead, appended: Sequence[Mapping[str, Any]]) -> None:
        """Note when the records since the last anchor ran, which tells when they expire.

        They are those just appended, and those whose writers broke off before they came to this.
        """
        anchors = self._database["chain_anchors"]
        last = await anchors.find_one(sort=[("sequence", DESCENDING)], projection={"sequence": 1})
        start = int(last["sequence"]) if last else 0
        since = {"$gt": Int64(start), "$lte": Int64(end.sequence)}
        found = self._database["executions"].find({"sequence": since}, _TIMES)
        known = {each["sequence"]: int(each["executedAt"]) async for each in found}
        known |= {each["sequence"]: int(each["executedAt"]) for each in appended}
        if known:
            numbers = range(start + 1, end.sequence + 1)
            times = tuple(known.get(number, _UNKNOWN) for number in numbers)
            anchor = ChainAnchor(end.sequence, end.hash, max(known.values()), times)
            await _insert(anchors, [anchor_document(anchor)])

    async def get(self, request_id: str, agent_id: str | None = None) -> ExecutionRecord | None:
        """The record of the first run of this request id."""
        wanted: dict[str, Any] = {"requestId": clean_text(request_id), "repeatOf": None}
        if agent_id is not None:
            wanted["agentId"] = clean_text(agent_id)
        runs, order = self._database["executions"], [("sequence", ASCENDING)]
        document = await runs.find_one(wanted, sort=order)
        if document is not None and document["errorType"] == GIVEN_UP:  # its name was free again
            again = {"agentId": document["agentId"], "repeatOf": document["sequence"]}
            ended = await runs.find_one({**again, "errorType": {"$ne": GIVEN_UP}}, sort=order)
            last = [("sequence", DESCENDING)]
            document = ended or await runs.find_one(again, sort=last) or document
        return record_of(document) if document else None

    async def history(self, query: HistoryQuery) -> list[ExecutionRecord]:
        """Records, newest first."""
        wanted = _history_filter(query)
        oldest = await self._time_at(wanted, query.offset + query.limit - 1)
        if oldest is not None:
            # It matches ``wanted``, so that it is no earlier than what that says.
            wanted["executedAt"] = {**wanted.get("executedAt", {}), "$gte": oldest}
        found = (
            self._database["executions"]
            .find(wanted, dict.fromkeys(BARE, False) if query.brief else None)
            .sort([("executedAt", DESCENDING), ("sequence", DESCENDING)])
            .skip(query.offset)
            .limit(query.limit)
        )
        if not query.limit:
            return []
        added = BARE if query.brief else {}
        return [record_of({**document, **added}) async for document in found]

    async def _time_at(self, wanted: Mapping[str, Any], place: int) -> DatetimeMS | None:
        """When the record at ``place`` of the history ran: found by an index alone.

        What is older need not be sorted; with an index on the time only, MongoDB would sort all
        of an agent's records to order those of the same millisecond.
        """
        found = (
            self._database["executions"]
            .find(wanted, {"_id": 0, "executedAt": 1})
            .sort("executedAt", DESCENDING)
            .skip(max(place, 0))
            .limit(1)
        )
        times = [document["executedAt"] async for document in found]
        return times[0] if times else None

    async def events(self, query: EventQuery) -> list[StoredEvent]:
        """Events in the order they were taken."""
        wanted: dict[str, Any] = {"sequence": {"$gt": Int64(query.after)}}
        wanted |= _same(query, ("request_id", "agent_id", "channel_id"))
        if query.event_types is not None:
            wanted["eventType"] = {"$in": sorted(query.event_types)}
        found = self._database["events"].find(wanted).sort("sequence", ASCENDING)
        return [event_of(document) async for document in found.limit(query.limit)]

    async def last_event(self) -> int:
        """The sequence of the event that was taken last."""
        return (await self._end("events")).sequence

    async def prune(self, now: int) -> int:
        """Drop anchors of records that are gone by now, but the newest of these; decisions, and
        runs that can be made again.

        The records and events themselves expire by MongoDB's TTL indexes, so this gives 0.
        """
        expired = DatetimeMS(now - RETENTION_SECONDS * 1000)
        first = await self._database["executions"].find_one(
            sort=[("sequence", ASCENDING)], projection={"sequence": 1}
        )
        gone: dict[str, Any] = {"executedAt": {"$lte": expired}}
        if first is not None:
            gone["sequence"] = {"$lt": first["sequence"]}
        anchors = self._database["chain_anchors"]
        newest = await anchors.find_one(gone, sort=[("sequence", DESCENDING)])
        if newest is not None:
            gone["sequence"] = {"$lt": newest["sequence"]}
            await anchors.delete_many(gone)
        cutoff = now - RETENTION_SECONDS * 1000
        await self._prune_approvals(cutoff)
        await self._prune_runs(now, cutoff)
        return 0

    # -- the chain

    async def head(self) -> ChainHead:
        """Where the chain ends."""
        return await self._noted("executions")

    async def chain(self, after: int, limit: int) -> list[ExecutionRecord]:
        """Records by sequence, ascending, those after sequence ``after``."""
        wanted = {"sequence": {"$gt": Int64(after)}}
        found = self._database["executions"].find(wanted).sort("sequence", ASCENDING)
        return [record_of(document) async for document in found.limit(limit)]

    async def anchors(self) -> list[ChainAnchor]:
        """Noted places of the chain, ascending."""
        found = self._database["chain_anchors"].find().sort("sequence", ASCENDING)
        return [anchor_of(document) async for document in found]


async def _known(collection: Documents, name: str, values: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(values), _MANY):
        wanted = {name: {"$in": values[start : start + _MANY]}}
        found.update([document[name] async for document in collection.find(wanted, {name: 1})])
    return found


async def _known_runs(runs: Documents, records: Sequence[KeptRecord]) -> Known:
    run_ids = [item.record.run_id for item in records if item.record.run_id is not None]
    names = [item.record.request_id for item in records]
    firsts: dict[RunName, First] = {}
    for start in range(0, len(names), _MANY):
        some = {"requestId": {"$in": names[start : start + _MANY]}, "repeatOf": None}
        async for each in runs.find(some, _NAMED):
            at = First(int(each["sequence"]), int(each["executedAt"]))
            firsts[each["agentId"], each["requestId"]] = at
    return Known(await _known(runs, "runId", run_ids), firsts)


async def _insert(collection: Documents, documents: list[dict[str, Any]]) -> bool:
    """Insert in order, up to the first whose place is taken; False if there was one."""
    if not documents:
        return True
    try:
        await collection.insert_many(documents, ordered=True)
    except BulkWriteError as error:
        details: Mapping[str, Any] = error.details or {}
        if {item["code"] for item in details.get("writeErrors", ())} != {_DUPLICATE}:
            raise
        await asyncio.sleep(random.uniform(0, 0.005))  # noqa: S311 - lets another go first
        return False
    return True


def _same(query: HistoryQuery | EventQuery, names: Sequence[str]) -> dict[str, Any]:
    wanted = {name: getattr(query, name) for name in names}
    return {
        _WIRE[name]: clean_text(value) if isinstance(value, str) else value
        for name, value in wanted.items()
        if value is not None
    }


_WIRE: Final = {
    "agent_id": "agentId",
    "channel_id": "channelId",
    "request_id": "requestId",
    "code_hash": "codeHash",
    "error_type": "errorType",
    "language": "language",
    "success": "success",
}


def _history_filter(query: HistoryQuery) -> dict[str, Any]:
    names = ("agent_id", "channel_id", "language", "success", "code_hash", "error_type")
    wanted = _same(query, names)
    if query.tool is not None:
        wanted |= {CALLED: True, "toolCalls.tool": clean_text(query.tool)}
    times = {}
    if query.since is not None:
        times["$gte"] = DatetimeMS(query.since)
    if query.until is not None:
        times["$lt"] = DatetimeMS(query.until)
    return {**wanted, "executedAt": times} if times else wanted
