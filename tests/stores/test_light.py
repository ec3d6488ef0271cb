"""A SQLite file as a process writes it that makes one run: the same as the whole store does."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onehop.audit import verify
from onehop.config import AuditConfig
from onehop.errors import RecordRejectedError, StoreUnavailableError
from onehop.stores import Store, is_light, open_store
from onehop.stores._sqlite_appends import SCHEMA
from onehop.stores.base import Entry, HistoryQuery
from onehop.stores.sql._migrations import MIGRATIONS
from tests.stores.records import DAY, NOW, entries, issue, open_once, record

CALLS = [
    {
        "id": str(number),
        "tool": "crm.find",
        "outcome": "ok",
        "effect": "read",
        "duration": 1.5,
        "queued": 0.0,
        "bytesIn": 2,
        "bytesOut": 3,
        "argumentsHash": "00",
    }
    for number in range(2)
]


@pytest.fixture
def pattern(tmp_path: Path, sqlite_pattern: Path) -> Path:
    return Path(shutil.copy(sqlite_pattern, tmp_path / "light.db"))


async def opened(path: Path, *, brief: bool = True) -> Store:
    return await open_store(AuditConfig(store=f"sqlite:///{path}"), brief=brief)


def rows(path: Path) -> dict[str, list[Any]]:
    """All that is in the file but when its tables were made."""
    with closing(sqlite3.connect(path)) as file:
        found = file.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        names = {name for (name,) in found} - {"schema_migrations"}
        return {name: file.execute(f"SELECT * FROM {name}").fetchall() for name in sorted(names)}


async def test_each_table_has_what_the_whole_store_writes(pattern: Path) -> None:
    other = Path(shutil.copy(pattern, pattern.with_name("whole.db")))
    many = [
        record(request_id="a\0\ud800", output={"t": "\ud800"}, success=False, error="no"),
        record(run_id="one", details={"toolCalls": CALLS, "avoided": {"turns": 1, "tokens": 9}}),
        record(request_id="twice", run_id="two"),
        record(request_id="twice", run_id="three"),
        record(run_id="one"),
    ]
    taken = [*entries(*many), Entry(None, (issue(many[0]),))]
    repeats = []
    for path, brief in ((pattern, True), (other, False)):
        store = await opened(path, brief=brief)
        assert is_light(store) is brief
        repeats.append([each.request_id for each in await store.append(taken)])
        await store.append(taken)  # known by now
        assert is_light(store) is brief
        await store.aclose()
    assert repeats[0] == repeats[1] == ["twice"]
    assert rows(pattern) == rows(other)
    store = await opened(pattern, brief=False)
    assert not (await verify(store)).problems
    await store.aclose()


async def test_it_tells_of_the_latest_runs_as_the_whole_store_does(pattern: Path) -> None:
    store = await opened(pattern)
    await store.append(entries(*(record(executed_at=NOW - n, success=n > 1) for n in range(4))))
    query = HistoryQuery(limit=3, brief=True)
    light = await store.history(query)
    assert is_light(store)
    whole = await store.history(HistoryQuery(limit=3, brief=True, agent_id="agent"))
    assert not is_light(store)
    await store.aclose()
    assert light == whole
    assert len(light) == 3


async def test_nothing_is_taken_of_what_cannot_be_kept(pattern: Path) -> None:
    store = await opened(pattern)
    before = rows(pattern)
    with pytest.raises(RecordRejectedError):
        await store.append(entries(record(), record(output=float("nan"))))
    assert rows(pattern) == before
    await store.aclose()


async def test_the_whole_store_is_opened_where_it_has_something_to_do(
    tmp_path: Path, pattern: Path
) -> None:
    async def is_whole(path: Path) -> bool:
        store = await opened(path)
        try:
            return not is_light(store)
        finally:
            await store.aclose()

    assert await is_whole(tmp_path / "new.db")
    assert not await is_whole(tmp_path / "new.db")
    older = Path(shutil.copy(pattern, tmp_path / "older.db"))
    with closing(sqlite3.connect(older)) as file:
        file.execute("DROP TABLE snippets")
        file.execute("DELETE FROM schema_migrations WHERE number = 13")
        file.commit()
    assert await is_whole(older)
    store = await opened(pattern)
    await store.append(entries(record(executed_at=NOW - 31 * DAY)))
    await store.aclose()
    assert await is_whole(pattern)


async def test_a_file_that_was_replaced_is_not_written(pattern: Path) -> None:
    store = await opened(pattern)
    pattern.rename(pattern.with_name("old.db"))
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="while it was open"):
            await store.append(entries(record()))
        open_once(f"sqlite:///{pattern}")
    await store.aclose()


def test_it_knows_the_last_migration() -> None:
    assert [each.number for each in MIGRATIONS] == list(range(1, SCHEMA + 1))
