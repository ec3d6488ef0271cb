"""Whoever goes round the store and touches the chain is found out. Each test runs on all four."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from onehop.audit import AuditReport, Problem, verify
from onehop.records import GENESIS, ExecutionRecord
from onehop.stores._kept import JSON_FIELDS, json_text
from onehop.stores.base import RETENTION_SECONDS, ChainHead, Store
from onehop.stores.memory import MemoryStore
from onehop.stores.mongodb._documents import anchor_document
from tests.stores.raw import Raw, RawMongo, raw_access
from tests.stores.records import DAY, NOW, entries, record, runs, unopened

LENGTH = 8


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody appends meanwhile, so that there is nothing to wait for."""
    monkeypatch.setattr("onehop.audit._chain._SETTLING", 0)


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def chain(store: Store) -> list[ExecutionRecord]:
    """What is there before somebody comes: eight records, in two batches."""
    given = runs(LENGTH)
    await store.append(entries(*given[:5]))
    await store.append(entries(*given[5:]))
    return await store.chain(0, LENGTH)


async def found(store: Store, **arguments: Any) -> list[tuple[str, int, str | None]]:
    """Kind, place and request id of every problem."""
    report = await verify(store, **arguments)
    assert all(problem.detail for problem in report.problems)
    assert report.ok == (not report.problems)
    return [(each.kind, each.sequence, each.request_id) for each in report.problems]


async def test_an_untouched_chain_is_whole(store: Store, chain: list[ExecutionRecord]) -> None:
    head = ChainHead(LENGTH, str(chain[-1].hash))
    assert await verify(store) == AuditReport(LENGTH, 0, head, keyed=False, problems=())


CHANGES: dict[str, Any] = {
    "request_id": "another",
    "agent_id": "another",
    "channel_id": "another",
    "language": "typescript",
    "code_hash": "0000000000000000",
    "code_length": 13,
    "code_snippet": "return 2",
    "success": False,
    "output": "3",
    "logs": "[]",
    "error": "an error",
    "error_type": "runtime",
    "execution_time": 12.25,
    "timeout": 5001.0,
    "memory_usage": 3.0,
    "timeout_occurred": True,
    "context_data": '{"key":"other"}',
    "description": "another",
    "executed_at": NOW - DAY,
    "created_at": NOW - DAY,
    "details": "{}",
    "run_id": "another",
    "repeat_of": 1,
    "previous_hash": GENESIS,
    "hash": GENESIS,
}


def test_every_field_is_changed_by_a_test() -> None:
    assert set(CHANGES) == set(ExecutionRecord.model_fields) - {"sequence"}


async def test_a_changed_field_is_found(store: Store, raw: Raw) -> None:
    """One field after the other, each put right again afterwards."""
    (kept,) = await store.chain(3, 1)
    for name, value in CHANGES.items():
        before = getattr(kept, name)
        await raw.change(4, **{name: value})
        (changed,) = await store.chain(3, 1)
        assert await found(store) == [("changed", 4, changed.request_id)], name
        as_text = name in JSON_FIELDS and not isinstance(store, MemoryStore)
        await raw.change(4, **{name: json_text(before) if as_text else before})
        assert await found(store) == [], name


@pytest.mark.sample(2)
@pytest.mark.parametrize("fields", [{"language": "cobol"}, {"output": "no JSON"}, {"error": 5}])
async def test_what_is_no_record_any_more_is_found(
    fields: dict[str, Any], store: Store, raw: Raw, any_url: str
) -> None:
    if "error" in fields and "sql" in any_url:
        fields = {"error_type": "5"}  # the column takes text only
    await raw.change(4, **fields)
    assert [each[:2] for each in await found(store)] == [("changed", 4)]


@pytest.mark.sample(1)
@pytest.mark.parametrize("place", [1, 4, LENGTH])
async def test_a_record_hashed_anew_is_found_by_the_one_after_it(
    place: int, store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    await rehash(raw, chain[place - 1].model_copy(update={"agent_id": "another"}))
    assert await found(store) == [("changed", place, chain[place - 1].request_id)]


async def rehash(raw: Raw, changed: ExecutionRecord) -> None:
    """Write ``changed`` over the record of its place, with the hash that it should have."""
    assert changed.sequence is not None
    await raw.change(changed.sequence, agent_id=changed.agent_id, hash=changed.compute_hash())


@pytest.mark.sample(2)
@pytest.mark.parametrize("places", [(1,), (4,), (3, 4, 5), (2, 5, 7)])
async def test_missing_records_are_found(
    places: tuple[int, ...], store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    for place in places:
        await raw.remove(place)
    starts = [place for place in places if place - 1 not in places]
    assert await found(store) == [("missing", start, None) for start in starts]


async def test_a_run_of_missing_records_is_told_as_one(store: Store, raw: Raw) -> None:
    for place in (3, 4, 5):
        await raw.remove(place)
    report = await verify(store)
    detail = "records 3 to 5 are gone before the retention was over"
    assert report.problems == (Problem("missing", 3, None, detail),)
    assert (report.checked, report.expired) == (LENGTH - 3, 0)


@pytest.mark.sample(2)
@pytest.mark.parametrize("count", [1, 3, LENGTH])
async def test_a_chain_that_was_cut_off_is_found(count: int, store: Store, raw: Raw) -> None:
    for place in range(LENGTH - count + 1, LENGTH + 1):
        await raw.remove(place)
    assert await found(store) == [("truncated", LENGTH - count + 1, None)]


async def test_a_cut_that_the_note_of_the_head_hides_is_found_by_what_was_noted_elsewhere(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    noted = str(chain[-1].hash)
    assert await found(store, expect=noted) == []
    await raw.remove(LENGTH)
    await raw.note_head(ChainHead(LENGTH - 1, str(chain[-2].hash)))
    assert await found(store) == []
    assert await found(store, expect=noted) == [("unexpected", LENGTH - 1, None)]
    assert await found(store, expect=str(chain[-2].hash)) == []


async def test_a_hash_noted_earlier_stays_in_the_chain_as_it_grows(
    store: Store, chain: list[ExecutionRecord]
) -> None:
    await store.append(entries(*runs(3)))
    assert await found(store, expect=str(chain[-1].hash)) == []
    assert await found(store, expect=GENESIS) == []
    assert await found(store, expect="f" * 64) == [("unexpected", LENGTH + 3, None)]


async def test_a_changed_note_of_the_head_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    await raw.note_head(ChainHead(LENGTH, "f" * 64))
    assert await found(store) == [("changed", LENGTH, chain[-1].request_id)]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("one", "other"), [(3, 4), (2, 7), (1, LENGTH)])
async def test_swapped_records_are_found(
    one: int, other: int, store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    for old, new in ((one, 99), (other, one), (99, other)):
        await raw.change(old, sequence=new)
    assert await found(store) == [
        ("reordered", one, chain[other - 1].request_id),
        ("reordered", other, chain[one - 1].request_id),
    ]


async def test_a_record_put_at_the_end_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    await raw.put(LENGTH + 1, request_id="forged")
    assert [each[1:] for each in await found(store)] == [(LENGTH + 1, "forged")]


async def test_a_record_put_at_the_end_with_the_right_hash_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    forged = chain[0].model_copy(update={"request_id": "forged"})
    forged = forged.chained(LENGTH + 1, str(chain[-1].hash))
    await raw.put(
        LENGTH + 1, request_id="forged", previous_hash=forged.previous_hash, hash=forged.hash
    )
    assert await found(store) == [("inserted", LENGTH + 1, "forged")]


async def test_a_record_put_before_the_start_is_found(store: Store, raw: Raw) -> None:
    await raw.put(0, request_id="forged")
    assert await found(store) == [("inserted", 0, "forged")]


async def test_a_record_put_in_between_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    """The others were moved up to make room."""
    for place in range(LENGTH, 3, -1):
        await raw.change(place, sequence=place + 1)
    forged = chain[0].model_copy(update={"request_id": "forged"}).chained(4, str(chain[2].hash))
    await raw.put(4, request_id="forged", previous_hash=forged.previous_hash, hash=forged.hash)
    expected = [("reordered", place + 1, chain[place - 1].request_id) for place in range(4, 9)]
    assert await found(store) == [("inserted", 4, "forged"), *expected]


async def test_a_gap_that_was_closed_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    """The others were moved down into the place of the one that is gone."""
    await raw.remove(4)
    for place in range(5, LENGTH + 1):
        await raw.change(place, sequence=place - 1)
    await raw.note_head(ChainHead(LENGTH - 1, str(chain[-1].hash)))
    problems = await found(store)
    moved = [("reordered", place - 1, chain[place - 1].request_id) for place in range(5, 9)]
    assert ("missing", 4, None) in problems
    assert set(moved) <= set(problems)


async def test_a_record_put_in_the_place_of_another_is_found(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    await raw.remove(4)
    forged = chain[0].model_copy(update={"request_id": "forged"}).chained(4, str(chain[2].hash))
    await raw.put(4, request_id="forged", previous_hash=forged.previous_hash, hash=forged.hash)
    assert await found(store) == [("changed", 4, "forged")]


async def test_the_store_goes_on_after_somebody_has_written_beyond_its_head(
    store: Store, raw: Raw
) -> None:
    await raw.put(LENGTH + 1, request_id="forged")
    await store.append(entries(record()))
    assert (await store.head()).sequence == LENGTH + 2
    assert [each[1:] for each in await found(store)] == [(LENGTH + 1, "forged")]


async def rebuilt(raw: Raw, chain: list[ExecutionRecord]) -> ChainHead:
    """Change the first record, and hash the whole chain anew, as one can without a key."""
    previous = GENESIS
    for kept in chain:
        assert kept.sequence is not None
        agent = "another" if kept.sequence == 1 else kept.agent_id
        forged = kept.model_copy(update={"agent_id": agent}).chained(kept.sequence, previous)
        await raw.change(
            kept.sequence, agent_id=agent, previous_hash=previous, hash=str(forged.hash)
        )
        previous = str(forged.hash)
    head = ChainHead(len(chain), previous)
    await raw.note_head(head)
    return head


async def test_a_chain_rebuilt_without_a_key_passes_but_for_what_was_noted_elsewhere(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    await rebuilt(raw, chain)
    assert await found(store) == []
    assert await found(store, expect=str(chain[-1].hash)) == [("unexpected", LENGTH, None)]


@pytest_asyncio.fixture(loop_scope="module")
async def keyed(any_url: str, store: Store, raw: Raw) -> AsyncIterator[tuple[Store, Raw]]:
    """The same place, emptied, with a store that has a key."""
    if any_url == "memory:":
        own = unopened(any_url, b"key")
    else:
        for place in range(1, LENGTH + 1):
            await raw.remove(place)
        await raw.note_head(ChainHead(0, GENESIS))
        own = unopened(any_url, b"key")
    await own.open()
    async with raw_access(any_url, own) as access:
        yield own, access
    await own.aclose()


async def test_with_a_key_a_chain_rebuilt_without_it_is_found(keyed: tuple[Store, Raw]) -> None:
    store, raw = keyed
    await store.append(entries(*runs(4)))
    chain = await store.chain(0, 4)
    assert await found(store, key=b"key") == []
    await rebuilt(raw, chain)
    problems = await found(store, key=b"key")
    assert problems == [("unkeyed", kept.sequence, kept.request_id) for kept in chain]
    report = await verify(store, b"key")
    assert report.keyed


async def test_another_key_fits_no_record(keyed: tuple[Store, Raw]) -> None:
    store, _raw = keyed
    await store.append(entries(*runs(2)))
    assert [each[:2] for each in await found(store, key=b"other")] == [
        ("changed", 1),
        ("changed", 2),
    ]


async def test_a_changed_record_of_a_keyed_chain_is_found(keyed: tuple[Store, Raw]) -> None:
    store, raw = keyed
    await store.append(entries(*runs(4)))
    chain = await store.chain(0, 4)
    await raw.change(2, agent_id="another")
    assert await found(store, key=b"key") == [("changed", 2, chain[1].request_id)]


async def test_appending_may_go_on_during_an_audit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()

    async def append() -> None:
        for _ in range(10):
            await store.append(entries(*runs(3)))

    task = asyncio.create_task(append())
    while not task.done():
        assert await found(store) == []
        await asyncio.sleep(0)  # a store in memory gives nobody else a turn
    await task
    assert await found(store) == []


async def test_a_chain_longer_than_a_page_is_read_whole(store: Store, raw: Raw) -> None:
    given = runs(1200)
    await store.append(entries(*given))
    await raw.change(LENGTH + 1100, agent_id="another")
    report = await verify(store)
    assert report.checked == LENGTH + 1200
    assert [each.sequence for each in report.problems] == [LENGTH + 1100]


LATER = NOW + RETENTION_SECONDS * 1000 + 2 * DAY
"""By then, what is there now is expired."""


async def test_what_expired_is_told_from_what_was_taken(
    store: Store, raw: Raw, any_url: str
) -> None:
    """MongoDB expires records one by one; here the test does it in its place."""
    await store.append(entries(*(record(executed_at=NOW + 10 * DAY) for _ in range(3))))
    if any_url.startswith("mongodb"):
        for place in (1, 2, 3, 4, 6, 7, 8):
            await raw.remove(place)
    await store.prune(LATER)
    report = await verify(store, now=LATER)
    assert report.ok
    assert report.expired == (7 if any_url.startswith("mongodb") else 8)
    await raw.remove(LENGTH + 1)
    assert await found(store, now=LATER) == [("missing", LENGTH + 1, None)]


async def test_what_is_gone_before_its_time_is_missing_whatever_the_anchors_say(
    store: Store, raw: Raw, any_url: str
) -> None:
    await store.prune(LATER)
    if any_url.startswith("mongodb"):
        for place in range(1, LENGTH + 1):
            await raw.remove(place)
    assert await found(store, now=LATER) == []
    assert await found(store, now=NOW) == [("truncated", 1, None)]


async def test_the_audit_goes_on_after_everything_expired(
    store: Store, raw: Raw, any_url: str
) -> None:
    await store.prune(LATER)
    if any_url.startswith("mongodb"):
        for place in range(1, LENGTH + 1):
            await raw.remove(place)
    await store.append(entries(record(executed_at=LATER)))
    assert await found(store, now=LATER) == []
    await store.prune(LATER)
    report = await verify(store, now=LATER)
    assert (report.checked, report.expired, report.ok) == (1, LENGTH, True)
    assert len(await store.anchors()) <= 2


async def test_a_head_noted_before_it_expired_is_still_expected(
    store: Store, raw: Raw, any_url: str, chain: list[ExecutionRecord]
) -> None:
    await store.prune(LATER)
    if any_url.startswith("mongodb"):
        for place in range(1, LENGTH + 1):
            await raw.remove(place)
    assert await found(store, now=LATER, expect=str(chain[-1].hash)) == []


async def test_the_anchors_of_mongodb_tell_of_a_cut_that_the_note_of_the_head_hides(
    store: Store, raw: Raw, chain: list[ExecutionRecord]
) -> None:
    anchors = await store.anchors()
    await raw.remove(LENGTH)
    await raw.note_head(ChainHead(LENGTH - 1, str(chain[-2].hash)))
    if isinstance(raw, RawMongo):
        documents = [anchor_document(anchor) for anchor in anchors]
        await raw.database["chain_anchors"].insert_many(documents)
    told = [("truncated", LENGTH, None)] if isinstance(raw, RawMongo) else []
    assert await found(store) == told
