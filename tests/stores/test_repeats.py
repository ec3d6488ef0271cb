"""A run keeps its record whatever its request id; a request id belongs to its agent."""

from __future__ import annotations

import asyncio

from onehop.audit import verify
from onehop.stores.base import Entry, HistoryQuery, Store
from tests.stores.records import announced, entries, record, unopened


async def test_a_second_run_of_a_request_id_is_kept_as_a_repeat(store: Store) -> None:
    first = record(request_id="same", run_id="a" * 32, output="first")
    second = record(request_id="same", run_id="b" * 32, output="second")
    assert await store.append(entries(first)) == []
    (told,) = await store.append(entries(second))
    assert (told.run_id, told.repeat_of) == ("b" * 32, 1)
    assert "repeat" in told.details["warnings"][0]
    assert await store.chain(1, 10) == [told]
    kept = await store.get("same", "agent")
    assert kept is not None
    assert (kept.output, kept.repeat_of) == ("first", None)
    report = await verify(store)
    assert (report.ok, report.checked, report.repeated) == (True, 2, 1)


async def test_repeats_in_one_batch_are_told_apart(store: Store) -> None:
    given = [record(request_id="same", run_id=f"{number:032}") for number in range(3)]
    told = await store.append(entries(*given))
    assert [each.repeat_of for each in told] == [1, 1]
    assert len(await store.history(HistoryQuery())) == 3


async def test_a_run_that_is_delivered_again_is_kept_once(store: Store) -> None:
    given = [record(request_id="same", run_id=f"{number:032}") for number in range(2)]
    for _ in range(3):
        await store.append(entries(*given))
    assert [each.repeat_of for each in await store.chain(0, 10)] == [None, 1]


async def test_request_ids_of_two_agents_do_not_meet(store: Store) -> None:
    hers = record(request_id="same", run_id="a" * 32, agent_id="ada", output="hers")
    his = record(request_id="same", run_id="b" * 32, agent_id="bob", output="his")
    assert await store.append(entries(hers, his)) == []
    for agent, output in (("ada", "hers"), ("bob", "his"), (None, "hers")):
        kept = await store.get("same", agent)
        assert kept is not None
        assert kept.output == output
    assert await store.get("same", "eve") is None


async def test_two_processes_with_one_request_id_leave_two_records(any_url: str) -> None:
    stores = [unopened(any_url)] if any_url == "memory:" else [unopened(any_url) for _ in "ab"]
    for store in stores:
        await store.open()
    runs = [record(request_id="same", run_id=f"{number:032}") for number in range(8)]
    async with asyncio.TaskGroup() as group:
        for number, run in enumerate(runs):
            entry = Entry(run, announced(run))
            group.create_task(stores[number % len(stores)].append([entry]))
    chain = await stores[0].chain(0, 20)
    assert [kept.repeat_of for kept in chain] == [None, *[1] * 7]
    report = await verify(stores[0])
    assert (report.ok, report.repeated) == (True, 7)
    for store in stores:
        await store.aclose()
