"""HTTP as bytes: what is framed in two ways, said in part, or never read."""

from __future__ import annotations

import json
import resource
import socket
import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.server.served import Served, run, streaming
from tests.server.test_api import error
from tests.server.test_bad_input import (
    ENDLESS,
    _connected,
    body,
    head,
    key_of,
    spoken,
    status,
    stopped,
)
from tests.waiting import until


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that is soon tired of clients: of 20 connections, and of those that do not read."""
    few = {"ONEHOP_MAX_CONNECTIONS": "20", "ONEHOP_UNREAD_TIMEOUT": "1000"}
    with Served(tmp_path_factory.mktemp("narrow"), **few) as server:
        yield server


def call(code: str, **more: object) -> bytes:
    return json.dumps({"code": code, **more}).encode()


def started(event: dict[str, Any]) -> str | None:
    """The name of the run that starts here."""
    is_start = event["event"] == "code:execution:started"
    return str(event["data"]["data"]["requestId"]) if is_start else None


# --- framing


@pytest.mark.parametrize(
    "framing",
    [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: identity",
    ],
)
def test_a_body_of_two_lengths_is_refused_and_nothing_behind_it_is_read(
    served: Served, framing: str
) -> None:
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    request = f"POST /api/v1/execute HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n0\r\n\r\n"
    answer = spoken(served, request.encode() + smuggled)
    assert (status(answer), body(answer)["code"]) == (400, "invalid_request")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_chunked_body_of_http_1_0_is_refused(served: Served) -> None:
    request = (
        b"POST /mcp HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )
    assert status(spoken(served, request)) == 400


@pytest.mark.parametrize(
    "filler", ["X-A: " + "x" * 40_000, "\r\n".join(f"X-{n}: y" for n in range(5000))]
)
def test_a_head_that_is_too_long_is_refused_also_when_it_comes_at_once(
    served: Served, filler: str
) -> None:
    answer = spoken(served, f"GET /healthz HTTP/1.1\r\nHost: a\r\n{filler}\r\n\r\n".encode())
    assert status(answer) == 431
    assert "32768" in body(answer)["message"]


# --- clients that say no more


@pytest.mark.sample(1)
@pytest.mark.parametrize("pause", [0, 300, 1500])
def test_a_client_that_says_no_more_gets_its_answer(
    served: Served, ada: httpx2.Client, pause: int
) -> None:
    words = call(f"await new Promise(r => setTimeout(r, {pause})); return 'heard'")
    with closing(_connected(served)) as wire:
        wire.sendall(head(served, key_of(ada), len(words)) + words)
        wire.shutdown(socket.SHUT_WR)
        answer = read(wire)
    final = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert status(final) == 200
    assert b'"output":"heard"' in final


def test_a_client_that_said_no_more_and_then_left_takes_its_run_along(
    served: Served, ada: httpx2.Client, viewer: httpx2.Client
) -> None:
    name, words = uuid.uuid4().hex, call(ENDLESS, timeout=30000)
    with (
        closing(_connected(served)) as wire,
        streaming(viewer, "/api/v1/events") as heard,
    ):
        wire.sendall(head(served, key_of(ada), len(words), f"X-Request-Id: {name}") + words)
        wire.shutdown(socket.SHUT_WR)
        until(lambda: started(next(heard)) == name, "it runs")
    assert stopped(served, viewer, name)["errorType"] == "cancelled"


@pytest.mark.sample(1)
@pytest.mark.parametrize("says_so_before", [False, True])
def test_a_client_that_leaves_is_noticed_before_a_run_of_some_seconds_ends(
    served: Served, ada: httpx2.Client, viewer: httpx2.Client, says_so_before: bool
) -> None:
    """Half a second is what it takes; four were too many."""
    waits = "await new Promise(r => setTimeout(r, 3000)); return 'in vain'"
    name, words = uuid.uuid4().hex, call(waits, timeout=30000)
    with closing(_connected(served)) as wire:
        wire.sendall(head(served, key_of(ada), len(words), f"X-Request-Id: {name}") + words)
        if says_so_before:
            wire.shutdown(socket.SHUT_WR)
            time.sleep(0.4)
            assert wire.recv(100).startswith(b"HTTP/1.1 100 ")
            time.sleep(0.1)
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
    assert stopped(served, viewer, name)["errorType"] == "cancelled"


def read(wire: socket.socket) -> bytes:
    """All that comes, until the server hangs up."""
    parts = list[bytes]()
    while part := wire.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


# --- clients that take nothing


@pytest.mark.thorough
def test_memory_of_answers_that_nobody_read_goes_back_to_the_machine(tmp_path: Path) -> None:
    clients, most = 60, 64 << 20  # bytes; without a hand they leave 120 MB behind
    words = call("return 'x'.repeat(4_000_000)", timeout=30000)
    places = {"CODE_EXEC_MAX_OUTPUT": "5000000", "ONEHOP_AGENT_MAX_RUNS": "100"}
    with Served(tmp_path, **places) as server, server.client(server.key("large")) as large:
        assert run(large, "return 1").json()["output"] == 1
        before = resident(server)
        with ExitStack() as stack:
            for _ in range(clients):
                wire = stack.enter_context(closing(_connected(server)))
                wire.sendall(head(server, key_of(large), len(words)) + words)
            until(lambda: resident(server) > before + 2 * most, "the answers are made")
        until(lambda: resident(server) < before + most, "the memory is given back")


def resident(server: Served) -> int:
    """Bytes of a server's process that are in memory."""
    pages = int(Path(f"/proc/{server.pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


@pytest.mark.thorough
def test_who_does_not_read_keeps_its_place_and_is_dropped(narrow: Served) -> None:
    key = narrow.key("silent", max_runs=2)
    words = call("return 'x'.repeat(4000000)")
    with ExitStack() as stack, narrow.client(key) as client:
        wires = [stack.enter_context(closing(_connected(narrow))) for _ in range(2)]
        for wire in wires:
            wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            wire.sendall(head(narrow, key, len(words)) + words)
            assert wire.recv(1)  # it has begun to come
        error(run(client, "return 1"), 429, "rate_limited")
        until(lambda: run(client, "return 1").status_code == 200, "the place is free again")
        narrow.logged(lambda line: "took nothing of its answer" in line.get("message", ""))
        assert len(read(wires[0])) < 4_000_000


def test_who_reads_slowly_gets_it_all(narrow: Served) -> None:
    words = call("return 'x'.repeat(2000000)")
    with closing(_connected(narrow)) as wire:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        close = "Connection: close"
        wire.sendall(head(narrow, narrow.key("patient"), len(words), close) + words)
        answer = b""
        for _ in range(8):  # longer than the time in which it must take something
            time.sleep(0.25)
            answer += wire.recv(65536)
        answer += read(wire)
    assert answer.count(b"x") > 2_000_000
    assert answer.endswith(b"}")


# --- many connections


def test_idle_connections_make_room_for_new_ones(narrow: Served) -> None:
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(_connected(narrow))) for _ in range(60)]
        with narrow.client(narrow.key("late")) as client:
            assert run(client, "return 1").json()["output"] == 1
        assert sum(map(_closed, idle)) >= 40
    narrow.logged(lambda line: "ONEHOP_MAX_CONNECTIONS" in line.get("message", ""))
    assert sum("ONEHOP_MAX_CONNECTIONS" in line for line in narrow.raw) == 1


def _closed(wire: socket.socket) -> bool:
    wire.setblocking(False)
    try:
        return wire.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_busy_connections_are_not_closed_for_new_ones(narrow: Served) -> None:
    key = narrow.key("busy")
    words = call("await new Promise(r => setTimeout(r, 1500)); return 1")
    with ExitStack() as stack:
        wires = [stack.enter_context(closing(_connected(narrow))) for _ in range(20)]
        for wire in wires:
            wire.sendall(head(narrow, key, len(words), "Connection: close") + words)
        time.sleep(0.5)
        late = stack.enter_context(closing(_connected(narrow)))
        assert _closed_soon(late)
        assert {status(read(wire)) for wire in wires} == {200}


def _closed_soon(wire: socket.socket) -> bool:
    wire.settimeout(5)
    try:
        return wire.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.thorough
def test_running_out_of_descriptors_is_one_line_of_the_log(tmp_path: Path) -> None:
    with Served(tmp_path, ONEHOP_MAX_CONNECTIONS="100000") as server:
        used = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
        limit = used + 20
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (limit, limit))
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(closing(_connected(server)))
            server.logged(lambda line: "no descriptor is left" in line.get("message", ""))
            time.sleep(1.5)
        assert sum(map(len, server.raw)) < 20_000
        until(lambda: httpx2.get(f"{server.url}/healthz").status_code == 200, "it answers again")


# --- bodies that are not what they say


@pytest.mark.parametrize(
    "sent",
    [
        [b"zz\r\nabc\r\n0\r\n\r\n"],
        [b'5\r\n{"cod\r\n', b"zz\r\n"],
        [b"3\r\n{}XYZ\r\n0\r\n\r\n"],
        [b"-1\r\n{}\r\n0\r\n\r\n"],
        [b"f" * 23 + b"\r\n{}\r\n"],
        [b"1;" + b"a" * 70_000],
        [b"2\r\n{}\r\n0\r\nbad trailer\r\n\r\n"],
    ],
)
@pytest.mark.parametrize("address", ["/api/v1/execute", "/mcp", "/healthz", "/nowhere"])
def test_a_chunk_that_is_wrong_is_told_and_ends_the_connection(
    served: Served, ada: httpx2.Client, address: str, sent: list[bytes]
) -> None:
    start = _chunked(key_of(ada), address)
    answer = spoken(served, start + sent[0], *sent[1:])
    assert (status(answer), body(answer)["code"]) == (400, "invalid_request")
    assert b"Connection: close" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "part",
    [
        "POST /api/v1/exec",
        "POST /api/v1/execute HTTP/1.1\r\nHost: localhost\r\nContent-",
        "length",
        "chunks",
    ],
)
def test_a_request_that_is_cut_short_is_told_so(
    served: Served, ada: httpx2.Client, part: str
) -> None:
    starts = {
        "length": head(served, key_of(ada), 100) + b'{"code"',
        "chunks": _chunked(key_of(ada), "/api/v1/execute") + b'5\r\n{"cod',
    }
    with closing(_connected(served)) as wire:
        wire.sendall(starts.get(part, part.encode()))
        wire.shutdown(socket.SHUT_WR)
        answer = read(wire)
    assert (status(answer), body(answer)["code"]) == (400, "invalid_request")
    assert "closed before it was whole" in body(answer)["message"]
    assert b"Connection: close" in answer


def _chunked(key: str, address: str) -> bytes:
    return (
        f"POST {address} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()


def test_after_an_answer_a_wrong_chunk_brings_no_second_one(served: Served) -> None:
    with closing(_connected(served)) as wire:
        wire.sendall(_chunked("wrong", "/mcp"))
        wire.sendall(b"zz\r\n" if _status_of_first(wire) == 401 else b"")
        assert b"HTTP/1.1" not in read(wire)


def _status_of_first(wire: socket.socket) -> int:
    found = b""
    while b"requestId" not in found:
        found += wire.recv(4096)
    return status(found)


@pytest.mark.parametrize("version", ["2.0", "3.7", "0.9"])
def test_another_version_of_http_is_refused(served: Served, version: str) -> None:
    answer = spoken(served, f"GET /healthz HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
    assert (status(answer), body(answer)["code"]) == (505, "invalid_request")


def test_a_head_that_never_ends_is_told_so(served: Served) -> None:
    answer = spoken(served, b"GET /healthz HTTP/1.1\r\nHost: ")
    assert (status(answer), body(answer)["code"]) == (408, "timeout")
