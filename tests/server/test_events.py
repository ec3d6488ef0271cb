"""The live feed: what a reader sees, and that one who was away misses nothing."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from benchmarks._process import memory_of
from benchmarks.feed import connect, watching

from onehop.config import AuditConfig
from onehop.events import Event, ValidationStarted
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.sandbox import Sandbox
from onehop.server.asgi import _sse
from onehop.server.asgi._sse import HEARTBEAT
from onehop.server.http._feed import Feed
from onehop.server.http._readers import GATHERED, WAITING, Filter, Pace, Reader
from onehop.stores.base import Entry
from onehop.stores.memory import MemoryStore
from tests.server.served import Served, run, streaming
from tests.server.test_api import error
from tests.waiting import soon

GOOD = [
    "code:validation:started",
    "code:validation:completed",
    "code:execution:started",
    "code:execution:completed",
]


def test_events_come_while_the_code_runs(ada: httpx2.Client, served: Served) -> None:
    with streaming(ada, "/api/v1/events") as heard:
        name = run(ada, "return 1").headers["x-request-id"]
        seen = [next(heard) for _ in range(4)]
    assert [each["event"] for each in seen] == GOOD
    assert [each["data"]["eventType"] for each in seen] == GOOD
    assert {each["data"]["data"]["requestId"] for each in seen} == {name}
    assert all(each["id"].endswith(each["data"]["eventId"]) for each in seen)


def test_events_are_filtered(ada: httpx2.Client, viewer: httpx2.Client) -> None:
    wanted = {
        "agentId": "ada",
        "channelId": "lab",
        "type": ["code:execution:started", "code:execution:failed"],
    }
    with streaming(viewer, "/api/v1/events", params=wanted) as heard:
        run(ada, "return 1")
        name = run(ada, "throw 1", **{"X-Channel-Id": "lab"}).headers["x-request-id"]
        seen = [next(heard) for _ in range(2)]
    assert [each["event"] for each in seen] == wanted["type"]
    assert {each["data"]["data"]["requestId"] for each in seen} == {name}


def test_wrong_filters_and_places_are_refused(ada: httpx2.Client) -> None:
    wrong = ada.get("/api/v1/events", params={"type": "code:nothing"})
    assert error(wrong, 400, "invalid_request")["field"].startswith("type")
    wrong = ada.get("/api/v1/events", headers={"Last-Event-ID": "7"})
    assert error(wrong, 400, "invalid_request")["field"] == "Last-Event-ID"


def test_a_reader_that_was_away_gets_what_it_missed(ada: httpx2.Client) -> None:
    with streaming(ada, "/api/v1/events") as heard:
        run(ada, "return 1")
        first = [next(heard) for _ in range(2)]
    missed = run(ada, "return 2").headers["x-request-id"]
    place = {"Last-Event-ID": first[-1]["id"]}
    with streaming(ada, "/api/v1/events", headers=place) as heard:
        seen = [next(heard) for _ in range(6)]
        assert [each["event"] for each in seen] == [*GOOD[2:], *GOOD]
        assert seen[-1]["data"]["data"]["requestId"] == missed
        run(ada, "return 3")
        assert next(heard)["event"] == GOOD[0]


@pytest.mark.thorough
def test_nothing_is_missed_over_a_restart(tmp_path: Path) -> None:
    server = Served(tmp_path).start()
    key = server.key("ada")
    try:
        with server.client(key) as ada, streaming(ada, "/api/v1/events") as heard:
            run(ada, "return 1")
            seen = [next(heard) for _ in range(4)]
        with server.client(key) as ada:
            names = [run(ada, "return 2").headers["x-request-id"] for _ in range(3)]
        server.tell(signal.SIGKILL)
        server.ended()
        server = Served(tmp_path).start()
        place = {"Last-Event-ID": seen[1]["id"]}
        with (
            server.client(key) as ada,
            streaming(ada, "/api/v1/events", headers=place) as heard,
        ):
            found: dict[str, str] = {}
            while len(found) < 4 + 4 * len(names) or names[-1] not in str(found):
                each = next(heard)
                found[each["data"]["eventId"]] = str(each["data"])
            assert {each["data"]["eventId"] for each in seen[2:]} <= set(found)
            assert all(name in str(found) for name in names)
            live = run(ada, "return 3").headers["x-request-id"]
            assert next(heard)["data"]["data"]["requestId"] == live
    finally:
        server.stop()


# --- the feed itself


def event(number: int) -> Event:
    return ValidationStarted(
        agent_id="a", channel_id="c", request_id=f"r{number}", code_hash="0" * 16
    )


@pytest_asyncio.fixture(loop_scope="module")
async def bus() -> AsyncIterator[EventBus]:
    opened = EventBus()
    yield opened
    await opened.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def store() -> MemoryStore:
    return MemoryStore()


@pytest_asyncio.fixture(loop_scope="module")
async def feed(bus: EventBus, store: MemoryStore, tmp_path: Path) -> AsyncIterator[Feed]:
    """A feed of a bus that the test speaks on."""
    audit = AuditConfig(store="memory:", journal=str(tmp_path))
    async with Executor(Sandbox(), store=store, bus=bus, audit=audit) as executor:
        opened = Feed(executor, store)
        opened.open()
        yield opened
        opened.close()


async def test_a_reader_that_is_too_slow_is_sent_away(feed: Feed, bus: EventBus) -> None:
    reader, source = await feed.attach(Filter())
    bus.publish(event(0))
    assert b"r0" in await anext(source)
    for number in range(1, WAITING + 2 * GATHERED):
        bus.publish(event(number))
    seen = [chunk async for chunk in source]
    assert b"".join(seen).count(b"event: ") == WAITING
    reader.leave()
    last = seen[-1].decode().rpartition("id: ")[2].strip()
    reader, source = await feed.resume(Filter(), last)
    assert f"r{WAITING + 1}".encode() in await anext(source)
    reader.leave()


async def test_events_that_come_together_are_sent_together(feed: Feed, bus: EventBus) -> None:
    reader, source = await feed.attach(Filter())
    bus.publish(event(0))
    assert (await anext(source)).count(b"event: ") == 1  # after a silence, at once
    for number in range(1, 100):
        bus.publish(event(number))
    assert (await anext(source)).count(b"event: ") == 99
    reader.leave()


async def test_a_mark_counts_for_later_events_only(
    feed: Feed, bus: EventBus, store: MemoryStore
) -> None:
    """An event that the store had when the mark was read may still have been unsent."""
    reader, source = await feed.attach(Filter())
    await asyncio.sleep(0.002)  # the clock of events counts ms
    early = event(1)
    await store.append([Entry(None, (early, event(2), event(3)))])
    feed._marks._asked_at = float("-inf")
    await feed._marks.settle()
    bus.publish(early)
    wire = (await anext(source)).decode()
    assert f"id: 0-{early.event_id}" in wire
    await asyncio.sleep(0.002)
    late = event(4)
    bus.publish(late)
    assert f"id: 3-{late.event_id}" in (await anext(source)).decode()
    reader.leave()


async def test_a_silent_stream_says_that_it_lives() -> None:
    async def nothing() -> AsyncIterator[bytes]:
        await asyncio.Event().wait()
        yield b""

    closing = asyncio.Event()
    stream = _sse._lively(nothing(), closing, 0.01)
    assert [await anext(stream) for _ in range(3)] == [b": ping\n\n"] * 3
    closing.set()
    assert [chunk async for chunk in stream] == []


async def test_readers_of_the_same_events_get_the_same_bytes(feed: Feed, bus: EventBus) -> None:
    """An event is put into words once, however many look."""
    wanted = Filter(channel_id="c")
    opened = [await feed.attach(wanted) for _ in range(3)]
    other, others = await feed.attach(Filter(channel_id="elsewhere"))
    bus.publish(event(1))
    got = [await anext(source) for _, source in opened]
    assert got[0] is got[1] is got[2]
    assert other._waiting == deque()
    for reader, _ in [*opened, (other, others)]:
        reader.leave()
    assert [chunk async for chunk in others] == []


async def test_a_reader_that_takes_nothing_holds_no_more_than_its_bound(
    feed: Feed, bus: EventBus
) -> None:
    reader, _ = await feed.attach(Filter())
    for number in range(3 * WAITING):
        bus.publish(event(number))
        if number % 500 == 0:
            await asyncio.sleep(0)
    await soon(lambda: reader._ended)
    assert sum(chunk.events for chunk in reader._waiting) <= WAITING
    reader.leave()


def test_rounds_take_a_small_share_and_come_at_once_after_a_silence() -> None:
    now, used = [100.0], [10.0]
    pace = Pace(lambda: now[0], lambda: used[0])
    assert pace.wait() == 0
    pace.began()
    pace.took(0.04)  # so that a round costs 10 ms
    now[0] += 0.1
    assert 0 < pace.wait() <= 0.1
    used[0] += 0.6  # the runs have used the processor: 2 % of it is more than a round takes
    assert pace.wait() == 0
    pace.began()
    now[0] += 1.1  # or there was time enough
    assert pace.wait() == 0
    pace.began()
    for _ in range(50):
        pace.took(5.0)
    now[0] += 1.9
    assert pace.wait() > 0
    now[0] += 0.1
    assert pace.wait() == 0


async def test_a_silent_reader_hears_that_the_server_lives() -> None:
    reader = Reader(Filter(), lambda _: None)
    reader.beat(time.monotonic() + HEARTBEAT - 1)
    assert not reader._waiting
    reader.beat(time.monotonic() + HEARTBEAT + 1)
    assert await anext(reader) == b": ping\n\n"


@pytest.mark.thorough
async def test_a_crowd_and_one_that_never_reads_stay_within_memory(tmp_path: Path) -> None:
    """A thousand viewers who read, and one who does not: each of the former has every event."""
    settings = {
        "ONEHOP_AGENT_MAX_STREAMS": "3000",
        "ONEHOP_AGENT_MAX_RATE": "1000000",
        "ONEHOP_MAX_CONNECTIONS": "3000",
    }
    runs, crowd = 60, 1000
    with Served(tmp_path, "--no-auth", **settings) as server:
        _, idle = await connect(server.url)
        idle.transport.pause_reading()  # type: ignore[attr-defined]
        try:
            async with watching(server.url, crowd) as seen:
                before = memory_of(server.pid)
                async with httpx2.AsyncClient(base_url=server.url, timeout=60) as client:
                    for _ in range(runs):
                        answer = await client.post("/api/v1/execute", json={"code": "return 1"})
                        assert answer.status_code == 200
                await soon(lambda: seen.events >= 4 * runs * crowd)
                assert memory_of(server.pid) - before < 100
                assert seen.events == 4 * runs * crowd
        finally:
            idle.close()
