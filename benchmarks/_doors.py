"""Every way to have code run, as a function that runs it once and gives its value.

The raw ones write bytes that were made before, and read no more of the answer than they must: what
the client's own library costs is what the others take beyond them.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, get_args

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult

from benchmarks._server import Address, audit, environment
from onehop.execution.compose import open_executor
from onehop.sandbox import Sandbox

Run = Callable[[], Awaitable[Any]]
"""Runs the code once; gives what it returned."""
Era = Literal["legacy", "2026-07-28"]

_ERAS: Final[tuple[Era, ...]] = get_args(Era)
_LEGACY: Final = "2025-11-25"
_TOOL: Final = "code_execute"
_CLIENT: Final = {"name": "benchmark", "version": "1"}
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PREFIX: Final = "io.modelcontextprotocol/"


@dataclass(frozen=True)
class Door:
    """One way in."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[Run]]
    wire: str | None = None
    """The raw door that sends the same: what this one takes beyond it is its client's own."""
    budget: float | None = None
    """ms, p50."""


def doors(code: str, address: Address, folder: Path) -> list[Door]:
    """All of them; ``address`` is a server's, ``folder`` is for the data of the others."""
    http_raw, mcp_raw, stdio_raw = "HTTP, raw", "MCP over HTTP, raw", "MCP over stdio, raw"
    found = [
        Door("library", partial(_library, code)),
        Door("library, validated and audited", partial(_executor, code, folder)),
        Door(http_raw, partial(_http_raw, code, address), budget=5),
        Door("HTTP, AgentClient", partial(_agent_client, code, address), http_raw, 5),
    ]
    for era in _ERAS:
        told = _LEGACY if era == "legacy" else era
        http_name, stdio_name = f"{mcp_raw}, {told}", f"{stdio_raw}, {told}"
        found += [
            Door(http_name, partial(_mcp_raw, code, address, era), budget=10),
            Door(
                f"MCP over HTTP, SDK, {told}",
                partial(_mcp_sdk, code, address, era),
                http_name,
                10,
            ),
            Door(stdio_name, partial(_stdio_raw, code, folder, era), budget=5),
            Door(
                f"MCP over stdio, SDK, {told}",
                partial(_stdio_sdk, code, folder, era),
                stdio_name,
                5,
            ),
        ]
    return found


# --- in this process


@asynccontextmanager
async def _library(code: str) -> AsyncIterator[Run]:
    async def run() -> Any:
        return (await sandbox.execute(code)).output

    async with Sandbox() as sandbox:
        yield run


@asynccontextmanager
async def _executor(code: str, folder: Path) -> AsyncIterator[Run]:
    """What every door of the server calls."""

    async def run() -> Any:
        return (await executor.execute(code, agent_id="benchmark")).output

    async with open_executor(audit=audit(folder / "library")) as executor:
        yield run


# --- over HTTP


class _Wire:
    """A connection that stays open, and one request for it."""

    def __init__(self, address: Address, path: str, headers: Mapping[str, str], body: Any) -> None:
        content = json.dumps(body).encode()
        told = {
            "Host": f"127.0.0.1:{address.port}",
            "Authorization": f"Bearer {address.key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self._request = f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + content
        self._socket = socket.create_connection(("127.0.0.1", address.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self) -> Any:
        """Send the request; the answer's JSON, which may stand in an event."""
        self._socket.sendall(self._request)
        answer = b""
        while not _is_whole(answer):
            answer += self._socket.recv(65536)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return json.loads(answer[answer.index(b"{") : answer.rindex(b"}") + 1])

    def close(self) -> None:
        self._socket.close()


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = _LENGTH.search(head)
    if length is None:
        return body.endswith(b"0\r\n\r\n")
    return bool(end) and len(body) == int(length[1])


@asynccontextmanager
async def _http_raw(code: str, address: Address) -> AsyncIterator[Run]:
    wire = _Wire(address, "/api/v1/execute", {}, {"code": code})

    async def run() -> Any:
        return wire.ask()["output"]

    yield run
    wire.close()


@asynccontextmanager
async def _agent_client(code: str, address: Address) -> AsyncIterator[Run]:
    async def run() -> Any:
        return (await client.execute(code)).output

    async with address.client() as client:
        yield run


@asynccontextmanager
async def _mcp_raw(code: str, address: Address, era: Era) -> AsyncIterator[Run]:
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": _LEGACY if era == "legacy" else era,
    }
    if era != "legacy":
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": _TOOL}
    wire = _Wire(address, "/mcp", headers, _call(code, era))

    async def run() -> Any:
        return _output(wire.ask())

    yield run
    wire.close()


@asynccontextmanager
async def _mcp_sdk(code: str, address: Address, era: Era) -> AsyncIterator[Run]:
    headers = {"Authorization": f"Bearer {address.key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=30) as http_client:
        transport = streamable_http_client(
            f"http://127.0.0.1:{address.port}/mcp", http_client=http_client
        )
        async with Client(transport, mode=era) as client:
            yield partial(_call_tool, client, code)


async def _call_tool(client: Client, code: str) -> Any:
    result = await client.call_tool(_TOOL, {"code": code})
    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None, result
    return result.structured_content["output"]


# --- over standard streams


@asynccontextmanager
async def _stdio_raw(code: str, folder: Path, era: Era) -> AsyncIterator[Run]:
    line = json.dumps(_call(code, era)).encode() + b"\n"
    with _started(folder / f"raw-{era}") as (source, sink):

        def ask(text: bytes) -> Any:
            sink.write(text)
            return json.loads(source.readline())

        async def run() -> Any:
            return _output(ask(line))

        if era == "legacy":
            await asyncio.to_thread(ask, _initialize())
        yield run


@contextmanager
def _started(folder: Path) -> Iterator[tuple[io.BufferedIOBase, io.RawIOBase]]:
    """``onehop mcp``: what it says, and what it hears."""
    command = [sys.executable, "-m", "onehop", "mcp"]
    process = subprocess.Popen(
        command,
        env=environment(folder),
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert isinstance(process.stdin, io.RawIOBase)
    assert isinstance(process.stdout, io.RawIOBase)
    try:
        yield io.BufferedReader(process.stdout), process.stdin
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


@asynccontextmanager
async def _stdio_sdk(code: str, folder: Path, era: Era) -> AsyncIterator[Run]:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "onehop", "mcp"],
        env=environment(folder / f"sdk-{era}"),
    )
    async with Client(server, mode=era) as client:
        yield partial(_call_tool, client, code)


# --- the protocol


def _call(code: str, era: Era) -> dict[str, Any]:
    params: dict[str, Any] = {"name": _TOOL, "arguments": {"code": code}}
    if era != "legacy":
        params["_meta"] = {
            f"{_PREFIX}protocolVersion": era,
            f"{_PREFIX}clientCapabilities": {},
            f"{_PREFIX}clientInfo": _CLIENT,
        }
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def _initialize() -> bytes:
    params = {"protocolVersion": _LEGACY, "capabilities": {}, "clientInfo": _CLIENT}
    return (
        json.dumps({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}).encode()
        + b"\n"
    )


def _output(message: Any) -> Any:
    return message["result"]["structuredContent"]["output"]
