"""Who asks for too much is refused before it costs anything."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from onehop.server._errors import ServerBusyError, TooMuchAtOnceError
from onehop.server.asgi._refusals import Refusals, address
from onehop.server.asgi._room import Room
from tests.server.served import JSON, Served, run
from tests.server.test_api import error
from tests.server.test_bad_input import _connected, head, status
from tests.waiting import until

MB = 1 << 20


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with little room."""
    little = {
        "ONEHOP_MAX_REFUSED": "5",
        "ONEHOP_AGENT_MAX_BODIES": str(3 * MB),
        "ONEHOP_MAX_BODIES": str(5 * MB),
    }
    with Served(tmp_path_factory.mktemp("strict"), **little) as server:
        yield server


@pytest.fixture
def exact(tmp_path: Path) -> Iterator[Served]:
    """A server that gives large integers as texts."""
    with Served(tmp_path, ONEHOP_LARGE_INTEGERS="strings") as server:
        yield server


def post(client: httpx2.Client, body: bytes, path: str = "/api/v1/execute") -> httpx2.Response:
    return client.post(path, content=body, headers=JSON)


def peak(server: Served) -> int:
    """The most memory that the server's process has had, in MB."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(text.partition("VmHWM:")[2].split()[0]) // 1024


# --- values


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "piece", [b"[],", b"{},", b"1,", b'"",', b'{"a":1},', b"[" * 190 + b"]" * 190 + b","]
)
def test_a_body_of_very_many_values_is_refused_before_it_is_built(
    served: Served, ada: httpx2.Client, piece: bytes
) -> None:
    before = peak(served)
    body = b'{"code":"return 1","context":{"a":[' + piece * (8 * MB // len(piece)) + b"1]}}"
    found = error(post(ada, body), 413, "too_large")
    assert "JSON values" in found["message"]
    assert peak(served) - before < 60


def test_text_with_very_many_commas_is_one_value(ada: httpx2.Client) -> None:
    answer = ada.post(
        "/api/v1/execute",
        json={"code": "return context.csv.length", "context": {"csv": '1,[2],{3}\\"\n' * 200_000}},
    )
    assert answer.json()["output"] == 12 * 200_000


def test_a_context_in_a_text_is_bounded_alike(ada: httpx2.Client) -> None:
    body = {"code": "return 1", "context": '{"a":[' + "[]," * 700_000 + "1]}"}
    assert error(ada.post("/api/v1/execute", json=body), 400, "invalid_request")["field"] == (
        "context"
    )


# --- bytes in flight


@pytest.mark.thorough
def test_uploads_of_one_agent_are_bounded_together(strict: Served) -> None:
    greedy, other = strict.key("greedy"), strict.key("modest")
    with ExitStack() as stack:
        for _ in range(3):
            wire = stack.enter_context(closing(_connected(strict)))
            wire.sendall(head(strict, greedy, MB - 1000) + b'{"code":"')
        until(lambda: spoken_status(strict, greedy, MB) == 429, "its room is used up")
        assert spoken_status(strict, greedy, MB) == 429
        with strict.client(greedy) as client:
            assert run(client, "return 1").status_code in (200, 429)
        with strict.client(other) as client:
            assert run(client, "return 1").json()["output"] == 1
    with strict.client(greedy) as client:
        body = json.dumps({"code": "return 1 //" + "x" * MB}).encode()
        until(lambda: post(client, body).status_code == 200, "its room is free again")


def spoken_status(server: Served, key: str, length: int) -> int:
    """The answer to a head that announces a body, before any of it comes."""
    with closing(_connected(server)) as wire:
        wire.sendall(head(server, key, length, "Expect: 100-continue"))
        answer = b""
        while b"\r\n\r\n" not in answer:  # the server would wait for the body before it hangs up
            part = wire.recv(65536)
            assert part, answer
            answer += part
    return status(answer)


def test_bodies_of_unknown_length_count_while_they_come(strict: Served) -> None:
    with strict.client(strict.key("chunky")) as client:
        chunks = (b"x" * 65536 for _ in range(100))
        alone = client.post("/api/v1/execute", content=chunks, headers=JSON)
        error(alone, 400, "invalid_request")  # one that is alone always fits
    with closing(_connected(strict)) as wire:
        wire.sendall(head(strict, strict.key("first"), 4 * MB) + b"{")
        with strict.client(strict.key("second")) as client:
            chunks = (b"x" * 65536 for _ in range(100))
            beside = client.post("/api/v1/execute", content=chunks, headers=JSON)
        assert error(beside, 503, "overloaded")["message"]


def test_room_is_shared_and_given_back() -> None:
    room = Room(per_agent=10, in_all=15)
    first, second, third = room.share("a"), room.share("a"), room.share("b")
    first.grow_to(40)  # alone
    with pytest.raises(TooMuchAtOnceError):
        second.grow_to(1)
    first.end()
    first.end()
    second.grow_to(8)
    second.grow_to(5)
    with pytest.raises(ServerBusyError):
        third.grow_to(8)
    third.grow_to(7)
    second.end()
    third.grow_to(15)


# --- admission comes before the body


def test_a_call_too_many_is_refused_before_its_body_comes(served: Served) -> None:
    key = served.key("hasty", max_rate=1)
    with served.client(key) as client:
        error(post(client, b"not json"), 400, "invalid_request")  # it counts too
        assert spoken_status(served, key, 20 * MB) == 429
        error(post(client, b"{}", "/api/v1/validate"), 429, "rate_limited")


# --- what is refused counts


def test_wrong_keys_of_one_address_are_told_to_wait_and_good_ones_are_not(strict: Served) -> None:
    known, late = strict.key("known"), strict.key("late")
    wrong = {"X-API-Key": "oh_" + "0" * 16 + "_" + "0" * 64}
    with strict.client(known) as client:
        assert client.get("/api/v1/me").status_code == 200
        statuses = [
            httpx2.get(f"{strict.url}/api/v1/me", headers=wrong).status_code for _ in "1234567"
        ]
        assert statuses == [401] * 5 + [429] * 2
        assert client.get("/api/v1/me").status_code == 200
    refused = httpx2.get(f"{strict.url}/api/v1/me", headers={"X-API-Key": late})
    assert int(refused.headers["retry-after"]) >= 1


def test_refused_calls_of_an_agent_count_against_its_rate(served: Served) -> None:
    with served.client(served.key("lost", max_rate=3)) as client:
        statuses = [client.get("/api/v1/executions/none").status_code for _ in "12345"]
        assert statuses == [404, 404, 404, 429, 429]


def test_refusals_are_forgotten_after_a_minute_and_take_bounded_memory() -> None:
    now = [0.0]
    refusals = Refusals(clock=lambda: now[0])
    for number in range(100_000):
        refusals.note(f"address {number}")
    assert len(refusals._minutes) <= 4097
    with pytest.raises(TooMuchAtOnceError) as refused:
        refusals.check("address 99999", 100)  # beyond what is counted by itself
    assert 0 < refused.value.retry_after <= 60
    refusals.check("address 1", 100)
    now[0] = 61
    refusals.check("address 99999", 100)


def test_an_ipv6_network_is_one_address() -> None:
    assert address("2001:db8::1") == address("2001:db8::ffff") != address("2001:db8:1::1")
    assert address("127.0.0.1") != address("127.0.0.2")
    assert address("") == ""


# --- the same text is judged the same


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (r'{"code":"return 1","context":{"s":"\ud83c"}}', "context", "context.s"),
        (r'{"code":"return 1","context":{"a":[1,{"b":"x\udc00"}]}}', "context", "context.a[1].b"),
        (r'{"code":"return 1","context":{"\ud83c":1}}', "context", "surrogate"),
        (r'{"code":"return \"\ud83c\""}', "code", "code: got a lone surrogate"),
        (r'{"code":"return 1","description":"\ud83c"}', "description", "description"),
        (r'{"code":"return 1","\ud83c":1}', r"\ud83c", "unknown field"),
        (r'{"code":"return 1","code":"return 2"}', "body", "'code' twice"),
        (r'{"code":"return 1","context":{"a":{"b":1,"c":2,"b":1}}}', "body", "'b' twice"),
        (r'{"code":"return 1","context":{"a":1e400}}', "context", "inf at context.a"),
        (r'{"code":"return 1","context":{"a":1' + "0" * 400 + "}}", "context", "401 digits"),
        (r'{"code":"return 1","context":{"a":1' + "0" * 5000 + "}}", "body", "not JSON"),
        (r'{"code":"return 1","context":{"a":NaN}}', "body", "NaN"),
        (r'{"code":"return 1","context":{"a":-Infinity}}', "body", "-Infinity"),
        ('{"code":"return 1","context":{"a":' + "[" * 5000 + "]" * 5000 + "}}", "body", "nesting"),
        ('{"code":"return 1","context":{"a":' + "[" * 201 + "]" * 201 + "}}", "context", "deeper"),
        ("\ufeff{}", "body", "not JSON"),
    ],
)
def test_what_is_wrong_in_a_body_is_named(
    ada: httpx2.Client, body: str, field: str, words: str
) -> None:
    found = error(post(ada, body.encode()), 400, "invalid_request")
    assert found["field"] == field
    assert words in found["message"]


def test_bytes_that_are_not_utf_8_are_named(ada: httpx2.Client) -> None:
    found = error(post(ada, b'{"code":"\xed\xa0\xbc"}'), 400, "invalid_request")
    assert "byte 9" in found["message"]


def test_a_context_may_be_as_deep_as_in_the_library(ada: httpx2.Client) -> None:
    context: Any = 1
    for _ in range(199):
        context = {"a": context}
    answer = ada.post("/api/v1/execute", json={"code": "return 1", "context": {"a": context}})
    assert answer.json()["output"] == 1


@pytest.mark.thorough
def test_integers_beyond_2_53_are_warned_of_or_come_as_texts(
    ada: httpx2.Client, exact: Served
) -> None:
    call = {"code": "return context.id", "context": {"id": 2**53 + 1}}
    told = ada.post("/api/v1/execute", json=call).json()
    assert told["output"] == 2**53
    assert "context.id" in told["warnings"][0]
    with exact.client(exact.key("exact")) as client:
        answer = client.post("/api/v1/execute", json=call).json()
    assert answer["output"] == str(2**53 + 1)


def test_a_large_call_is_checked_while_others_are_answered(served: Served) -> None:
    key = served.key("large")
    rows = [{"id": number, "name": f"row {number}"} for number in range(100_000)]
    with served.client(key) as client:
        answer = client.post(
            "/api/v1/execute",
            json={"code": "return context.rows.length", "context": {"rows": rows}},
        )
    assert answer.json()["output"] == 100_000


def test_a_socket_that_only_opens_costs_nothing(served: Served) -> None:
    with closing(_connected(served)) as wire:
        wire.shutdown(socket.SHUT_WR)
        assert wire.recv(1) == b""
