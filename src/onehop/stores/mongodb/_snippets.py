"""Snippets in MongoDB."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.runs.saved import MOST_SNIPPETS, Snippet
from onehop.stores._kept import clean_text

_WIRE: Final = {each.name: to_camel(each.name) for each in fields(Snippet)}
"""Fields of a document, by those of a snippet."""


class MongoSnippets:
    """Snippets in a collection. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        """By agent and name."""
        wanted = {} if agent_id is None else {"agentId": clean_text(agent_id)}
        order = [("agentId", ASCENDING), ("name", ASCENDING)]
        found = self._database["snippets"].find(wanted).sort(order).limit(MOST_SNIPPETS)
        return [_snippet(document) async for document in found]

    async def snippet(self, agent_id: str, name: str) -> Snippet | None:
        """What is kept under a name."""
        document = await self._database["snippets"].find_one(_key(agent_id, name))
        return None if document is None else _snippet(document)

    async def keep_snippet(self, snippet: Snippet) -> bool:
        """Put it in the place of the version before."""
        collection, document = self._database["snippets"], _document(snippet)
        if snippet.version == 1:
            try:
                await collection.insert_one(document)
            except DuplicateKeyError:
                return False
            return True
        same = {**_key(snippet.agent_id, snippet.name), "version": Int64(snippet.version - 1)}
        done = await collection.replace_one(same, document)
        return done.matched_count == 1

    async def drop_snippet(self, agent_id: str, name: str) -> bool:
        """Forget it."""
        done = await self._database["snippets"].delete_one(_key(agent_id, name))
        return done.deleted_count == 1


def _key(agent_id: str, name: str) -> dict[str, Any]:
    return {"agentId": clean_text(agent_id), "name": clean_text(name)}


def _document(snippet: Snippet) -> dict[str, Any]:
    values = {
        _WIRE[name]: clean_text(value) if isinstance(value, str) else value
        for name, value in asdict(snippet).items()
    }
    times = {"version": Int64(snippet.version), "savedAt": DatetimeMS(snippet.saved_at)}
    return {**values, **times}


def _snippet(document: dict[str, Any]) -> Snippet:
    values = {name: document[wire] for name, wire in _WIRE.items()}
    return Snippet(
        **{**values, "version": int(values["version"]), "saved_at": int(values["saved_at"])}
    )
