"""What is dropped, by which time, and how much of it at once."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onehop.audit import verify
from onehop.config import AnalyticsConfig
from onehop.stores import _trusted, analytics
from onehop.stores._trusted import TrustedTime
from onehop.stores.analytics import Aggregator
from onehop.stores.base import EventQuery, Store
from onehop.stores.memory import MemoryStore
from onehop.stores.sql import SqlStore
from tests.stores.records import DAY, NOW, entries, record

YEAR = 365 * DAY


class Wrong(MemoryStore):
    """A store whose database has this clock."""

    def __init__(self, clock: int) -> None:
        super().__init__()
        self.clock = clock

    async def time(self) -> int:
        return self.clock


async def filled(store: Store, *days_ago: float, count: int = 30) -> Store:
    """Runs on each of these days."""
    runs = [record(executed_at=NOW - int(ago * DAY)) for ago in days_ago for _ in range(count)]
    await store.append(entries(*runs))
    return store


async def pruned_by(store: Store, clock: Callable[[], int]) -> list[int]:
    """The sequences that stay after an aggregator with this clock was there, twice."""
    for _ in range(2):
        aggregator = Aggregator(store, AnalyticsConfig(), clock=clock)
        await aggregator._roll_up()
        await aggregator._prune()
    return [kept.sequence or 0 for kept in await store.chain(-1, 10_000)]


async def test_a_clock_31_days_ahead_drops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    store = await filled(Wrong(NOW + 31 * DAY), 3, 2, 1, 0)
    with caplog.at_level(logging.WARNING, _trusted.__name__):
        assert len(await pruned_by(store, lambda: NOW + 31 * DAY)) == 120
    assert "Check the clock" in caplog.text
    assert len(await store.events(EventQuery())) == 240


async def test_a_wrong_clock_with_new_runs_drops_a_day_an_hour_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = await filled(Wrong(NOW + 31 * DAY), 3, 1.5, 1, 0, -31)
    with caplog.at_level(logging.WARNING, analytics.__name__):
        left = await pruned_by(store, lambda: NOW + 31 * DAY)
    assert len(left) == 120  # a day of them, once, though it was asked twice
    assert "one each hour" in caplog.text


async def test_what_the_databases_own_clock_does_not_say_has_expired_stays() -> None:
    store = await filled(Wrong(NOW - 5 * DAY), 33, 32, 31, 0)
    assert len(await pruned_by(store, lambda: NOW)) == 120
    store = await filled(Wrong(NOW), 31, 31, 0)
    assert len(await pruned_by(store, lambda: NOW)) == 30


async def test_a_long_stop_is_caught_up_with_a_day_at_a_time() -> None:
    store = await filled(Wrong(NOW), 40, 38, 36, 0)
    assert len(await pruned_by(store, lambda: NOW)) == 90


async def test_records_from_the_future_do_not_stop_pruning(store: Store, any_url: str) -> None:
    if any_url.startswith("mongodb"):  # its TTL index drops each record by itself
        assert await store.prune(NOW) == 0
        return
    times = [-31 * DAY, YEAR, -31 * DAY + 1, 10 * YEAR, -DAY, YEAR, 0]
    await store.append(entries(*(record(executed_at=NOW + time) for time in times)))
    assert await store.prune(NOW) == 3
    assert [kept.sequence for kept in await store.chain(0, 10)] == [4, 5, 6, 7]
    report = await verify(store, now=NOW)
    assert (report.ok, report.expired) == (True, 3)


async def test_the_newest_of_many_records_is_not_taken_from_one_that_is_wrong() -> None:
    store = await filled(Wrong(NOW + YEAR), 1)
    await store.append(entries(record(executed_at=NOW + YEAR)))
    assert await TrustedTime(store, lambda: NOW + YEAR).now() <= NOW + 2 * DAY


async def test_a_sqlite_file_shrinks_when_records_go(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    store = SqlStore(f"sqlite:///{path}")
    await store.open()
    await store.append(entries(*(record(output="x" * 200_000) for _ in range(60))))
    before = path.stat().st_size + Path(f"{path}-wal").stat().st_size
    await store.prune(NOW + 31 * DAY)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert path.stat().st_size < before / 4
    await store.aclose()


async def test_an_older_sqlite_file_is_compacted_and_shrinks_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.touch(0o600)
    store: Any = SqlStore(f"sqlite:///{path}")
    await store.open()
    await store.aclose()
    with closing(sqlite3.connect(path)) as older:
        older.executescript("PRAGMA auto_vacuum = NONE; VACUUM;")
    store = SqlStore(f"sqlite:///{path}")
    await store.open()
    await store.append(entries(*(record(output="x" * 200_000) for _ in range(60))))
    await store.prune(NOW + 31 * DAY)
    before, after = await store.compact()
    assert after < before / 4
    await store.aclose()
    with closing(sqlite3.connect(path)) as compacted:
        assert compacted.execute("PRAGMA auto_vacuum").fetchone() == (2,)
