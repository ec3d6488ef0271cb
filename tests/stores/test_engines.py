"""No connection of a SQL store outlives it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

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
