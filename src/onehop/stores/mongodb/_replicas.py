"""Leases and notes of servers, in MongoDB."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.stores._kept import clean_text
from onehop.stores.base import NOTE_LIFE, Lease, ServerNote

_POLLED: Final = 0.5
"""Seconds between two looks for new events."""
_ASKED_EVERY: Final = 60.0
"""Seconds for which what the server's clock said is believed."""


class MongoReplicas:
    """What servers share in collections. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]
    _ahead: tuple[float, int] | None = None
    """When the server's clock was read, in seconds of a steady clock, and what it was ahead of that
    clock by, in ms."""

    async def take_lease(self, name: str, holder: str, duration: int) -> Lease | None:
        """Let ``holder`` have ``name``, unless another has it."""
        now = await self.time()
        try:
            return await self._try_lease(name, holder, now, duration)
        except DuplicateKeyError:  # another has it
            return None

    async def _try_lease(self, name: str, holder: str, now: int, duration: int) -> Lease | None:
        held, at = self._database["leases"], DatetimeMS(now)
        until = DatetimeMS(now + duration)
        own = {"_id": name, "holder": holder, "expiresAt": {"$gt": at}}
        again = {"$set": {"expiresAt": until, "lapsed": False}}
        kept = await held.find_one_and_update(own, again)
        if kept is not None:
            return Lease(name, holder, int(kept["token"]))
        old = await held.find_one({"_id": name})
        token = Int64(max(int(old["token"]) + 1 if old else 0, now * 1000))
        fields = {"holder": holder, "token": token, "expiresAt": until, "lapsed": old is not None}
        if old is None:
            await held.insert_one({"_id": name, **fields})
        # Only if nobody has come first: the token is still the one that was seen.
        elif not await self._replace({"_id": name, "token": old["token"]}, at, fields):
            return None
        return Lease(name, holder, int(token), old is not None)

    async def _replace(self, seen: dict[str, Any], at: DatetimeMS, fields: dict[str, Any]) -> bool:
        expired = {**seen, "expiresAt": {"$lte": at}}
        done = await self._database["leases"].update_one(expired, {"$set": fields})
        return done.matched_count == 1

    async def keep_leases(self, holder: str, names: Collection[str], duration: int) -> set[str]:
        """Let ``holder`` go on having those that it has."""
        if not names:
            return set()
        now = await self.time()
        mine = {
            "_id": {"$in": list(names)},
            "holder": holder,
            "expiresAt": {"$gt": DatetimeMS(now)},
        }
        later = {"$set": {"expiresAt": DatetimeMS(now + duration)}}
        await self._database["leases"].update_many(mine, later)
        found = self._database["leases"].find(mine, {"_id": True})
        return {str(document["_id"]) async for document in found}

    async def drop_leases(self, holder: str, names: Collection[str]) -> None:
        """Let others have them."""
        if names:
            mine = {"_id": {"$in": list(names)}, "holder": holder}
            await self._database["leases"].delete_many(mine)

    async def exchange_notes(self, server: str, text: str) -> list[ServerNote]:
        """Leave a note; gives those of the others."""
        now = await self.time()
        note = {"$set": {"text": clean_text(text), "at": DatetimeMS(now)}}
        await self._database["server_notes"].update_one({"_id": server}, note, upsert=True)
        fresh = {"_id": {"$ne": server}, "at": {"$gte": DatetimeMS(now - NOTE_LIFE)}}
        found = self._database["server_notes"].find(fresh)
        return [
            ServerNote(str(each["_id"]), str(each["text"]), max(0, now - int(each["at"])))
            async for each in found
        ]

    async def await_events(self, after: int, patience: float) -> None:  # noqa: ARG002
        """Return after a pause."""
        await asyncio.sleep(min(patience, _POLLED))

    async def time(self) -> int:
        """The time by the server's clock, in ms since the epoch."""
        steady = time.monotonic()
        if self._ahead is None or steady - self._ahead[0] > _ASKED_EVERY:
            told = await self._database.command("hello", codec_options=self._database.codec_options)
            self._ahead = (steady, int(told["localTime"]) - int(time.monotonic() * 1000))
        return int(time.monotonic() * 1000) + self._ahead[1]
