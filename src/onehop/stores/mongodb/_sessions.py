"""Sessions, and what their code keeps, in MongoDB."""

from __future__ import annotations

import time
from typing import Any

from bson.datetime_ms import DatetimeMS
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase

from onehop.stores.base import DROPPED_AT_ONCE, SessionNote


class MongoSessions:
    """Sessions in the collections ``sessions`` and ``session_values``, which expire by
    ``usedAt``. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def note_session(self, note: SessionNote, most: int | None = None) -> list[str]:
        """Take a note in place of an earlier one of the same session."""
        same = {"agentId": note.agent_id, "session": note.session}
        used = {"usedAt": DatetimeMS(note.used_at)}
        change = {
            "$set": {"names": list(note.names), **used},
            "$setOnInsert": {"createdAt": DatetimeMS(note.created_at)},
        }
        await self._database["sessions"].update_one(same, change, upsert=True)
        await self._database["session_values"].update_many(same, {"$set": used})
        gone = [] if most is None else await self._unused_longest(note, most)
        if gone:
            await self._forget(note.agent_id, gone)
        return gone

    async def _unused_longest(self, note: SessionNote, most: int) -> list[str]:
        """Those of an agent that are too many, beside the one that is noted."""
        others = {"agentId": note.agent_id, "session": {"$ne": note.session}}
        found = self._database["sessions"].find(others, {"session": True})
        found = found.sort([("usedAt", DESCENDING), ("session", ASCENDING)])
        found = found.skip(max(0, most - 1)).limit(DROPPED_AT_ONCE)
        return [str(document["session"]) async for document in found]

    async def _forget(self, agent_id: str, names: list[str]) -> int:
        """How many documents went."""
        same = {"agentId": agent_id, "session": {"$in": names}}
        gone = await self._database["session_values"].delete_many(same)
        noted = await self._database["sessions"].delete_many(same)
        return gone.deleted_count + noted.deleted_count

    async def session_note(self, agent_id: str, session: str) -> SessionNote | None:
        """What is known of it."""
        same = {"agentId": agent_id, "session": session}
        found = await self._database["sessions"].find_one(same)
        if found is None:
            return None
        return SessionNote(
            agent_id=agent_id,
            session=session,
            names=tuple(found["names"]),
            created_at=int(found["createdAt"]),
            used_at=int(found["usedAt"]),
        )

    async def forget_session(self, agent_id: str, session: str) -> bool:
        """Drop the note, and all that is kept with it."""
        return await self._forget(agent_id, [session]) > 0

    async def session_value(self, agent_id: str, session: str, key: str) -> str | None:
        """The text that is kept under ``key``."""
        same = {"agentId": agent_id, "session": session, "key": key}
        found = await self._database["session_values"].find_one(same)
        return None if found is None else str(found["text"])

    async def set_session_value(
        self, agent_id: str, session: str, key: str, text: str, most: int
    ) -> bool:
        """Keep ``text`` under ``key``, unless it is too much."""
        same = {"agentId": agent_id, "session": session}
        size = len(key.encode()) + len(text.encode())
        others: list[dict[str, Any]] = [
            {"$match": {**same, "key": {"$ne": key}}},
            {"$group": {"_id": None, "size": {"$sum": "$size"}}},
        ]
        values = self._database["session_values"]
        kept = [int(row["size"]) async for row in await values.aggregate(others)]
        if sum(kept) + size > most:
            return False
        now = DatetimeMS(time.time_ns() // 1_000_000)
        if not kept:
            new = {"$setOnInsert": {"names": [], "createdAt": now, "usedAt": now}}
            await self._database["sessions"].update_one(same, new, upsert=True)
        change = {"$set": {"text": text, "size": size, "usedAt": now}}
        await values.update_one({**same, "key": key}, change, upsert=True)
        return True

    async def delete_session_value(self, agent_id: str, session: str, key: str) -> bool:
        """Drop what is kept under ``key``."""
        same = {"agentId": agent_id, "session": session, "key": key}
        gone = await self._database["session_values"].delete_one(same)
        return gone.deleted_count == 1

    async def session_keys(self, agent_id: str, session: str) -> list[str]:
        """All keys, ascending."""
        same = {"agentId": agent_id, "session": session}
        found = self._database["session_values"].find(same, {"key": True}).sort("key", ASCENDING)
        return [str(document["key"]) async for document in found]
