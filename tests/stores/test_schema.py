"""What the databases themselves say about indexes, expiry and migrations."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError
from sqlalchemy import Connection, text
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex

from onehop.errors import StoreError
from onehop.stores.base import Entry, EventQuery, HistoryQuery, Store
from onehop.stores.mongodb import MongoStore, _schema
from onehop.stores.sql import SqlStore, _migrations
from onehop.stores.sql._schema import INDEXES, for_postgresql, metadata
from tests.stores.conftest import fresh_url
from tests.stores.raw import RawSql, raw_access
from tests.stores.records import NOW, entries, issue, record, runs, unopened

Columns = tuple[tuple[str, bool], ...]
"""Names, and whether they descend."""
UP, DOWN = False, True
CONTRACT: set[Columns] = {
    (("agentId", UP),),
    (("channelId", UP),),
    (("codeHash", UP),),
    (("success", UP),),
    (("agentId", UP), ("executedAt", DOWN)),
    (("channelId", UP), ("executedAt", DOWN)),
    (("codeHash", UP), ("success", UP)),
    (("language", UP), ("success", UP)),
    (("agentId", UP), ("success", UP), ("executedAt", DOWN)),
    (("channelId", UP), ("language", UP), ("executedAt", DOWN)),
}
RETENTION: Columns = (("executedAt", UP),)
SQL_NAMES = {
    "agentId": "agent_id",
    "channelId": "channel_id",
    "codeHash": "code_hash",
    "executedAt": "executed_at",
}


def in_sql(columns: Columns) -> Columns:
    """The same by the names of SQL's columns."""
    return tuple((SQL_NAMES.get(name, name), down) for name, down in columns)


async def opened(url: str) -> Store:
    """The store of ``url``, open."""
    store = unopened(url)
    await store.open()
    return store


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite store."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty PostgreSQL store."""
    return fresh_url("postgresql", request, tmp_path)


@pytest.fixture
def mongodb_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty MongoDB store."""
    return fresh_url("mongodb", request, tmp_path)


async def test_sqlite_has_every_index_of_the_contract(sqlite_url: str) -> None:
    await (await opened(sqlite_url)).aclose()
    raw = RawSql(sqlite_url)
    found = set()
    names = await raw.rows(
        "SELECT name FROM sqlite_master WHERE type='index' AND tbl_name='executions'"
    )
    for (name,) in names:
        rows = await raw.rows(f"PRAGMA index_xinfo({name})")
        found.add(tuple((row[2], bool(row[3])) for row in rows if row[5]))
    assert {in_sql(columns) for columns in {*CONTRACT, RETENTION}} <= found


async def test_postgresql_has_every_index_of_the_contract(postgresql_url: str) -> None:
    await (await opened(postgresql_url)).aclose()
    schema = postgresql_url.rpartition("=")[2]
    rows = await RawSql(postgresql_url).rows(
        f"SELECT indexdef FROM pg_indexes WHERE schemaname = '{schema}' "
        f"AND tablename = 'executions'"
    )
    found = set()
    for (definition,) in rows:
        columns = definition.rpartition("(")[2].rstrip(")").split(", ")
        found.add(tuple((word.split()[0], word.endswith(" DESC")) for word in columns))
    assert {in_sql(columns) for columns in {*CONTRACT, RETENTION}} <= found


async def mongo_indexes(url: str, collection: str) -> dict[Columns, dict[str, Any]]:
    """Every index and its options."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        cursor = await client.get_default_database()[collection].list_indexes()
        return {
            tuple((name, order == -1) for name, order in index["key"].items()): dict(index)
            async for index in cursor
        }


async def test_mongodb_has_every_index_of_the_contract_and_expires_after_30_days(
    mongodb_url: str,
) -> None:
    await (await opened(mongodb_url)).aclose()
    records = await mongo_indexes(mongodb_url, "executions")
    assert set(records) >= CONTRACT
    assert records[RETENTION]["expireAfterSeconds"] == 2_592_000
    assert records[(("sequence", UP),)]["unique"]
    assert records[(("runId", UP),)]["unique"]
    assert records[(("requestId", UP), ("agentId", UP), ("repeat", UP))]["unique"]
    events = await mongo_indexes(mongodb_url, "events")
    assert events[(("timestamp", UP),)]["expireAfterSeconds"] == 2_592_000
    assert events[(("eventId", UP),)]["unique"]


async def test_request_ids_are_unique_to_the_databases(
    sqlite_url: str, postgresql_url: str
) -> None:
    for url in (sqlite_url, postgresql_url):
        store = await opened(url)
        run = record()
        await store.append([Entry(run, (issue(run),))])
        await store.aclose()
        with pytest.raises(Exception, match=r"(?i)unique"):
            await RawSql(url).put(2, request_id=run.request_id)


async def test_first_runs_are_unique_to_mongodb(mongodb_url: str) -> None:
    store = await opened(mongodb_url)
    await store.append([Entry(record(request_id="same"))])
    async with raw_access(mongodb_url, store) as raw:
        with pytest.raises(DuplicateKeyError):
            await raw.put(2, request_id="same")
        await raw.put(2, request_id="another")
    await store.aclose()


async def test_mongodb_expires_records_by_itself(tmp_path: Path) -> None:
    """A server of its own, in this process, that looks for what is expired ten times a second."""
    from secantus import SecantusDBServer

    with SecantusDBServer(storage_path=str(tmp_path), ttl_sweep_seconds=0.1) as server:
        store = await opened(f"{server.uri}onehop")
        old = record(executed_at=NOW - 31 * 86_400_000)
        young = record()
        await store.append(entries(old, young))
        async with asyncio.timeout(20):
            while await store.get(old.request_id) or len(await store.events(EventQuery())) > 2:
                await asyncio.sleep(0.05)
        assert await store.get(young.request_id)
        await store.aclose()


async def test_sqlite_is_set_up_for_several_processes(sqlite_url: str) -> None:
    store = await opened(sqlite_url)
    assert isinstance(store, SqlStore)
    async with store._engine.connect() as connection:
        assert await connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await connection.scalar(text("PRAGMA synchronous")) == 1
        assert await connection.scalar(text("PRAGMA busy_timeout")) == 4000
        assert await connection.scalar(text("PRAGMA foreign_keys")) == 1
    await store.aclose()


async def test_the_migrations_are_numbered_and_recorded(database_url: str) -> None:
    await (await opened(database_url)).aclose()
    await (await opened(database_url)).aclose()
    if database_url.startswith("mongodb"):
        async with AsyncMongoClient[dict[str, Any]](database_url) as client:
            applied = client.get_default_database()["schema_migrations"].find()
            found = [(row["_id"], row["name"]) async for row in applied.sort("_id", 1)]
        known: Any = _schema.MIGRATIONS
    else:
        statement = "SELECT number, name FROM schema_migrations ORDER BY number"
        found = [(row[0], row[1]) for row in await RawSql(database_url).rows(statement)]
        known = _migrations.MIGRATIONS
    assert found == [(migration.number, migration.name) for migration in known]
    assert [number for number, _name in found] == list(range(1, len(found) + 1))


def old_store(url: str) -> SqlStore | MongoStore:
    """A store as an onehop left it that knew the first migration only."""
    if url.startswith("mongodb"):
        return MongoStore(url, migrations=_schema.MIGRATIONS[:1])
    return SqlStore(url, migrations=_migrations.MIGRATIONS[:1])


async def test_an_older_schema_is_upgraded_and_keeps_its_records(database_url: str) -> None:
    old = old_store(database_url)
    await old.open()
    await old.append(entries(*runs(3)))
    before = await old.chain(0, 10)
    await old.aclose()
    store = await opened(database_url)
    assert await store.chain(0, 10) == before
    await store.append(entries(*runs(2)))
    assert (await store.head()).sequence == 5
    assert len(await store.history(HistoryQuery())) == 5
    await store.aclose()


async def test_two_at_once_apply_each_migration_once(database_url: str) -> None:
    old = old_store(database_url)
    await old.open()
    await old.aclose()
    stores = [unopened(database_url) for _ in range(4)]
    async with asyncio.TaskGroup() as group:
        for store in stores:
            group.create_task(store.open())
    await stores[0].append(entries(*runs(2)))
    assert (await stores[3].head()).sequence == 2
    for store in stores:
        await store.aclose()


async def test_a_newer_schema_is_refused(database_url: str) -> None:
    await (await opened(database_url)).aclose()
    if database_url.startswith("mongodb"):
        async with AsyncMongoClient[dict[str, Any]](database_url) as client:
            future = {"_id": 99, "name": "from the future", "appliedAt": 1}
            await client.get_default_database()["schema_migrations"].insert_one(future)
    else:
        statement = "INSERT INTO schema_migrations VALUES (99, 'from the future', 1)"
        await RawSql(database_url).rows(statement)
    with pytest.raises(StoreError, match=r"newer onehop.*99 \(from the future\).*Upgrade onehop"):
        await opened(database_url)


async def test_a_migration_that_fails_leaves_no_trace(sqlite_url: str, postgresql_url: str) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half_done (number INTEGER)"))
        raise RuntimeError("the migration fails")

    broken = (*_migrations.MIGRATIONS, _migrations.Migration(98, "fail", fail))
    for url in (sqlite_url, postgresql_url):
        with pytest.raises(RuntimeError, match="the migration fails"):
            await SqlStore(url, migrations=broken).open()
        raw = RawSql(url)
        assert await raw.rows("SELECT number FROM schema_migrations ORDER BY 1") == [
            (each.number,) for each in _migrations.MIGRATIONS
        ]
        with pytest.raises(Exception, match="half_done"):
            await raw.rows("SELECT * FROM half_done")


def test_every_field_of_a_record_has_a_column() -> None:
    columns = [column.name for column in metadata.tables["executions"].columns]
    assert sorted(columns) == sorted(type(record()).model_fields)


async def test_a_security_issue_has_its_pattern_and_severity_in_columns(sqlite_url: str) -> None:
    store = await opened(sqlite_url)
    run = record()
    await store.append([Entry(run, (issue(run, pattern="eval", severity="critical"),))])
    await store.append(entries(record()))
    await store.aclose()
    rows = await RawSql(sqlite_url).rows("SELECT DISTINCT pattern, severity FROM events ORDER BY 1")
    assert rows == [(None, None), ("eval", "critical")]


async def test_the_history_of_an_agent_uses_an_index(sqlite_url: str) -> None:
    store = await opened(sqlite_url)
    await store.append(entries(*runs(50)))
    await store.aclose()
    plan = await RawSql(sqlite_url).rows(
        "EXPLAIN QUERY PLAN SELECT * FROM executions WHERE agent_id = 'agent' "
        "ORDER BY executed_at DESC, sequence DESC LIMIT 10"
    )
    assert "ix_executions_agent_id_executed_at" in plan[0][3]


def test_both_databases_index_the_same_rows() -> None:
    for_postgresql()
    ours, theirs = conditions(SQLiteDialect()), conditions(PGDialect())  # type: ignore[no-untyped-call]
    assert ours == theirs
    assert sum(map(bool, ours)) >= 3


def conditions(dialect: Dialect) -> list[str]:
    """Which rows each index has, as SQL; empty for one that has all."""
    statements = (str(CreateIndex(index).compile(dialect=dialect)) for index in INDEXES)
    return [statement.partition(" WHERE ")[2] for statement in statements]
