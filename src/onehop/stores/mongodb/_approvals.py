"""Calls that wait for a person, in MongoDB."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from bson.int64 import Int64
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.runs.decisions import STATUSES, Approval, ApprovalStatus
from onehop.stores._kept import clean_text
from onehop.stores.mongodb._runs import UNTOLD, WAITS, tell


class MongoApprovals:
    """Approvals in a collection. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def add_approvals(self, approvals: Sequence[Approval]) -> None:
        """Take calls that wait for a decision; one that is there already is left as it is."""
        for each in approvals:
            try:
                await self._database["approvals"].insert_one(_document(each))
            except DuplicateKeyError:
                continue

    async def approvals(
        self,
        *,
        run_id: str | None = None,
        agent_id: str | None = None,
        status: ApprovalStatus | None = None,
        limit: int = 100,
    ) -> list[Approval]:
        """The oldest first, then by call."""
        given = {"runId": run_id, "agentId": agent_id, "status": status}
        wanted = {name: clean_text(value) for name, value in given.items() if value is not None}
        order = [("requestedAt", ASCENDING), ("runId", ASCENDING), ("callId", ASCENDING)]
        found = self._database["approvals"].find(wanted).sort(order).limit(limit)
        return [_approval(document) async for document in found]

    async def decide_approval(
        self,
        run_id: str,
        call_id: str,
        status: ApprovalStatus,
        *,
        by: str | None,
        now: int,
        reason: str | None = None,
        edited: str | None = None,
    ) -> Approval | None:
        """Decide about one that is pending. The first decision stands."""
        call: dict[str, Any] = {"runId": clean_text(run_id), "callId": clean_text(call_id)}
        in_time = {} if status == "expired" else {"expiresAt": {"$gt": Int64(now)}}
        values = {"status": status, "decidedBy": by, "decidedAt": Int64(now)}
        change = {"$set": {**values, "reason": reason, "edited": edited, UNTOLD: True}}
        collection = self._database["approvals"]
        await collection.update_one({**call, "status": "pending", **in_time}, change)
        document = await collection.find_one(call)
        if document is not None and document.get(UNTOLD):
            await tell(self._database, document)
        return _approval(document) if document else None

    async def _prune_approvals(self, cutoff: int) -> None:
        """Drop those about runs that do not wait any more."""
        needed = await self._database["kept_runs"].distinct("runId", WAITS)
        old = {"requestedAt": {"$lte": Int64(cutoff)}, "runId": {"$not": {"$in": needed}}}
        for status in STATUSES:  # as the index has them
            await self._database["approvals"].delete_many({"status": status, **old})


def _document(approval: Approval) -> dict[str, Any]:
    # No ``expireFrom``: MongoDB would drop the document by it, but a run may wait for longer.
    return {to_camel(item.name): _bson(getattr(approval, item.name)) for item in fields(Approval)}


def _bson(value: Any) -> Any:
    if isinstance(value, str):
        return clean_text(value)
    return Int64(value) if type(value) is int else value


def _approval(document: dict[str, Any]) -> Approval:
    found = {item.name: document.get(to_camel(item.name)) for item in fields(Approval)}
    values: dict[str, Any] = {
        name: int(value) if isinstance(value, Int64) else value for name, value in found.items()
    }
    return Approval(**values)
