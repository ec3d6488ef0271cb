"""Bounds a request's body while it is read: its size, its values, what all bodies hold together,
and the time that it takes to come."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from onehop.errors import OnehopError
from onehop.inputs.values import ValueCount
from onehop.server._errors import BodyTooLargeError, BodyTooSlowError, problem_of
from onehop.server.asgi._room import Room, Share
from onehop.server.asgi._scope import (
    BODY_HOLDER,
    BODY_LIMIT,
    REQUEST_ID,
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
    answer,
)

_UNCOUNTED: Final = 16 * 1024
"""Bytes of a body whose values are not counted, because so few cost nothing."""
_VALUE: Final = 64
"""Bytes that a value in a body is held to take, beside its text. It takes 8 to 250 when built."""
_LINGER_BYTES: Final = 64 << 20
_LINGER: Final = 5.0
"""What is still taken, and thrown away, of a body that nobody wants: if the server hung up
while the client is sending, the client would not get the answer."""


@dataclass(frozen=True, slots=True)
class BodyBounds:
    """What a body may be."""

    max_body: int
    """Bytes; an agent may have less."""
    max_values: int
    """Of its JSON."""
    timeout: float
    """Seconds in which it must come."""


class BodyLimit:
    """Middleware: raises BodyTooLargeError, BodyTooSlowError and what ``room`` raises, where the
    body is read.

    Whatever the app makes of them, the client gets the one answer for them.
    """

    def __init__(self, app: ASGIApp, bounds: BodyBounds, room: Room) -> None:
        self._app = app
        self._bounds = bounds
        self._room = room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        body = _Body(scope, receive, send, self._bounds, self._room)
        try:
            await self._app(scope, body.receive, body.send)
        except OnehopError:
            if not body.is_refused:
                raise
            await body.refuse()
        finally:
            body.end()


class _Body:
    """The body of one request."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, bounds: BodyBounds, room: Room
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._bounds = bounds
        self._room = room
        self._deadline = time.monotonic() + bounds.timeout
        self._announced = _announced(scope)
        self._taken = 0
        self._values = ValueCount()
        self._share: Share | None = None
        self._whole = False
        self._answered = False
        self._failure: Exception | None = None

    @property
    def is_refused(self) -> bool:
        return self._failure is not None

    def end(self) -> None:
        """The request is over."""
        if self._share is not None:
            self._share.end()

    async def receive(self) -> Message:
        if self._whole:  # what comes now is that the client leaves
            return await self._receive()
        if self._failure is not None:
            raise self._failure
        try:
            self._check(self._announced)
            message = await self._next(self._deadline - time.monotonic())
            self._count(message.get("body", b""))
            self._check(self._taken)
        except TimeoutError:
            self._failure = BodyTooSlowError("the body did not come in time")
            raise self._failure from None
        except OnehopError as error:
            self._failure = error
            raise
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
        if not isinstance(self._failure, BodyTooSlowError):
            await self._linger()
        await answer(self._send, problem_of(self._failure), self._scope[REQUEST_ID], close=True)

    async def _next(self, timeout: float) -> Message:
        async with asyncio.timeout(max(timeout, 0)):
            message = await self._receive()
        self._taken += len(message.get("body", b""))
        self._whole = message["type"] == "http.disconnect" or not message.get("more_body", False)
        return message

    def _count(self, chunk: bytes) -> None:
        if not 0 < self._announced <= _UNCOUNTED:
            self._values.feed(chunk)

    def _check(self, size: int) -> None:
        bounds = self._bounds
        most = min(self._scope.get(BODY_LIMIT, bounds.max_body), bounds.max_body)
        if size > most:
            raise BodyTooLargeError(f"the body is {size} bytes or more; it may be {most}")
        if self._values.total > bounds.max_values:
            raise BodyTooLargeError(
                f"the body holds more than {bounds.max_values} JSON values: send less at once, or "
                "large tables as text that the code takes apart"
            )
        if self._share is None:
            self._share = self._room.share(self._scope.get(BODY_HOLDER, ""))
        self._share.grow_to(size + _VALUE * self._values.total)

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


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value)
    return 0


def _waits_for_permission(scope: Scope) -> bool:
    return any(name == b"expect" for name, _ in scope["headers"])
