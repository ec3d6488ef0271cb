"""What every store does alike. Each test runs on all four."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from onehop.stores.base import Entry, EventQuery
from onehop.testing.suites import StoreSuite, assert_one_chain
from tests.stores.records import entries, record, runs, unopened


class TestStores(StoreSuite):
    @pytest.fixture
    def prunes(self, any_url: str) -> bool:
        return not any_url.startswith("mongodb")


async def test_a_key_goes_into_every_hash(any_url: str) -> None:
    store = unopened(any_url, b"secret")
    await store.open()
    await store.append(entries(*runs(2)))
    for kept in await store.chain(0, 10):
        assert kept.hash == kept.compute_hash(b"secret")
        assert kept.hash != kept.compute_hash()
    await store.aclose()


async def test_appends_at_the_same_time_keep_one_chain(any_url: str) -> None:
    """Through two stores at once, where a database can be shared."""
    stores = [unopened(any_url)] if any_url == "memory:" else [unopened(any_url) for _ in "ab"]
    for store in stores:
        await store.open()
    batches = [entries(*runs(2)) for _ in range(20)]
    async with asyncio.TaskGroup() as group:
        for number, batch in enumerate(batches):
            group.create_task(stores[number % len(stores)].append(batch))
    await assert_one_chain(stores[0], 40)
    assert len(await stores[0].events(EventQuery())) == 80
    for store in stores:
        await store.aclose()


async def test_an_open_that_is_cancelled_leaves_nothing_open(database_url: str) -> None:
    """What is left open would be a warning, and those fail the test."""
    for number in range(10):
        store = unopened(database_url)
        task = asyncio.create_task(store.open())
        await asyncio.wait([task], timeout=number * 0.003)
        if task.done():
            await store.aclose()
            continue
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        del task, store
        gc.collect()


_APPENDER = """
import asyncio, sys
from tests.stores.records import entries, runs, unopened

async def main(url, name):
    store = unopened(url)
    await store.open()
    for number in range(10):
        await store.append(entries(*(run.model_copy(update={"request_id": f"{name}-{number}-{i}"})
                                     for i, run in enumerate(runs(2)))))
    await store.aclose()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_appends_of_several_processes_keep_one_chain(database_url: str) -> None:
    """They also open the store for the first time at once."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", "-c", _APPENDER, database_url, name
        )
        for name in "ab"
    ]
    async with asyncio.timeout(60):
        assert [await process.wait() for process in processes] == [0, 0]
    store = unopened(database_url)
    await store.open()
    await assert_one_chain(store, 40)
    await store.aclose()


async def test_what_is_kept_outlives_the_store_object(database_url: str) -> None:
    given = record()
    for _ in range(2):
        store = unopened(database_url)
        await store.open()
        await store.append([Entry(given)])
        await store.aclose()
    store = unopened(database_url)
    await store.open()
    await store.ping()
    assert (await store.head()).sequence == 1
    await store.aclose()


@pytest.fixture
def prunes(any_url: str) -> bool:
    """Whether the store drops what is expired itself, rather than the database."""
    return not any_url.startswith("mongodb")
