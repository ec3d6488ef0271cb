"""One connection to a server, over asyncio alone: a request and its answer, then the next."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, cast

import h11
import httpx2

from onehop._data import data

_MOST_HEAD: Final = 100 * 1024
"""Bytes of the head of an answer."""


Headers = Sequence[tuple[bytes, bytes]]


@data(frozen=True, slots=True)
class Answer:
    """What a server has sent."""

    status_code: int
    reason: bytes
    headers: Headers
    content: bytes

    @property
    def is_plain(self) -> bool:
        """Whether it is a good one, and there is nothing to it but its content."""
        more = (b"set-cookie", b"content-encoding")
        return 200 <= self.status_code < 300 and not any(name in more for name, _ in self.headers)


class Line(asyncio.Protocol):
    """Raises exceptions of httpx2, as its client would."""

    def __init__(self) -> None:
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        self._transport: asyncio.Transport | None = None
        self._news: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._has_ended = False
        self.gone = asyncio.get_running_loop().create_future()
        """Set when nothing of it is left."""

    # --- what asyncio calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """A part of an answer; what comes unasked is none."""
        if self._http.our_state is h11.IDLE:
            self.close()
        self._http.receive_data(data)
        self._wake()

    def eof_received(self) -> None:
        """The server says no more."""
        self._has_ended = True
        self._http.receive_data(b"")  # which says so
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is left of it."""
        self._error = exc or ConnectionError("the connection was closed")
        self.gone.set_result(None)
        self._wake()

    def _wake(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    # --- what its user calls ---

    @property
    def is_free(self) -> bool:
        """Whether it can take another request."""
        is_over = self._has_ended or self._error is not None
        return not is_over and self._http.our_state is h11.IDLE

    def close(self) -> None:
        """Break it."""
        self._has_ended = True
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, method: str, target: bytes, headers: Headers, body: bytes) -> Answer:
        """Send a request, in one piece, and wait for its answer."""
        try:
            self._send(h11.Request(method=method, target=target, headers=[*headers]), body)
            return await self._receive()
        except h11.RemoteProtocolError as error:
            raise httpx2.RemoteProtocolError(str(error)) from error
        except h11.LocalProtocolError as error:
            raise httpx2.LocalProtocolError(str(error)) from error
        finally:
            self._end()

    def _send(self, head: h11.Request, body: bytes) -> None:
        parts = [self._http.send(each) for each in (head, h11.Data(data=body), h11.EndOfMessage())]
        assert self._transport is not None  # noqa: S101 - it stands
        self._transport.write(b"".join(part for part in parts if part))

    async def _receive(self) -> Answer:
        head: h11.Response | None = None
        parts = []
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                await self._wait()
            elif isinstance(event, h11.Data):
                parts.append(event.data)
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                return Answer(head.status_code, head.reason, [*head.headers], b"".join(parts))
            elif isinstance(event, h11.ConnectionClosed):
                raise httpx2.RemoteProtocolError("the server closed it without an answer")
            elif not isinstance(event, h11.InformationalResponse):
                raise httpx2.RemoteProtocolError("an answer that is not HTTP/1.1")

    async def _wait(self) -> None:
        if self._error is not None:
            raise httpx2.ReadError(str(self._error)) from self._error
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _end(self) -> None:
        """Be ready for the next request, or break, also when its user has left."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
