"""What goes wrong on the wire: the answer is clear, nothing is left behind, the server stays up."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.served import JSON, PATIENCE, Served, run, streaming
from tests.server.test_api import error
from tests.waiting import until

ENDLESS = "console.log('on'); for (;;) await new Promise(r => setTimeout(r, 10))"


@pytest.fixture(autouse=True)
def still_up(ada: httpx2.Client) -> Iterator[None]:
    """After each of these the server works as before."""
    yield
    assert run(ada, "return 1").json()["output"] == 1


def spoken(served: Served, *parts: bytes, patience: float = PATIENCE) -> bytes:
    """What the server answers to bytes, until it hangs up."""
    with closing(_connected(served)) as wire:
        wire.settimeout(patience)
        for part in parts:
            wire.sendall(part)
        answer = b""
        while more := wire.recv(65536):
            answer += more
    return answer


def _connected(served: Served) -> socket.socket:
    url = httpx2.URL(served.url)
    return socket.create_connection((url.host, url.port or 0), PATIENCE)


def head(served: Served, key: str, length: int, *more: str) -> bytes:
    """The head of a call."""
    lines = [
        "POST /api/v1/execute HTTP/1.1",
        f"Host: {httpx2.URL(served.url).netloc.decode()}",
        f"X-API-Key: {key}",
        "Content-Type: application/json",
        f"Content-Length: {length}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def status(answer: bytes) -> int:
    return int(answer.split()[1])


def body(answer: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])["error"]
    return found


def key_of(client: httpx2.Client) -> str:
    return client.headers["authorization"].split()[1]


# --- bodies


def test_a_body_of_50_megabytes_is_refused(ada: httpx2.Client) -> None:
    huge = b'{"code": "' + b"x" * (50 << 20) + b'"}'
    error(ada.post("/api/v1/execute", content=huge, headers=JSON), 413, "too_large")


def test_a_body_of_unknown_length_is_refused_too(ada: httpx2.Client) -> None:
    chunks = (b"x" * (1 << 20) for _ in range(50))
    error(ada.post("/api/v1/execute", content=chunks, headers=JSON), 413, "too_large")


def test_a_body_is_refused_before_it_is_sent(served: Served, ada: httpx2.Client) -> None:
    answer = spoken(served, head(served, key_of(ada), 50 << 20, "Expect: 100-continue"))
    assert status(answer) == 413
    assert b"100 Continue" not in answer


def test_a_body_without_a_key_is_not_read(served: Served) -> None:
    answer = spoken(
        served, head(served, "wrong", 50 << 20, "Expect: 100-continue", "Connection: close")
    )
    assert status(answer) == 401


@pytest.mark.thorough
def test_a_body_that_does_not_come_is_given_up(tmp_path: Path) -> None:
    with Served(tmp_path, ONEHOP_BODY_TIMEOUT="300") as server:
        answer = spoken(server, head(server, server.key("ada"), 100), b'{"code"')
        assert status(answer) == 408
        assert body(answer)["code"] == "timeout"


def test_what_is_no_http_is_told_so_in_the_same_form(served: Served) -> None:
    for words in (
        b"HELLO\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"\x16\x03\x01\0\r\n\r\n",
    ):
        answer = spoken(served, words)
        assert status(answer) == 400
        assert body(answer)["code"] == "invalid_request"


def test_a_long_head_is_refused(served: Served, ada: httpx2.Client) -> None:
    endless = head(served, key_of(ada), 0, "X-Filler: ").rstrip() + b"x" * 100_000
    answer = spoken(served, endless)
    assert (status(answer), body(answer)["code"]) == (431, "invalid_request")


# --- clients that leave


def stopped(served: Served, viewer: httpx2.Client, name: str) -> dict[str, Any]:
    """The record of a run whose client has left."""
    address = f"/api/v1/executions/{name}"
    until(lambda: viewer.get(address).status_code == 200, "the run is recorded")
    record: dict[str, Any] = viewer.get(address).json()
    return record


def test_a_client_that_leaves_takes_its_run_along(
    served: Served, ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    name = uuid.uuid4().hex
    call = json.dumps({"code": ENDLESS, "timeout": 30000}).encode()
    with streaming(viewer, "/api/v1/events", params={"type": "code:execution:started"}) as events:
        wire = _connected(served)
        wire.sendall(head(served, key_of(ada), len(call), f"X-Request-Id: {name}") + call)
        assert next(events)["data"]["data"]["requestId"] == name
        wire.close()
    since = time.monotonic()
    record = stopped(served, viewer, name)
    assert time.monotonic() - since < 5
    assert record["errorType"] == "cancelled"
    assert served.access(name)["status"] == 499


def test_a_client_that_leaves_a_stream_takes_its_run_along(
    served: Served, ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    name = uuid.uuid4().hex
    options = {
        "method": "POST",
        "json": {"code": ENDLESS, "timeout": 30000},
        "headers": {"Accept": "text/event-stream", "X-Request-Id": name},
    }
    with streaming(ada, "/api/v1/execute", **options) as events:
        assert next(events)["event"] == "log"
    assert stopped(served, viewer, name)["errorType"] == "cancelled"


def test_a_client_that_leaves_in_its_body_leaves_nothing(
    served: Served, ada: httpx2.Client
) -> None:
    name = uuid.uuid4().hex
    with closing(_connected(served)) as wire:
        wire.sendall(head(served, key_of(ada), 1000, f"X-Request-Id: {name}") + b'{"code": "')
    assert served.access(name)["status"] == 499
    error(ada.get(f"/api/v1/executions/{name}"), 404, "not_found")


def test_a_watcher_that_leaves_does_not_end_the_run(served: Served, ada: httpx2.Client) -> None:
    name = uuid.uuid4().hex
    code = "console.log('on'); await new Promise(r => setTimeout(r, 600)); return 'done'"
    options = {
        "method": "POST",
        "json": {"code": code},
        "headers": {"Accept": "text/event-stream", "X-Request-Id": name},
    }
    with streaming(ada, "/api/v1/execute", **options) as own:
        assert next(own)["event"] == "log"
        with (
            served.client(key_of(ada)) as other,
            streaming(other, f"/api/v1/executions/{name}/stream") as watched,
        ):
            assert next(watched)["event"] == "log"
        assert next(own)["data"]["output"] == "done"


# --- many at once


@pytest.mark.thorough
async def test_a_thousand_connections_at_once_are_all_answered(
    served: Served, ada: httpx2.Client
) -> None:
    url = httpx2.URL(served.url)
    host = url.netloc.decode()
    request = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
    call = json.dumps({"code": "return 1"}).encode()
    execute = head(served, key_of(ada), len(call), "Connection: close") + call
    everyone = asyncio.Barrier(1000)

    async def ask(words: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        await everyone.wait()
        writer.write(words)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    async with asyncio.timeout(PATIENCE):
        answers = await asyncio.gather(
            *(ask(request) for _ in range(900)), *(ask(execute) for _ in range(100))
        )
    assert {status(answer) for answer in answers[:900]} == {200}
    ran = [status(answer) for answer in answers[900:]]
    assert set(ran) <= {200, 429}
    assert ran.count(200) >= 32
    assert {body(answer)["code"] for answer in answers[900:] if status(answer) == 429} <= {
        "rate_limited"
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("clock", "+300000-01-01T00:00:00Z"),
        ("clock", 9_406_000_000_000_000),
        ("clock", 10**400),
        ("seed", -1),
        ("session", "../another"),
        ("session", "s" * 129),
    ],
)
def test_what_a_call_cannot_have_is_refused_by_its_name(
    field: str, value: Any, ada: httpx2.Client
) -> None:
    answer = ada.post("/api/v1/execute", json={"code": "return 1", field: value})
    assert answer.status_code == 400
    assert f"{field}: got" in answer.json()["error"]["message"]


def test_sessions_beyond_those_of_an_agent_are_refused_and_it_is_told_which_it_has(
    ada: httpx2.Client,
) -> None:
    def call(number: int) -> httpx2.Response:
        body = {"code": "globalThis.mine = 1; return 1", "session": f"many-{number}"}
        return ada.post("/api/v1/execute", json=body)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(call, range(24)))
    refused = [each for each in answers if each.status_code != 200]
    assert len(refused) >= 24 - 8
    for each in refused:
        assert (each.status_code, each.json()["error"]["code"]) == (429, "too_many_sessions")
    for each in ada.get("/api/v1/sessions").json()["sessions"]:
        assert ada.delete(f"/api/v1/sessions/{each['session']}").status_code == 200
