"""Runs that can be made again, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Final

from bson.int64 import Int64
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.runs.kept import LONGEST_LEASE, WAITING, KeptRun, RunChange, RunPhase
from onehop.stores._kept import clean_text

_AT_ONCE: Final = 500
WAITS: Final[dict[str, Any]] = {"phase": {"$in": [*WAITING]}}
UNTOLD: Final = "untold"
"""Of a decision: its run does not know of it yet."""


class MongoRuns:
    """Kept runs in two collections. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def add_run(self, run: KeptRun) -> bool:
        """Take a run, unless it is there."""
        document = {to_camel(item.name): _bson(getattr(run, item.name)) for item in fields(KeptRun)}
        try:
            await self._database["kept_runs"].insert_one(document)
        except DuplicateKeyError:
            return False
        return True

    async def kept_run(self, run_id: str) -> KeptRun | None:
        """What is kept of a run."""
        found = await self._database["kept_runs"].find_one({"runId": clean_text(run_id)})
        return None if found is None else _run(found)

    async def kept_runs(
        self,
        *,
        request_id: str | None = None,
        agent_id: str | None = None,
        phase: RunPhase | None = None,
        limit: int = 100,
    ) -> list[KeptRun]:
        """The newest first."""
        given = {"requestId": request_id, "agentId": agent_id, "phase": phase}
        wanted = {name: clean_text(value) for name, value in given.items() if value is not None}
        order = [("createdAt", DESCENDING), ("runId", ASCENDING)]
        found = self._database["kept_runs"].find(wanted).sort(order).limit(limit)
        return [_run(document) async for document in found]

    async def add_run_part(
        self, run_id: str, fence: int, number: int, part: bytes, head: bytes | None = None
    ) -> bool:
        """Write down what a run has done. Anyone who claims it after the change that follows has
        read this part; before, the change is in vain."""
        place = {"runId": run_id, "fence": Int64(fence), "number": number}
        held = {"$set": {"part": part}}
        await self._database["run_parts"].update_one(place, held, upsert=True)
        same = {"runId": run_id, "fence": fence}
        done = await self._database["kept_runs"].update_one(same, {"$set": {"head": head}})
        return done.matched_count == 1

    async def run_parts(self, run_id: str) -> list[bytes]:
        """All that it has done, in order."""
        order = [("fence", ASCENDING), ("number", ASCENDING)]
        found = self._database["run_parts"].find({"runId": clean_text(run_id)}).sort(order)
        return [bytes(document["part"]) async for document in found]

    async def claim_run(self, run_id: str, owner: str, now: int, until: int) -> KeptRun | None:
        """Make it the owner's, if no one owns it now."""
        free = {"runId": clean_text(run_id), **WAITS, **_is_nobodys(now)}
        values = {"phase": "resuming", "owner": owner, "leaseUntil": Int64(until)}
        claimed = await self._database["kept_runs"].find_one_and_update(
            free,
            {"$set": values, "$inc": {"fence": Int64(1)}},
            return_document=ReturnDocument.AFTER,
        )
        return None if claimed is None else _run(claimed)

    async def change_run(self, run_id: str, fence: int, change: RunChange) -> bool:
        """Change it on behalf of its owner."""
        values = {to_camel(name): _bson(value) for name, value in change.values.items()}
        same = {"runId": run_id, "fence": fence}
        done = await self._database["kept_runs"].update_one(same, {"$set": values})
        return done.matched_count == 1

    async def wake_run(self, run_id: str) -> None:
        """Something was decided about it."""
        own = {"runId": clean_text(run_id)}
        await self._database["kept_runs"].update_one(own, {"$set": {"wake": True}})

    async def resumable_runs(self, now: int, limit: int) -> list[str]:
        """Those that can go on, and that no server owns."""
        async for decided in self._database["approvals"].find({UNTOLD: True}).limit(_AT_ONCE):
            await tell(self._database, decided)  # whoever decided did not get to it
        ready = [{"wake": True}, {"phase": {"$ne": "paused"}}, {"expiresAt": {"$lte": Int64(now)}}]
        wanted = {**WAITS, "$and": [_is_nobodys(now), {"$or": ready}]}
        found = self._database["kept_runs"].find(wanted, {"runId": 1})
        return [str(each["runId"]) async for each in found.sort("createdAt", 1).limit(limit)]

    async def drop_runs(self, run_ids: Sequence[str]) -> None:
        """Forget them."""
        for name in ("run_parts", "kept_runs"):
            await self._database[name].delete_many({"runId": {"$in": list(run_ids)}})

    async def _prune_runs(self, now: int, cutoff: int) -> None:
        old = {"$lte": Int64(cutoff)}
        lost = {"phase": "running", "createdAt": old, "leaseUntil": old}
        over = {"$or": [{"phase": "ended", "keepUntil": {"$lte": Int64(now)}}, lost]}
        while True:
            found = self._database["kept_runs"].find(over, {"runId": 1}).limit(_AT_ONCE)
            gone = [str(each["runId"]) async for each in found]
            if not gone:
                return
            await self.drop_runs(gone)


async def tell(database: AsyncDatabase[dict[str, Any]], decided: dict[str, Any]) -> None:
    """Wake the run about whose call something was decided.

    After the decision: a run that was woken before it could look, find nothing, and wait on. The
    decision says that its run does not know of it yet, so that one whose process ends in between
    is not lost.
    """
    own = {"runId": decided["runId"]}
    await database["kept_runs"].update_one(own, {"$set": {"wake": True}})
    await database["approvals"].update_one({"_id": decided["_id"]}, {"$unset": {UNTOLD: ""}})


def _is_nobodys(now: int) -> dict[str, Any]:
    """As in SQL."""
    over = {"$lte": Int64(now)}, {"$gt": Int64(now + LONGEST_LEASE)}
    return {"$or": [{"leaseUntil": each} for each in over]}


def _bson(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    return Int64(value) if type(value) is int else value


def _run(document: dict[str, Any]) -> KeptRun:
    found = {item.name: document.get(to_camel(item.name)) for item in fields(KeptRun)}
    values: dict[str, Any] = {
        name: int(value) if isinstance(value, Int64) else value for name, value in found.items()
    }
    values["program"] = bytes(values["program"])
    values["head"] = None if values["head"] is None else bytes(values["head"])
    return KeptRun(**values)
