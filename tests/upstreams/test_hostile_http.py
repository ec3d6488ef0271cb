"""What a server at a URL may answer: too much, compressed, elsewhere, refused, or nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from onehop import McpUpstream, Sandbox, SandboxConfig, ToolError, Tools, UpstreamUnavailableError
from tests.upstreams.running import free_port, http_server
from tests.waiting import soon

SECRET = "s3cr3t-t0ken-0f-the-tests"
NAMES = (
    "pid", "large", "endless", "values", "compressed", "redirect", "unauthorized", "busy",
    "broken", "cut", "text", "wrong", "events", "long_event", "echo", "forgotten",
)  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    """What it does in a call is the name of the tool."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, Any]] = []  # noqa: RUF012 - of all requests
    sessions = 0

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        message = json.loads(self.rfile.read(length))
        self.seen.append({"headers": dict(self.headers), "message": message})
        method, number = message.get("method"), message.get("id")
        if number is None:
            self.answer(202, b"")
        elif method == "initialize":
            type(self).sessions += 1
            self.result(
                number,
                {
                    "protocolVersion": message["params"]["protocolVersion"],
                    "capabilities": {"tools": {}},
                    "serverInfo": {"name": "hostile", "version": "1"},
                },
                {"mcp-session-id": str(self.sessions)},
            )
        elif method == "tools/list":
            schema = {"type": "object"}
            self.result(
                number, {"tools": [{"name": name, "inputSchema": schema} for name in NAMES]}
            )
        elif method == "tools/call":
            getattr(self, f"call_{message['params']['name']}")(number)
        else:
            self.answer(404, b"")

    def do_GET(self) -> None:
        self.answer(405, b"")

    def do_DELETE(self) -> None:
        self.answer(405, b"")

    def answer(self, status: int, body: bytes, kind: str = "application/json", **more: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in more.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def result(self, number: Any, result: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        self.answer(200, body, **(headers or {}))

    def text(self, number: Any, text: str) -> None:
        self.result(number, {"content": [{"type": "text", "text": text}]})

    def call_pid(self, number: Any) -> None:
        self.text(number, str(self.headers.get("mcp-session-id")))

    def call_large(self, number: Any) -> None:
        self.text(number, "x" * (20 * 1024 * 1024))

    def call_endless(self, _: Any) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

    def call_values(self, number: Any) -> None:
        self.result(number, {"content": [], "structuredContent": {"a": [[]] * 1_000_000}})

    def call_compressed(self, _: Any) -> None:
        self.answer(200, gzip.compress(b" " * 50_000_000), content_encoding="gzip")

    def call_redirect(self, _: Any) -> None:
        self.answer(307, b"", location=f"http://localhost:{free_port()}/elsewhere")

    def call_unauthorized(self, _: Any) -> None:
        self.answer(401, b"go away " + SECRET.encode(), "text/plain")

    def call_busy(self, _: Any) -> None:
        self.answer(429, b"", retry_after="7")

    def call_broken(self, _: Any) -> None:
        self.answer(502, b"<html>" + b"x" * 10_000_000, "text/html")

    def call_cut(self, _: Any) -> None:
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"jsonrpc":"2.0"')
        self.wfile.flush()
        self.connection.shutdown(2)

    def call_text(self, _: Any) -> None:
        self.answer(200, b"hello", "text/plain")

    def call_wrong(self, _: Any) -> None:
        self.answer(200, b'{"jsonrpc":"2.0","id":[' + SECRET.encode())

    def call_events(self, number: Any) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": {"content": []}})
        self.answer(200, f"event: message\ndata: {body}\n\n".encode(), "text/event-stream")

    def call_long_event(self, _: Any) -> None:
        self.answer(200, b"data: " + b"x" * (20 * 1024 * 1024), "text/event-stream")

    def call_echo(self, number: Any) -> None:
        self.text(number, str(self.headers.get("authorization")))

    def call_forgotten(self, _: Any) -> None:
        self.answer(404, b"")

    def log_message(self, *_: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """The client has gone, as it should."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
async def sandbox(address: str) -> AsyncIterator[Sandbox]:
    headers = {"Authorization": f"Bearer {SECRET}"}
    server = McpUpstream(
        url=f"{address}?api_key=in-the-address", headers=headers, required=True, timeout=10_000
    )
    async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as opened:
        yield opened


async def caught(sandbox: Sandbox, path: str) -> ToolError:
    with pytest.raises(ToolError) as raised:
        await sandbox.call_tool(path)
    return raised.value


async def session(sandbox: Sandbox) -> str:
    """The one in use, when there is one."""

    async def attempt() -> str:
        try:
            return str(await sandbox.call_tool("bad.pid"))
        except ToolError as error:
            if error.code == "unavailable":
                return ""
            raise

    found: str = await soon(attempt, "a session")
    return found


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["large", "endless", "values", "long_event"])
async def test_an_answer_that_is_too_large_costs_no_other_call(sandbox: Sandbox, name: str) -> None:
    before = await session(sandbox)
    error = await caught(sandbox, f"bad.{name}")
    assert error.code == ("unavailable" if name == "long_event" else "too_large")
    assert await session(sandbox) == before


async def test_a_compressed_answer_is_not_unpacked(sandbox: Sandbox) -> None:
    assert (await caught(sandbox, "bad.compressed")).code == "unavailable"
    assert await session(sandbox)


async def test_a_redirect_to_another_host_is_not_followed(sandbox: Sandbox) -> None:
    error = await caught(sandbox, "bad.redirect")
    assert error.code == "failed"
    assert "not followed" in error.message


@pytest.mark.parametrize(
    ("name", "code", "status", "effect", "retry_after"),
    [
        ("unauthorized", "auth_required", 401, "none", None),
        ("busy", "unavailable", 429, "none", 7000),
        ("broken", "unavailable", 502, "unknown", None),
    ],
)
async def test_a_refusal_tells_its_status(
    sandbox: Sandbox, name: str, code: str, status: int, effect: str, retry_after: int | None
) -> None:
    error = await caught(sandbox, f"bad.{name}")
    assert (error.code, error.status, error.effect) == (code, status, effect)
    assert error.retry_after == retry_after
    assert SECRET not in error.message


@pytest.mark.parametrize("name", ["cut", "text", "wrong"])
async def test_what_is_not_an_answer_is_an_error(sandbox: Sandbox, name: str) -> None:
    error = await caught(sandbox, f"bad.{name}")
    assert error.code in ("failed", "unavailable")
    assert SECRET not in error.message
    assert await session(sandbox)


async def test_an_answer_as_an_event_is_an_answer(sandbox: Sandbox) -> None:
    assert await sandbox.call_tool("bad.events") == ""


async def test_a_secret_in_a_header_is_sent_and_masked_when_it_comes_back(sandbox: Sandbox) -> None:
    assert await sandbox.call_tool("bad.echo") in ("***", "Bearer ***")
    assert Handler.seen[-1]["headers"]["Authorization"] == f"Bearer {SECRET}"


async def test_a_session_that_the_server_forgot_is_opened_again(sandbox: Sandbox) -> None:
    before = await session(sandbox)
    error = await caught(sandbox, "bad.forgotten")
    assert (error.code, error.retryable, error.effect) == ("unavailable", True, "none")
    await soon(lambda: Handler.sessions > int(before), "another session")
    assert await session(sandbox) != before


async def test_secrets_are_not_logged(address: str, caplog: pytest.LogCaptureFixture) -> None:
    headers = {"Authorization": f"Bearer {SECRET}"}
    server = McpUpstream(url=f"{address}?api_key=in-the-address", headers=headers, required=True)
    with caplog.at_level(logging.DEBUG):
        async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(bad=server)) as sandbox:
            await sandbox.call_tool("bad.echo")
            for name in ("wrong", "unauthorized", "redirect", "forgotten"):
                await caught(sandbox, f"bad.{name}")
                await session(sandbox)
    assert "/mcp?api_key=***" in caplog.text
    assert SECRET not in caplog.text
    assert "in-the-address" not in caplog.text


async def test_an_address_where_nobody_answers_is_named_without_what_is_secret_in_it() -> None:
    url = f"http://user:{SECRET}@127.0.0.1:{free_port()}/mcp?token={SECRET}"
    server = McpUpstream(url=url, required=True)
    with pytest.raises(UpstreamUnavailableError, match="is not available") as raised:
        await server.open("bad")
    assert SECRET not in str(raised.value)


@pytest.mark.thorough
async def test_a_server_that_comes_later_is_found() -> None:
    port = free_port()
    server = McpUpstream(url=f"http://127.0.0.1:{port}/mcp")
    with ExitStack() as stack:
        async with Sandbox(SandboxConfig(pool_size=1), tools=Tools(t=server)) as sandbox:
            assert not sandbox.toolbox.catalogue.bound
            await asyncio.to_thread(stack.enter_context, http_server(port))
            await soon(lambda: sandbox.toolbox.catalogue.bound, "its tools")
            assert await sandbox.call_tool("t.add", {"a": 1}) == {"result": 2}
