"""A server on a real port that answers by a script: for faults that the real one does not have."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

ME = {"agentId": "ada", "role": "agent", "limits": {}}
RESULT = {
    "success": True,
    "output": 2,
    "logs": ["hello"],
    "logEntries": [{"level": "log", "message": "hello", "time": 1.5}],
    "executionTime": 3,
    "codeHash": "a3b5c7d9e1f20344",
    "resourceUsage": {"memory": 1.5, "timeout": False, "cpuTime": 2, "toolTime": 0},
    "requestId": "r",
    "enforcement": ["seccomp"],
}


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    at: float
    """Time of the event loop."""


Answer = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


def raw(data: bytes) -> Answer:
    """These bytes, and then the end of the connection."""

    async def answer(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(data)

    return answer


def reply(body: Any, status: str = "200 OK", **headers: str) -> Answer:
    """A whole answer: JSON, or text as it is."""
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *lines]
    return raw("\r\n".join([*head, "", ""]).encode() + content)


def refuse(status: str, code: str, message: str = "no", **more: Any) -> Answer:
    """The error body of the API; ``Retry_After`` becomes a header."""
    headers = {name: more.pop(name) for name in [*more] if name[0].isupper()}
    body = {"error": {"code": code, "message": message, "requestId": "seen-by-server", **more}}
    return reply(body, status, **headers)


def events(*blocks: str, then: Answer | None = None) -> Answer:
    """Server-sent events; the connection ends after them, or after ``then``."""
    head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

    async def answer(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write((head + "".join(f"{block}\n\n" for block in blocks)).encode())
        await writer.drain()
        if then is not None:
            await then(request, writer)

    return answer


async def hang(_: Request, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client leaves."""
    await writer.drain()
    await writer.wait_closed()


@dataclass
class Scripted:
    """Gives its answers in order, the last one again and again; ``/me`` is not counted."""

    url: str = field(init=False)
    answers: list[Answer]
    tls: ssl.SSLContext | None = None
    me: Answer = field(default_factory=lambda: reply(ME))
    requests: list[Request] = field(default_factory=list)
    """Without those to ``/me``."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client has left before its answer was complete."""
    came: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self._tasks: set[asyncio.Task[None]] = set()
        port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if self.tls else 'http'}://127.0.0.1:{port}"
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            request = await _read(reader)
            await self._answer(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left.set()
        except _NotHttpError:
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        except asyncio.CancelledError:
            pass  # the test is over; asyncio would log it
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if request.target.endswith("/api/v1/me"):
            return await self.me(request, writer)
        answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        self.came.set()
        answering = asyncio.ensure_future(answer(request, writer))
        leaving = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait([answering, leaving], return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                self.left.set()
            else:
                answering.result()
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.gather(answering, leaving, return_exceptions=True)


class _NotHttpError(Exception):
    """The greeting of TLS, say."""


async def _read(reader: asyncio.StreamReader) -> Request:
    first = await reader.readexactly(1)
    if not first.isalpha():
        raise _NotHttpError
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = [line.split(": ", 1) for line in head[1:] if line]
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body, asyncio.get_running_loop().time())
