"""A store that the last version has left is brought up to date, with all that is in it.

``data/v3.*`` was written by onehop as it was before runs had names of their own.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from bson import json_util
from pymongo import AsyncMongoClient, IndexModel

from onehop.audit import verify
from onehop.stores.base import EventQuery
from tests.stores.records import Kind, entries, record, unopened

DATA = Path(__file__).with_name("data")
OLD_HEAD = "fd6bae56c4228a7e25bb84528d46875bd1152056c794aa327d899f366a89af64"


@pytest.fixture(params=["sqlite", "postgresql", "mongodb"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which database."""
    found: Kind = request.param
    return found


async def restored(kind: Kind, request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of a store as the last version left it."""
    if kind == "sqlite":
        path = folder / "store.db"
        with closing(sqlite3.connect(path)) as database:
            database.executescript((DATA / "v3.sqlite.sql").read_text("utf-8"))
        return f"sqlite:///{path}"
    server = request.getfixturevalue(f"{kind}_server")
    return await (_postgresql if kind == "postgresql" else _mongodb)(server)


async def _postgresql(server: Any) -> str:
    connection = await asyncpg.connect(server.url)
    await connection.execute("DROP SCHEMA IF EXISTS old CASCADE")
    await connection.execute((DATA / "v3.postgresql.sql").read_text("utf-8"))
    await connection.close()
    return f"{server.url}?search_path=old"


async def _mongodb(server: Any) -> str:
    url: str = server.create("old_upgrade")
    found = json_util.loads((DATA / "v3.mongodb.json").read_text("utf-8"))
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        database = client.get_default_database()
        await client.drop_database(database.name)
        for name, part in found.items():
            indexes = [dict(each) for each in part["indexes"] if each["name"] != "_id_"]
            models = [IndexModel(list(each.pop("key").items()), **each) for each in indexes]
            if models:
                await database[name].create_indexes(models)
            if part["documents"]:
                await database[name].insert_many(part["documents"])
    return url


async def test_a_store_of_the_last_version_is_upgraded_with_all_that_is_in_it(
    kind: Kind, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store = unopened(await restored(kind, request, tmp_path))
    await store.open()
    try:
        report = await verify(store, expect=OLD_HEAD, now=1_790_000_100_000)
        assert (report.ok, report.checked, report.repeated) == (True, 3, 0)
        old = await store.chain(0, 10)
        assert [(each.run_id, each.repeat_of) for each in old] == [(None, None)] * 3
        assert old[0].output == {"π": [1, "\0"]}
        assert len(await store.events(EventQuery())) == 6
        agent = await store.find_agent("0" * 16)
        assert agent is not None
        assert agent.rules is None
        assert await store.set_rules(agent.agent_id, "[]")
    finally:
        await store.aclose()


async def test_in_an_upgraded_store_old_request_ids_stay_taken_and_nothing_is_kept_twice(
    kind: Kind, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store = unopened(await restored(kind, request, tmp_path))
    await store.open()
    try:
        old = await store.chain(0, 10)
        left = [each.model_copy(update={"sequence": None, "hash": None}) for each in old]
        assert await store.append(entries(*left)) == []  # an old journal had them still
        assert len(await store.chain(0, 10)) == 3
        again = record(request_id="old-1", agent_id="ada", run_id="a" * 32)
        (told,) = await store.append(entries(again))
        assert told.repeat_of == 1
        others = record(request_id="old-1", agent_id="bob", run_id="b" * 32)
        assert await store.append(entries(others)) == []
        assert (await verify(store, now=1_790_000_100_000)).ok
    finally:
        await store.aclose()
