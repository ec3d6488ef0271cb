"""The bus: order kept, nobody blocked, and a slow subscriber's loss is its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from onehop.errors import InvalidRequestError
from onehop.events import (
    CODE_EXECUTION_STARTED,
    CODE_VALIDATION_STARTED,
    Event,
    ExecutionStarted,
    ValidationStarted,
)
from onehop.execution.bus import EventBus

pytestmark = pytest.mark.unit


def validation(request_id: str = "r1") -> Event:
    return ValidationStarted(agent_id="a", channel_id="c", request_id=request_id, code_hash="h")


def start(request_id: str = "r1") -> Event:
    return ExecutionStarted(
        agent_id="a",
        channel_id="c",
        request_id=request_id,
        code_hash="h",
        language="javascript",
        code_length=1,
        timeout=100,
    )


@pytest_asyncio.fixture(loop_scope="module")
async def bus() -> AsyncIterator[EventBus]:
    opened = EventBus()
    yield opened
    await opened.aclose()


async def test_sync_and_async_subscribers_get_every_event_in_order(bus: EventBus) -> None:
    heard: list[Event] = []
    awaited: list[Event] = []

    async def listener(event: Event) -> None:
        await asyncio.sleep(0)
        awaited.append(event)

    first = bus.subscribe(heard.append)
    second = bus.subscribe(listener)
    sent = [validation(str(number)) for number in range(50)]
    for event in sent:
        bus.publish(event)
    assert heard == []  # never in the publisher's own time
    await first.drained()
    await second.drained()
    assert heard == awaited == sent


async def test_a_subscriber_gets_the_types_it_asked_for(bus: EventBus) -> None:
    heard: list[Event] = []
    subscription = bus.subscribe(heard.append, types=[CODE_EXECUTION_STARTED])
    bus.publish(validation())
    bus.publish(start())
    await subscription.drained()
    assert [event.event_type for event in heard] == [CODE_EXECUTION_STARTED]


async def test_a_slow_subscriber_loses_only_its_own_events_and_is_told(
    bus: EventBus, caplog: pytest.LogCaptureFixture
) -> None:
    gate = asyncio.Event()
    slow: list[str] = []
    quick: list[str] = []

    async def sleeper(event: Event) -> None:
        await gate.wait()
        slow.append(event.request_id)

    lagging = bus.subscribe(sleeper, buffer=3, name="sleeper")
    prompt = bus.subscribe(lambda event: quick.append(event.request_id), buffer=100)
    with caplog.at_level(logging.WARNING, "onehop.execution.bus"):
        bus.publish(validation("0"))
        await asyncio.sleep(0)  # the slow one holds the first event now
        for number in range(1, 11):
            bus.publish(validation(str(number)))
        gate.set()
        await lagging.drained()
        await prompt.drained()
    assert quick == [str(number) for number in range(11)]
    assert slow == ["0", "8", "9", "10"]
    assert lagging.dropped == 7
    assert prompt.dropped == 0
    assert "subscriber sleeper is too slow and loses events" in caplog.text
    assert "subscriber sleeper lost 7 events" in caplog.text


async def test_a_subscriber_that_raises_is_logged_and_gets_the_next_event(
    bus: EventBus, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def clumsy(event: Event) -> None:
        heard.append(event.request_id)
        raise KeyError(event.request_id)

    subscription = bus.subscribe(clumsy, name="clumsy")
    bus.publish(validation("1"))
    bus.publish(validation("2"))
    await subscription.drained()
    assert heard == ["1", "2"]
    assert "subscriber clumsy failed on code:validation:started" in caplog.text


async def test_a_closed_subscription_hears_nothing_more(bus: EventBus) -> None:
    heard: list[Event] = []
    subscription = bus.subscribe(heard.append)
    bus.publish(validation())
    subscription.close()
    bus.publish(validation())
    await subscription.drained()
    assert heard == []


async def test_a_subscriber_may_close_itself_while_it_handles_an_event(bus: EventBus) -> None:
    heard: list[str] = []

    def once(event: Event) -> None:
        heard.append(event.request_id)
        subscription.close()

    subscription = bus.subscribe(once)
    bus.publish(validation("1"))
    bus.publish(validation("2"))
    await subscription.drained()
    assert heard == ["1"]


async def test_a_stream_gives_events_as_they_come_and_ends_when_closed(bus: EventBus) -> None:
    async with bus.stream(types=[CODE_VALIDATION_STARTED]) as stream:
        reader = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        bus.publish(start())
        bus.publish(validation("1"))
        bus.publish(validation("2"))
        assert (await asyncio.wait_for(reader, 5)).request_id == "1"
        stream.close()
        assert [event.request_id async for event in stream] == ["2"]


async def test_a_slow_reader_of_a_stream_keeps_the_newest_events(bus: EventBus) -> None:
    async with bus.stream(buffer=2) as stream:
        for number in range(5):
            bus.publish(validation(str(number)))
        assert stream.dropped == 3
        assert (await anext(stream)).request_id == "3"


async def test_closing_the_bus_lets_subscribers_finish_what_waits() -> None:
    bus = EventBus()
    heard: list[str] = []
    bus.subscribe(lambda event: heard.append(event.request_id))
    stream = bus.stream()
    bus.publish(validation("1"))
    await bus.aclose()
    assert heard == ["1"]
    assert [event.request_id async for event in stream] == ["1"]


async def test_an_unknown_type_or_an_empty_buffer_is_refused(bus: EventBus) -> None:
    with pytest.raises(InvalidRequestError, match=r"types: got code:other; .*code:execution"):
        bus.subscribe(print, types=["code:other"])
    with pytest.raises(InvalidRequestError, match="buffer"):
        bus.stream(buffer=0)
