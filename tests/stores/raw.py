"""What somebody can do to a store's data who goes round the store."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any, Protocol

import asyncpg
from bson.datetime_ms import DatetimeMS
from pydantic.alias_generators import to_camel
from pymongo import AsyncMongoClient

from onehop.records import ExecutionRecord
from onehop.stores.base import ChainHead, Store
from onehop.stores.memory import MemoryStore


class Raw(Protocol):
    """Acts on single records, by their place."""

    async def change(self, sequence: int, /, **fields: Any) -> None:
        """Overwrite fields as they are stored, JSON as text."""

    async def remove(self, sequence: int) -> None:
        """Take a record out."""

    async def put(self, sequence: int, /, **fields: Any) -> None:
        """Put in a copy of the record at 1, with other fields."""

    async def note_head(self, head: ChainHead) -> None:
        """Say that the chain ends elsewhere, and remove what would contradict."""


@asynccontextmanager
async def raw_access(url: str, store: Store) -> AsyncIterator[Raw]:
    """Access to the data that ``store`` keeps at ``url``."""
    if isinstance(store, MemoryStore):
        yield RawMemory(store)
    elif url.startswith("mongodb"):
        async with AsyncMongoClient[dict[str, Any]](url) as client:
            yield RawMongo(client)
    else:
        yield RawSql(url)


class RawSql:
    """SQLite and PostgreSQL, with their own drivers."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What ``statement`` gives."""
        if self._url.startswith("sqlite"):
            path = self._url.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path)) as database, database:
                return database.execute(statement).fetchall()
        connection = await asyncpg.connect(self._url)
        try:
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    async def change(self, sequence: int, /, **fields: Any) -> None:
        changes = ", ".join(f"{name} = {_literal(value)}" for name, value in fields.items())
        await self.rows(f"UPDATE executions SET {changes} WHERE sequence = {sequence}")

    async def remove(self, sequence: int) -> None:
        await self.rows(f"DELETE FROM executions WHERE sequence = {sequence}")

    async def put(self, sequence: int, /, **fields: Any) -> None:
        values = {"sequence": sequence, **fields}
        names = list(ExecutionRecord.model_fields)
        chosen = (_literal(values[name]) if name in values else name for name in names)
        await self.rows(
            f"INSERT INTO executions ({', '.join(names)}) SELECT {', '.join(chosen)} "
            f"FROM executions WHERE sequence = 1"
        )

    async def note_head(self, head: ChainHead) -> None:
        await self.rows(f"UPDATE chain_head SET sequence = {head.sequence}, hash = '{head.hash}'")


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


class RawMongo:
    """MongoDB, with its own driver."""

    def __init__(self, client: AsyncMongoClient[dict[str, Any]]) -> None:
        self.database = client.get_default_database()
        self._runs = self.database["executions"]

    async def change(self, sequence: int, /, **fields: Any) -> None:
        await self._runs.update_one({"sequence": sequence}, {"$set": _document(fields)})

    async def remove(self, sequence: int) -> None:
        await self._runs.delete_one({"sequence": sequence})

    async def put(self, sequence: int, /, **fields: Any) -> None:
        document = await self._runs.find_one({"sequence": 1}, {"_id": 0})
        assert document is not None
        await self._runs.insert_one({**document, "sequence": sequence, **_document(fields)})

    async def note_head(self, head: ChainHead) -> None:
        values = {"sequence": head.sequence, "hash": head.hash}
        await self.database["chain_head"].update_one({"_id": "executions"}, {"$set": values})
        await self.database["chain_anchors"].delete_many({})


def _document(fields: dict[str, Any]) -> dict[str, Any]:
    times = ("executed_at", "created_at")
    return {
        to_camel(name): DatetimeMS(value) if name in times else value
        for name, value in fields.items()
    }


class RawMemory:
    """The lists of a MemoryStore."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def _index(self, sequence: int) -> int:
        found = (i for i, kept in enumerate(self._store._records) if kept.sequence == sequence)
        return next(found)

    async def change(self, sequence: int, /, **fields: Any) -> None:
        place = self._index(sequence)
        changed = self._store._records[place].model_copy(update=fields)
        self._store._records[place] = changed
        self._sort()

    async def remove(self, sequence: int) -> None:
        del self._store._records[self._index(sequence)]

    async def put(self, sequence: int, /, **fields: Any) -> None:
        first = self._store._records[self._index(1)]
        forged = first.model_copy(update={"sequence": sequence, **fields})
        self._store._records.append(forged)
        self._sort()

    async def note_head(self, head: ChainHead) -> None:
        self._store._head = head

    def _sort(self) -> None:
        self._store._records.sort(key=lambda kept: kept.sequence or 0)
