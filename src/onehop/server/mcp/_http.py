"""The MCP server behind HTTP: who calls is known before anything of a request is read.

The session era names sessions, and this server does so too, but a name is all that a session is:
it tells one client's call 1 from another's, so that a call can be cancelled.
"""

from __future__ import annotations

import inspect
import json
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Final, Self

import anyio
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onehop.errors import OnehopError
from onehop.server._errors import Problem, problem_of
from onehop.server.asgi._json import check_media
from onehop.server.asgi._leaving import while_there
from onehop.server.asgi._scope import REQUEST_ID, answer
from onehop.server.mcp._calls import Principal
from onehop.server.mcp._strict import error_of

Authenticate = Callable[[Scope], Principal | Awaitable[Principal]]

SESSION: Final = b"mcp-session-id"
VERSION: Final = b"mcp-protocol-version"
_NOTICE: Final = 4096
"""Bytes of the largest body that is looked at for a cancellation."""
_SHORT: Final = 64 * 1024
"""Bytes of the largest body that may be answered in one piece: it is looked at before."""


class Running:
    """Calls in flight by agent, session and the client's own number for them."""

    def __init__(self) -> None:
        self._scopes: dict[tuple[str, str, str], anyio.CancelScope] = {}

    @contextmanager
    def entered(self, agent_id: str, session: str, number: object) -> Iterator[anyio.CancelScope]:
        """A scope in which the call can be cancelled by this name."""
        key = (agent_id, session, str(number))
        with anyio.CancelScope() as scope:
            self._scopes[key] = scope
            try:
                yield scope
            finally:
                if self._scopes.get(key) is scope:
                    del self._scopes[key]

    def cancel(self, agent_id: str, session: str, number: object) -> None:
        """Cancel it, if it is still in flight here."""
        scope = self._scopes.get((agent_id, session, str(number)))
        if scope is not None:
            scope.cancel()


class KeyCheck:
    """Lets nothing in without a key, and puts who calls into ``scope["user"]``."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Say itself what is wrong with the key, or hand the request on."""
        if scope["type"] != "http":
            return
        try:
            found = self._authenticate(scope)
            principal = await found if inspect.isawaitable(found) else found
        except OnehopError as error:
            await answer(send, problem_of(error), _name(scope))
            return
        await self._app({**scope, "user": principal, "headers": _trimmed(scope)}, receive, send)


class Sessions:
    """Names sessions, and carries cancellations of one to where its call runs."""

    def __init__(self, app: ASGIApp, running: Running) -> None:
        self._app = app
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Only POST has a meaning here: nothing is ever sent that was not asked for."""
        headers = Headers(scope=scope)
        problem = _problem(scope["method"], headers)
        if problem is not None:
            await answer(send, problem, _name(scope))
            return
        session = headers.get(SESSION.decode())
        if session is None:
            naming = _Naming(send) if VERSION.decode() not in headers else send
            await self._app(scope, receive, naming)
            return
        if _is_small(headers, _NOTICE):
            receive = await self._overhear(scope["user"], session, receive)
        await self._app(scope, receive, send)

    async def _overhear(self, principal: Principal, session: str, receive: Receive) -> Receive:
        """Act on a cancellation; gives what receives the same messages again."""
        again = await _Again.after_all(receive)
        number = _cancelled(again.body)
        if number is not None:
            self._running.cancel(principal.agent_id, session, number)
        return again


class OnePiece:
    """Lets ``whole`` answer calls in one piece, and ``streamed`` all else.

    A stream of events costs the protocol's library several tasks and queues, and is of use only to
    a client that wants to hear of progress. Without one, nothing of the library notices that a
    client leaves; so that is done here.
    """

    def __init__(self, streamed: ASGIApp, whole: ASGIApp) -> None:
        self._streamed = streamed
        self._whole = whole

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["method"] != "POST":
            await self._streamed(scope, receive, send)
            return
        headers = Headers(scope=scope)
        again = await _Again.after_all(receive)
        error = await error_of(again.body.decode(errors="replace"))
        if error is not None:
            refusal = Response(error, 400, media_type="application/json")
            await refusal(scope, receive, send)
        elif not (_is_small(headers, _SHORT) and _takes_both(headers)):
            await self._streamed(scope, again, send)
        elif b"tools/call" in again.body and b"progressToken" not in again.body:
            async with while_there(receive):
                await self._whole(scope, again, send)
        else:
            await self._streamed(scope, again, send)


class _Naming:
    """Adds the name of a new session to the answer."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start" and message["status"] == 200:
            MutableHeaders(scope=message)[SESSION.decode()] = uuid.uuid4().hex
        await self._send(message)


class _Again:
    """Gives messages that were received already, then the others."""

    def __init__(self, messages: list[Message], receive: Receive) -> None:
        self._messages = deque(messages)
        self._receive = receive

    @classmethod
    async def after_all(cls, receive: Receive) -> Self:
        """Once the whole body was received."""
        messages = [await receive()]
        while messages[-1].get("more_body"):
            messages.append(await receive())
        return cls(messages, receive)

    @property
    def body(self) -> bytes:
        """What was received."""
        return b"".join(message.get("body", b"") for message in self._messages)

    async def __call__(self) -> Message:
        return self._messages.popleft() if self._messages else await self._receive()


def session_of(scope: Scope) -> str | None:
    """The session that a request of the session era belongs to."""
    return Headers(scope=scope).get(SESSION.decode())


def _problem(method: str, headers: Headers) -> Problem | None:
    """What is wrong with a request before its body is read."""
    if method != "POST":
        words = "the address does not know this method"
        return Problem(405, "method_not_allowed", words, headers={"Allow": "POST"})
    try:
        check_media(headers)
    except OnehopError as error:
        return problem_of(error)
    return None


def _name(scope: Scope) -> str:
    return scope.get(REQUEST_ID) or uuid.uuid4().hex


def _trimmed(scope: Scope) -> list[tuple[bytes, bytes]]:
    """The headers without blanks around them, which not every server takes away."""
    return [(name, value.strip(b" \t")) for name, value in scope["headers"]]


def _is_small(headers: Headers, most: int) -> bool:
    size = headers.get("content-length", "")
    return size.isascii() and size.isdigit() and len(size) < 8 and int(size) <= most


def _takes_both(headers: Headers) -> bool:
    """Whether the client takes a stream as well, as the protocol wants it to."""
    taken = headers.get("accept", "")
    return "application/json" in taken and "text/event-stream" in taken


def _cancelled(body: bytes) -> object:
    """The client's number of the call that a notification cancels."""
    if b"notifications/cancelled" not in body:
        return None
    try:
        notice = json.loads(body)
        is_notice = "id" not in notice and notice["method"] == "notifications/cancelled"
        return notice["params"]["requestId"] if is_notice else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
