"""Server-sent events: their form, their heartbeat, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress
from typing import Any, Final

from fastapi.sse import EventSourceResponse, format_sse_event
from pydantic_core import to_json
from starlette.types import Receive, Scope, Send

from onehop.server.asgi._protocol import BEAT as BEAT_KEY

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a stream says that it lives."""
BEAT: Final = format_sse_event(comment="ping")
_FAREWELL: Final = 1.0
"""Seconds that a client has to take the last of a stream when the server stops."""
_HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event(name: str, data: Any, identifier: str | None = None) -> bytes:
    """One event; ``data`` is JSON data, or JSON already when it is bytes: one line either way."""
    text = data if isinstance(data, bytes) else to_json(data, inf_nan_mode="null")
    end = b"\n\n" if identifier is None else f"\nid: {identifier}\n\n".encode()
    return b"event: %b\ndata: %b%b" % (name.encode(), text, end)


class EventStream(EventSourceResponse):
    """Sends ``source``; a heartbeat when it is silent; the end when ``closing`` is set.

    ``leave`` is called when it is over, however that came about. A ``steady`` source has heartbeats
    of its own, and ends when ``leave`` is called: each chunk then costs no task.
    """

    def __init__(
        self,
        source: AsyncIterator[bytes],
        *,
        leave: Callable[[], object],
        closing: asyncio.Event | None = None,
        heartbeat: float = HEARTBEAT,
        steady: bool = False,
    ) -> None:
        self._closing = closing or asyncio.Event()
        self._leave = leave
        self._steady = steady
        body = source if steady else _lively(source, self._closing, heartbeat)
        super().__init__(body, headers=_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it all."""
        scope.setdefault("state", {})[BEAT_KEY] = BEAT
        loop = asyncio.get_running_loop()
        serving = loop.create_task(super().__call__(scope, receive, send))
        closing = loop.create_task(self._closing.wait())
        try:
            await asyncio.wait([serving, closing], return_when=asyncio.FIRST_COMPLETED)
            if self._steady:
                self._leave()
            await asyncio.wait([serving], timeout=_FAREWELL)  # a client that does not read hangs
        finally:
            self._leave()
            serving.cancel()
            closing.cancel()
            await asyncio.wait([serving, closing])
        if not serving.cancelled():
            serving.result()


async def _lively(
    source: AsyncIterator[bytes], closing: asyncio.Event, heartbeat: float
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    end = loop.create_task(closing.wait())
    following: asyncio.Task[bytes] | None = None
    try:
        while not closing.is_set():
            following = following or loop.create_task(_next(source))
            await asyncio.wait(
                [following, end], timeout=heartbeat, return_when=asyncio.FIRST_COMPLETED
            )
            if following.done():
                chunk, following = following.result(), None
                if not chunk:
                    return
                yield chunk
            elif not end.done():
                yield BEAT
    finally:
        waiting = [task for task in (following, end) if task is not None]
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        if isinstance(source, AsyncGenerator):
            with suppress(RuntimeError):  # it is running in a task that would not be cancelled
                await source.aclose()


async def _next(source: AsyncIterator[bytes]) -> bytes:
    """The next chunk, or nothing at the end: a task cannot raise StopAsyncIteration."""
    async for chunk in source:
        return chunk
    return b""
