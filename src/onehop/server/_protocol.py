"""HTTP on one connection, as uvicorn speaks it, with what it leaves open: heads that never end, and
errors in a form of their own."""

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

_log = logging.getLogger(__name__)


class Connection(H11Protocol):
    """One connection of a client."""

    _giving_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and should say something."""
        super().connection_made(transport)
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
