"""HTTP on one connection, as uvicorn speaks it, with what it leaves open: heads that never end,
errors in a form of their own, and answers in one piece."""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from onehop.server._errors import invalid

_HEAD_TIMEOUT: Final = 10.0
"""Seconds from the first byte of a request, or from the start of a connection, to the end of its
head."""
_SMALL: Final = 64 * 1024
"""Bytes up to which two writes are made one: more would take longer to copy than to send."""

_log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """One connection of a client."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and should say something."""
        super().connection_made(_Gathered(transport, self.loop))  # type: ignore[arg-type]
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        super().data_received(data)
        if self._is_answering():
            self._head_is_there()
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._head_is_there()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - our own words are said
        """Say that this was no HTTP, unless an answer is on its way already; then hang up."""
        if not self._is_answering():
            request_id = uuid.uuid4().hex
            body = invalid("request", "it is no HTTP").body(request_id)
            head = (
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n"
                "Connection: close\r\n\r\n"
            )
            self.transport.write(head.encode() + body)
        self.transport.close()

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None at first, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(_HEAD_TIMEOUT, self.transport.close)

    def _head_is_there(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


class _Gathered:
    """A transport that sends the head of an answer together with what follows in the same turn of
    the loop: a client is woken once, and shares the processor with us for less long."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held = b""
        self._flushing: asyncio.Handle | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send ``data``, at the end of this turn at the latest."""
        if self._held or len(data) > _SMALL:
            self._send(data)
        elif data:
            self._held = data
            self._flushing = self._loop.call_soon(self._send, b"")

    def close(self) -> None:
        """Send what is held, and hang up."""
        self._send(b"")
        self._transport.close()

    def _send(self, data: bytes) -> None:
        held, self._held = self._held, b""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if held and len(data) > _SMALL:
            self._transport.write(held)
            self._transport.write(data)
        elif held or data:
            self._transport.write(held + data)
