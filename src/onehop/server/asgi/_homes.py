"""The processes of one server share a port, and each agent has its home in one of them.

Sessions, tools that a client has handed in, outputs kept for paging and runs in flight live in one
process. So a request is carried to the home of its agent, over a socket that only this user can
open; pages of the dashboard go to the first process, where people are logged in.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

from onehop.server._errors import ServerBusyError
from onehop.server.asgi._leaving import while_there
from onehop.server.asgi._merged import merged
from onehop.server.asgi._scope import REQUEST_ID, ASGIApp, Message, Receive, Scope, Send

_INSIDE: Final = "onehop.inside"
"""Key of the scope of a request that another process of this server has carried here."""
_CLIENT: Final = b"x-onehop-client"
_SCHEME: Final = b"x-onehop-scheme"
_OURS: Final = frozenset({_CLIENT, _SCHEME})
"""Headers that tell a home of the client's connection; from a client they are dropped."""
_OF_A_HOP: Final = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"x-request-id"})
"""Headers of an answer that the next connection has its own of."""
_EVERY: Final = ("/readyz", "/metrics")
"""Addresses at which each process has its own answer."""
_AGAIN: Final = 2.0
"""Seconds after which a process that has died is there again."""

FindAgent = Callable[[Scope], Awaitable[str | None]]
"""Whose request it is; None when that is not known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of the processes of a server this one is."""

    index: int
    count: int
    folder: Path
    """Where each process listens for the others."""

    def address(self, index: int) -> str:
        """The socket at which a process listens for the others."""
        return str(self.folder / f"{index}.sock")

    def home(self, agent_id: str) -> int:
        """The process in which an agent's state is."""
        digest = hashlib.sha256(agent_id.encode(errors="surrogatepass")).digest()
        return int.from_bytes(digest[:8]) % self.count


class Inside:
    """Middleware, the outermost: for a request that came from another process, the client is the
    one that the other process tells of."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http":
            told = {name: value for name, value in scope["headers"] if name in _OURS}
            if told:
                scope["headers"] = [item for item in scope["headers"] if item[0] not in _OURS]
            server = scope.get("server")
            if server is not None and server[1] is None:  # a socket of the file system
                scope[_INSIDE] = True
                scope["client"] = (told.get(_CLIENT, b"").decode("latin-1"), 0)
                scope["scheme"] = told.get(_SCHEME, b"http").decode("latin-1")
        await self._app(scope, receive, send)


class Homes:
    """Middleware: carries each request to the process that it is for.

    Raises ServerBusyError while that process is not there.
    """

    def __init__(self, app: ASGIApp, place: Place, find_agent: FindAgent) -> None:
        self._app = app
        self._place = place
        self._find_agent = find_agent
        self._clients = [_client(place.address(index)) for index in range(place.count)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, here or elsewhere."""
        if scope["type"] != "http" or _INSIDE in scope:
            await self._app(scope, receive, send)
        elif scope["path"] in _EVERY and scope["method"] in ("GET", "HEAD"):
            await self._ask_all(scope, send)
        else:
            home = await self._home(scope)
            if home in (None, self._place.index):
                await self._app(scope, receive, send)
            else:
                await self._carry(home or 0, scope, receive, send)

    async def _home(self, scope: Scope) -> int | None:
        path = scope["path"]
        if path == "/dashboard" or path.startswith("/dashboard/"):
            return 0
        if path != "/mcp" and not path.startswith("/api/"):
            return None
        agent_id = await self._find_agent(scope)
        return None if agent_id is None else self._place.home(agent_id)

    async def _carry(self, home: int, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole(receive)
        async with (
            while_there(receive),
            self._asked(home, scope, body) as answered,
        ):
            await send(_head(scope, answered))
            async for chunk in answered.aiter_raw():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    async def _ask_all(self, scope: Scope, send: Send) -> None:
        """The first answer that is an error, or else what all say."""
        texts = []
        for index in range(self._place.count):
            async with self._asked(index, scope, b"") as answered:
                texts.append((await answered.aread()).decode())
                head = _head(scope, answered)
            if answered.status_code != 200:
                break
        is_metrics = scope["path"] == "/metrics" and head["status"] == 200
        text = merged(texts) if is_metrics else texts[-1]
        sized = [item for item in head["headers"] if item[0] != b"content-length"]
        size = (b"content-length", str(len(text.encode())).encode())
        await send({**head, "headers": [*sized, size]})
        await send({"type": "http.response.body", "body": text.encode()})

    @asynccontextmanager
    async def _asked(self, index: int, scope: Scope, body: bytes) -> AsyncIterator[httpx2.Response]:
        client = self._clients[index]
        target = scope.get("raw_path") or scope["path"].encode()
        query = b"?" + scope["query_string"] if scope.get("query_string") else b""
        url = httpx2.URL(scheme="http", host="onehop", raw_path=target + query)
        headers = _headers(scope)
        request = client.build_request(scope["method"], url, headers=headers, content=body)
        try:
            answered = await client.send(request, stream=True)
        except httpx2.TransportError as error:
            words = "the process of this server that keeps this agent's state starts again"
            raise ServerBusyError(words, _AGAIN) from error
        try:
            yield answered
        finally:
            await answered.aclose()


def _client(address: str) -> httpx2.AsyncClient:
    transport = httpx2.AsyncHTTPTransport(
        uds=address, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    )
    client = httpx2.AsyncClient(transport=transport, timeout=None, trust_env=False)
    client.headers.clear()
    return client


def _headers(scope: Scope) -> Sequence[tuple[bytes, bytes]]:
    client = (scope.get("client") or ("",))[0]
    ours = [(_CLIENT, str(client).encode()), (_SCHEME, scope["scheme"].encode())]
    dropped = _OF_A_HOP - {b"x-request-id"} | {b"content-length", b"expect"}
    return [*(item for item in scope["headers"] if item[0] not in dropped), *ours]


def _head(scope: Scope, answered: httpx2.Response) -> dict[str, Any]:
    scope[REQUEST_ID] = answered.headers.get("x-request-id") or scope[REQUEST_ID]
    headers = [
        (name.lower(), value)
        for name, value in answered.headers.raw
        if name.lower() not in _OF_A_HOP
    ]
    return {"type": "http.response.start", "status": answered.status_code, "headers": headers}


async def _whole(receive: Receive) -> bytes:
    """The body, whose size is bounded already."""
    parts = list[bytes]()
    while True:
        message: Message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)
