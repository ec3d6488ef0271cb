"""What the answers of tools have looked like, in MongoDB."""

from __future__ import annotations

from typing import Any

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pymongo import ASCENDING, DESCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.stores._kept import clean_text
from onehop.stores.base import MOST_OBSERVED
from onehop.tools.observed import ObservedType


class MongoObserved:
    """Observed types in a collection, which expire by ``observedAt``. MongoStore translates what
    the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def observed_types(self) -> list[ObservedType]:
        """Those whose last answer is the latest."""
        order = [("observedAt", DESCENDING), ("tool", ASCENDING)]
        found = self._database["observed_types"].find().sort(order).limit(MOST_OBSERVED)
        return [_observed(document) async for document in found]

    async def observed_type(self, namespace: str, tool: str) -> ObservedType | None:
        """What is kept of a tool."""
        document = await self._database["observed_types"].find_one(_name(namespace, tool))
        return None if document is None else _observed(document)

    async def keep_observed_type(self, observed: ObservedType) -> bool:
        """Replace what is kept of the tool, if that has the same revision."""
        collection, document = self._database["observed_types"], _document(observed)
        if observed.revision == 0:
            try:
                await collection.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        same = {**_name(observed.namespace, observed.tool), "revision": Int64(observed.revision)}
        done = await collection.replace_one(same, document)
        return done.matched_count == 1


def _name(namespace: str, tool: str) -> dict[str, Any]:
    return {"namespace": clean_text(namespace), "tool": clean_text(tool)}


def _document(observed: ObservedType) -> dict[str, Any]:
    return {
        **_name(observed.namespace, observed.tool),
        "fingerprint": observed.fingerprint,
        "shape": observed.shape,
        "count": Int64(observed.count),
        "observedAt": DatetimeMS(observed.observed_at),
        "revision": Int64(observed.revision + 1),
    }


def _observed(document: dict[str, Any]) -> ObservedType:
    return ObservedType(
        namespace=document["namespace"],
        tool=document["tool"],
        fingerprint=document["fingerprint"],
        shape=document["shape"],
        count=int(document["count"]),
        observed_at=int(document["observedAt"]),
        revision=int(document["revision"]),
    )
