"""No connection of a SQL store outlives it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from onehop.errors import StoreUnavailableError
from onehop.stores.base import HistoryQuery
from onehop.stores.sql import SqlStore
from onehop.stores.sql._engines import dispose


async def test_a_connection_that_is_in_use_at_the_end_is_closed_when_it_comes_back(
    tmp_path: Path,
) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'a.db'}")
    connection = await engine.connect()
    await connection.execute(text("SELECT 1"))
    driver = (await connection.get_raw_connection()).driver_connection
    await dispose(engine)
    await connection.close()
    assert driver is not None
    assert driver._connection is None, "as aiosqlite marks what is closed"


async def test_a_file_that_was_deleted_is_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    store = SqlStore(f"sqlite:///{path}")
    await store.open()
    path.unlink()
    for _ in range(20):
        with pytest.raises(StoreUnavailableError, match="was deleted while it was open"):
            await asyncio.gather(*(store.ping() for _ in range(8)))
        assert not path.exists()
    await store.aclose()


def test_calls_that_are_given_up_leave_no_thread_that_reports_to_a_closed_loop(
    tmp_path: Path,
) -> None:
    async def use(number: int) -> None:
        store = SqlStore(f"sqlite:///{tmp_path / str(number)}.db", patience=0.05)
        await store.open()
        calls = [asyncio.ensure_future(store.history(HistoryQuery())) for _ in range(12)]
        await asyncio.sleep(0.001 * number)
        for call in calls:
            call.cancel()
        await store.aclose()
        await asyncio.wait(calls)

    for number in range(10):
        asyncio.run(use(number))
        assert not [each for each in threading.enumerate() if "_connection_worker" in each.name]


async def test_a_store_that_is_closed_opens_no_connection(tmp_path: Path) -> None:
    store = SqlStore(f"sqlite:///{tmp_path / 'records.db'}")
    await store.open()
    await store.aclose()
    with pytest.raises(StoreUnavailableError, match="the store is closed"):
        await store.ping()
    assert not [each for each in threading.enumerate() if "_connection_worker" in each.name]
