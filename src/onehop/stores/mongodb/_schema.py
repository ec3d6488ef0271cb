"""The collections of the MongoDB store, their indexes, and the changes that bring them about."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.errors import StoreError
from onehop.events import CODE_SECURITY_ISSUE
from onehop.records import GENESIS
from onehop.stores.base import RETENTION_SECONDS
from onehop.stores.mongodb._documents import CALLED, REPEAT, called, record_of

Database = AsyncDatabase[dict[str, Any]]

_UP, _DOWN = ASCENDING, DESCENDING
_LEASE_KEPT: Final = 86_400
"""Seconds that a lease is remembered after it has expired."""
_NEWEST_FIRST: Final = (("executedAt", _DOWN), ("sequence", _DOWN))
_SLOWEST_FIRST: Final = (("executionTime", _DOWN), ("sequence", _UP))
INDEXES: Final[Mapping[str, tuple[IndexModel, ...]]] = {
    "executions": (
        IndexModel([("sequence", _UP)], unique=True),
        IndexModel([("requestId", _UP), ("agentId", _UP), (REPEAT, _UP)], unique=True),
        IndexModel([("runId", _UP)], unique=True, sparse=True),
        IndexModel([("agentId", _UP)]),
        IndexModel([("channelId", _UP)]),
        IndexModel([("codeHash", _UP)]),
        IndexModel([("success", _UP)]),
        IndexModel([("agentId", _UP), ("executedAt", _DOWN)]),
        IndexModel([("channelId", _UP), ("executedAt", _DOWN)]),
        IndexModel([("codeHash", _UP), ("success", _UP)]),
        IndexModel([("language", _UP), ("success", _UP)]),
        IndexModel([("agentId", _UP), ("success", _UP), ("executedAt", _DOWN)]),
        IndexModel([("channelId", _UP), ("language", _UP), ("executedAt", _DOWN)]),
        IndexModel([("executedAt", _UP)], expireAfterSeconds=RETENTION_SECONDS),
        # For analytics: the lists in their order, and percentiles.
        IndexModel([("success", _UP), *_NEWEST_FIRST]),
        IndexModel([("agentId", _UP), ("success", _UP), *_NEWEST_FIRST]),
        IndexModel([("codeHash", _UP), *_NEWEST_FIRST]),
        IndexModel([("agentId", _UP), *_SLOWEST_FIRST]),
        IndexModel([*_SLOWEST_FIRST]),
        IndexModel(
            [(CALLED, _UP), ("agentId", _UP), ("executedAt", _DOWN)],
            partialFilterExpression={CALLED: True},
        ),
        # For the history's filters.
        IndexModel([("errorType", _UP), *_NEWEST_FIRST]),
        IndexModel(
            [("toolCalls.tool", _UP), *_NEWEST_FIRST], partialFilterExpression={CALLED: True}
        ),
    ),
    "events": (
        IndexModel([("sequence", _UP)], unique=True),
        IndexModel([("eventId", _UP)], unique=True),
        IndexModel([("timestamp", _UP)], expireAfterSeconds=RETENTION_SECONDS),
        IndexModel([("requestId", _UP), ("sequence", _UP)]),
        IndexModel([("agentId", _UP), ("sequence", _UP)]),
        IndexModel([("channelId", _UP), ("sequence", _UP)]),
        IndexModel(
            [("agentId", _UP), ("timestamp", _UP)],
            partialFilterExpression={"eventType": CODE_SECURITY_ISSUE},
        ),
    ),
    "chain_anchors": (IndexModel([("sequence", _UP)], unique=True),),
    "rollups": (
        IndexModel([("day", _UP), ("agentId", _UP), ("language", _UP)], unique=True),
        IndexModel([("agentId", _UP), ("day", _UP)]),
    ),
}
"""The contract's indexes, those of retention and of the events' readers, and those that analytics
asks for."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One change. Applying it again does no harm."""

    number: int
    name: str
    apply: Callable[[Database], Awaitable[None]]


async def _create_notes(database: Database) -> None:
    """The documents that exist once each."""
    for name in ("executions", "events"):
        empty = {"sequence": Int64(0), "hash": GENESIS}
        await _insert_once(database, "chain_head", {"_id": name, **empty})
    await _insert_once(database, "rollup_state", {"_id": 1, "watermark": Int64(0)})


async def _create_indexes(database: Database) -> None:
    for name, indexes in INDEXES.items():
        await database[name].create_indexes(list(indexes))


async def _name_runs(database: Database) -> None:
    """Runs get names of their own, and a request id belongs to its agent."""
    indexes = await database["executions"].index_information()
    if "requestId_1" in indexes:
        await database["executions"].drop_index("requestId_1")
    await _create_indexes(database)


async def _create_agents(database: Database) -> None:
    await database["agents"].create_indexes(
        [
            IndexModel([("agentId", _UP)], unique=True),
            IndexModel([("keyId", _UP)], unique=True),
        ]
    )


async def _give_agents_rules(_database: Database) -> None:
    """An agent without the field has none."""


async def _count_tool_calls(database: Database) -> None:
    """Calls of tools can be counted, also those of the records that are there already."""
    await _create_indexes(database)
    wanted = {"details": {"$regex": '"toolCalls"'}, CALLED: {"$exists": False}}
    async for document in database["executions"].find(wanted):
        fields = called(record_of(document))
        if fields:
            await database["executions"].update_one({"_id": document["_id"]}, {"$set": fields})


async def _create_approvals(database: Database) -> None:
    await database["approvals"].create_indexes(
        [
            IndexModel([("runId", _UP), ("callId", _UP)], unique=True),
            IndexModel([("status", _UP), ("requestedAt", _UP)]),
            IndexModel([("expireFrom", _UP)], expireAfterSeconds=RETENTION_SECONDS),
        ]
    )


async def _create_sessions(database: Database) -> None:
    for name, more in (("sessions", []), ("session_values", [("key", _UP)])):
        await database[name].create_indexes(
            [
                IndexModel([("agentId", _UP), ("session", _UP), *more], unique=True),
                IndexModel([("usedAt", _UP)], expireAfterSeconds=RETENTION_SECONDS),
            ]
        )


async def _create_observed_types(database: Database) -> None:
    await database["observed_types"].create_indexes(
        [
            IndexModel([("namespace", _UP), ("tool", _UP)], unique=True),
            IndexModel([("observedAt", _UP)], expireAfterSeconds=RETENTION_SECONDS),
        ]
    )


async def _create_leases(database: Database) -> None:
    for name, field, seconds in (("leases", "expiresAt", _LEASE_KEPT), ("server_notes", "at", 60)):
        index = IndexModel([(field, _UP)], expireAfterSeconds=seconds)
        await database[name].create_indexes([index])


async def _create_kept_runs(database: Database) -> None:
    await database["kept_runs"].create_indexes(
        [
            IndexModel([("runId", _UP)], unique=True),
            IndexModel([("requestId", _UP), ("agentId", _UP)]),
            IndexModel([("phase", _UP), ("leaseUntil", _UP)]),
        ]
    )
    place = [("runId", _UP), ("fence", _UP), ("number", _UP)]
    await database["run_parts"].create_indexes([IndexModel(place, unique=True)])


async def _create_tallies(database: Database) -> None:
    """The next rollup fills them from the records that are there."""
    key = [("length", _UP), ("whose", _UP), ("start", _UP)]
    indexes = [IndexModel(key, unique=True), IndexModel([("length", _UP), ("start", _UP)])]
    await database["tallies"].create_indexes(indexes)


async def _create_snippets(database: Database) -> None:
    key = IndexModel([("agentId", _UP), ("name", _UP)], unique=True)
    await database["snippets"].create_indexes([key])


async def _find_untold(database: Database) -> None:
    await database["approvals"].create_indexes([IndexModel([("untold", _UP)], sparse=True)])


MIGRATIONS: Final = (
    Migration(1, "note where the chain begins", _create_notes),
    Migration(2, "index what is asked for", _create_indexes),
    Migration(3, "know agents by their keys", _create_agents),
    Migration(4, "give each run a name of its own", _name_runs),
    Migration(5, "give agents rules", _give_agents_rules),
    Migration(6, "count calls of tools", _count_tool_calls),
    Migration(7, "keep calls that wait for a person", _create_approvals),
    Migration(8, "keep what sessions store", _create_sessions),
    Migration(9, "keep what tools have answered like", _create_observed_types),
    Migration(10, "let servers share the work", _create_leases),
    Migration(11, "keep runs that can be made again", _create_kept_runs),
    Migration(12, "count what ran by slices of time", _create_tallies),
    Migration(13, "keep snippets", _create_snippets),
    Migration(14, "find runs by cause and by tool", _create_indexes),
    Migration(15, "find decisions that a run has not heard", _find_untold),
)


async def migrate(database: Database, migrations: Sequence[Migration], url: str) -> None:
    """Apply what is missing, in order. Several processes may do so at once.

    Raises StoreError when the store was written by a newer onehop.
    """
    found = database["schema_migrations"].find().sort("_id", _UP)
    applied = {document["_id"]: document["name"] async for document in found}
    last = migrations[-1].number
    newer = [f"{number} ({name})" for number, name in applied.items() if number > last]
    if newer:
        raise StoreError(
            f"the store {url} was written by a newer onehop: it has migration {newer[-1]}, and "
            f"this one knows {last}. Upgrade onehop, or name another store with ONEHOP_STORE"
        )
    for migration in migrations:
        if migration.number not in applied:
            await migration.apply(database)
            now = Int64(time.time_ns() // 1_000_000)
            document = {"_id": migration.number, "name": migration.name, "appliedAt": now}
            await _insert_once(database, "schema_migrations", document)


async def _insert_once(database: Database, collection: str, document: dict[str, Any]) -> None:
    try:
        await database[collection].insert_one(document)
    except DuplicateKeyError:
        return
