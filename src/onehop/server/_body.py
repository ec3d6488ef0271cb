"""Bounds a request's body while it is read: its size, and the time that it takes to come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from onehop.server._errors import BodyTooLargeError, BodyTooSlowError, Problem, problem_of

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_LIMIT: Final = "onehop.body_limit"
"""Key of the scope under which a smaller bound is noted, once it is known who calls."""
REQUEST_ID: Final = "onehop.request_id"
"""Key of the scope under which the request's name is."""
_LINGER_BYTES: Final = 64 << 20
_LINGER: Final = 5.0
"""What is still taken, and thrown away, of a body that nobody wants: who answers and hangs up while
the client is sending is not heard."""


class BodyLimit:
    """Middleware: raises BodyTooLargeError and BodyTooSlowError where the body is read.

    Whatever the app makes of them, the client gets the one answer for them.
    """

    def __init__(self, app: ASGIApp, max_body: int, timeout: float) -> None:
        self._app = app
        self._max_body = max_body
        self._timeout = timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send, self._max_body, self._timeout)
        try:
            await self._app(scope, body.receive, body.send)
        except (BodyTooLargeError, BodyTooSlowError):
            await body.refuse()


class _Body:
    """The body of one request."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, max_body: int, timeout: float
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._max_body = max_body
        self._deadline = time.monotonic() + timeout
        self._taken = 0
        self._whole = not _has_body(scope)
        self._answered = False
        self._failure: Exception | None = None

    async def receive(self) -> Message:
        if self._whole:  # what comes now is that the client leaves
            return await self._receive()
        if self._failure is not None:
            raise self._failure
        self._check(_announced(self._scope))
        try:
            message = await self._next(self._deadline - time.monotonic())
        except TimeoutError:
            raise self._fail(BodyTooSlowError("the body did not come in time")) from None
        self._check(self._taken)
        return message

    async def send(self, message: Message) -> None:
        if self._failure is not None:
            await self.refuse()
            return
        if message["type"] == "http.response.start":
            self._answered = True
            await self._linger()
        await self._send(message)

    async def refuse(self) -> None:
        """Say what is wrong with the body, unless something was answered already."""
        if self._answered or self._failure is None:
            return
        self._answered = True
        if isinstance(self._failure, BodyTooLargeError):
            await self._linger()
        await answer(self._send, problem_of(self._failure), self._scope[REQUEST_ID], close=True)

    async def _next(self, timeout: float) -> Message:
        async with asyncio.timeout(max(timeout, 0)):
            message = await self._receive()
        self._taken += len(message.get("body", b""))
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    def _check(self, size: int) -> None:
        most = min(self._scope.get(BODY_LIMIT, self._max_body), self._max_body)
        if size > most:
            message = f"the body is {size} bytes or more; it may be {most}"
            raise self._fail(BodyTooLargeError(message))

    def _fail(self, error: Exception) -> Exception:
        self._failure = error
        return error

    async def _linger(self) -> None:
        """Take the rest of the body, to a bound, so that the client comes to read the answer."""
        if self._whole or _waits_for_permission(self._scope):
            return
        deadline = time.monotonic() + _LINGER
        try:
            while self._taken < _LINGER_BYTES:
                message = await self._next(deadline - time.monotonic())
                if not message.get("more_body", False):
                    return
        except TimeoutError:
            return


async def answer(send: Send, problem: Problem, request_id: str, *, close: bool = False) -> None:
    """Send an error without the framework's help."""
    body = problem.body(request_id)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= problem.headers
    if close:
        headers["Connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


def _waits_for_permission(scope: Scope) -> bool:
    return any(name == b"expect" for name, _ in scope["headers"])
