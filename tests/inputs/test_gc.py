"""Large JSON is read without the cycle collector, and the collector's state stays the caller's."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from onehop.config import SandboxConfig
from onehop.inputs.frames import ProtocolError
from onehop.inputs.gc import free_later, no_collection
from onehop.requests import check_request
from onehop.workers.protocol import Result, parse_message

pytestmark = pytest.mark.unit

LARGE = {"rows": [{"id": number, "tags": ["a", "b"]} for number in range(20_000)]}


@pytest.fixture
def collections() -> Iterator[list[int]]:
    """The generations that were collected, in order; the collector is on before and after."""
    seen: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.collect()
    gc.callbacks.append(note)
    yield seen
    gc.callbacks.remove(note)
    assert gc.isenabled()


@pytest.fixture
def thawed() -> Iterator[None]:
    """Nothing is frozen, as in most programs; the suite itself has frozen what it has loaded."""
    gc.unfreeze()
    gc.collect()
    yield
    gc.freeze()


def test_a_large_context_and_output_cause_next_to_no_collections(collections: list[int]) -> None:
    checked = check_request(SandboxConfig(), code="return context", context=LARGE)
    body = b'{"v":3,"token":"t","kind":"result","dropped":0,"output":' + checked.context_json + b"}"
    message = parse_message(body, "t", len(body))
    assert isinstance(message, Result)
    assert message.output == checked.request.context == LARGE
    assert len(collections) < 10  # it is over a hundred otherwise


@pytest.mark.usefixtures("thawed")
def test_what_was_built_is_not_looked_at_as_soon_as_the_pause_is_over(
    collections: list[int],
) -> None:
    with no_collection(1 << 20):
        built: list[list[int]] = [[] for _ in range(20_000)]
    again: list[list[int]] = [[] for _ in range(100)]
    assert len(built) > len(again)
    assert not collections


@pytest.mark.usefixtures("thawed")
def test_a_program_that_builds_large_data_again_and_again_has_its_cycles_collected(
    collections: list[int],
) -> None:
    for _ in range(100):
        with no_collection(1 << 20):
            pass
    assert 2 in collections


def test_a_pause_ends_also_when_it_fails(collections: list[int]) -> None:
    with pytest.raises(ProtocolError):
        parse_message(b"[" + b"1," * 100_000, "t", 1_000_000)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with no_collection(1 << 20):
            assert not gc.isenabled()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_little_data_is_read_without_a_pause() -> None:
    with no_collection(1000):
        assert gc.isenabled()


@pytest.mark.parametrize("number", ["1e999", "-1E+400", "[0.5E+309]", "1" + "0" * 400 + ".0"])
@pytest.mark.parametrize("token", ["5e123", "t", "a1e00099"])
def test_a_number_beyond_doubles_is_refused_whatever_the_token(token: str, number: str) -> None:
    text = f'{{"v":3,"token":"{token}","kind":"result","dropped":0,"output":{number}}}'
    with pytest.raises(ProtocolError, match=r"not a double|not JSON"):
        parse_message(text.encode(), token, 1000)


def test_a_number_in_place_of_the_token_is_refused_too() -> None:
    with pytest.raises(ProtocolError):
        parse_message(b'{"v":1e999,"token":"t","kind":"result","dropped":0,"output":1}', "t", 1000)


async def test_a_program_that_froze_its_objects_is_not_taken_for_a_server() -> None:
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with no_collection(1 << 20):
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > frozen // 2  # some of them go without the collector
    finally:
        gc.unfreeze()


class _Held:
    pass


async def test_large_data_is_freed_after_who_waits_for_the_answer_has_gone_on() -> None:
    alive = {}
    for size in (1_000, 1_000_000):
        held = _Held()
        gone = weakref.ref(held)
        free_later(held, size)
        del held
        alive[size] = gone() is not None
        await asyncio.sleep(0)
        assert gone() is None
    assert alive == {1_000: False, 1_000_000: True}
