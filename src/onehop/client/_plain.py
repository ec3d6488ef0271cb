"""Requests to a server with nothing between: no TLS, no proxy, and one write for each request.

httpx's own transport takes three times as long in this process: it looks through its pool, its
locks and its traces for each request, and sends a body after its head. h11 reads and writes HTTP
there as it does here.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Final

import h11
import httpx2

_READ: Final = 256 * 1024
"""Bytes read at once; asyncio's reader stops the server at twice that."""
_MAX_HEAD: Final = 100 * 1024
_IDLE: Final = 5.0
"""Seconds after which a connection is not used again: servers close theirs about then."""
_KEPT: Final = 20
"""Connections that are kept for the next requests."""


class PlainTransport(httpx2.AsyncBaseTransport):
    """Connections to ``http`` addresses; belongs to one event loop."""

    def __init__(self) -> None:
        self._idle: list[_Line] = []
        self._open: set[_Line] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """As the base class has it: the head of the answer, and its body as a stream."""
        line = self._waiting(request.url) or await self._connect(request)
        try:
            head = await line.ask(request, await request.aread())
        except BaseException:
            self._drop(line)
            raise
        return httpx2.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_Body(self, line),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": head.reason},
        )

    async def aclose(self) -> None:
        """Break what is in flight."""
        for line in list(self._open):
            self._drop(line)

    def release(self, line: _Line) -> None:
        """The body of an answer has been read, or will not be."""
        if line.renew() and len(self._idle) < _KEPT:
            self._idle.append(line)
        else:
            self._drop(line)

    def _waiting(self, url: httpx2.URL) -> _Line | None:
        """The connection that was used last, if it still stands."""
        while self._idle:
            line = self._idle.pop()
            if line.leads_to(url) and line.stands():
                return line
            self._drop(line)
        return None

    async def _connect(self, request: httpx2.Request) -> _Line:
        patience = request.extensions.get("timeout", {}).get("connect")
        url = request.url
        try:
            async with asyncio.timeout(patience):
                reader, writer = await asyncio.open_connection(
                    url.host, url.port or 80, limit=_READ
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout(str(error), request=request) from error
        except OSError as error:
            raise httpx2.ConnectError(str(error), request=request) from error
        line = _Line(url, reader, writer)
        self._open.add(line)
        return line

    def _drop(self, line: _Line) -> None:
        self._open.discard(line)
        line.abort()


class _Line:
    """One connection, and the request that is on it."""

    def __init__(
        self, url: httpx2.URL, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._place = (url.host, url.port)
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MAX_HEAD)
        self._silence: float | None = None
        self._since = 0.0

    async def ask(self, request: httpx2.Request, body: bytes) -> h11.Response:
        """Send the request; the head of the answer. Raises httpx's errors."""
        self._silence = request.extensions.get("timeout", {}).get("read")
        target = request.url.raw_path
        with _translated():
            head = h11.Request(method=request.method, target=target, headers=request.headers.raw)
            parts = (head, h11.Data(data=body), h11.EndOfMessage())
            self._writer.write(b"".join(self._http.send(part) or b"" for part in parts))
        while not isinstance(event := await self._next(), h11.Response):
            pass
        return event

    async def body(self) -> AsyncIterator[bytes]:
        """The answer's body as it comes."""
        while isinstance(event := await self._next(), h11.Data):
            yield bytes(event.data)

    def renew(self) -> bool:
        """Whether another request may follow: both sides have said all, and keep it open."""
        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        self._since = asyncio.get_running_loop().time()
        return True

    def leads_to(self, url: httpx2.URL) -> bool:
        """Whether it is connected to the server of ``url``."""
        return self._place == (url.host, url.port)

    def stands(self) -> bool:
        """Whether the server has left it open: an idle connection has something to read only when
        it was closed, and the event loop may not have seen that yet."""
        is_old = asyncio.get_running_loop().time() - self._since > _IDLE
        if is_old or self._writer.transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._writer.get_extra_info("socket"), select.POLLIN)
        return not poll.poll(0)

    def abort(self) -> None:
        """Close it at once, whatever is under way."""
        self._writer.transport.abort()

    async def _next(self) -> object:
        """What h11 reads next of the answer."""
        with _translated():
            while (event := self._http.next_event()) is h11.NEED_DATA:
                async with asyncio.timeout(self._silence):
                    received = await self._reader.read(_READ)
                self._http.receive_data(received)
        return event


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it gives the connection back."""

    def __init__(self, transport: PlainTransport, line: _Line) -> None:
        self._transport = transport
        self._line: _Line | None = line

    async def __aiter__(self) -> AsyncIterator[bytes]:
        assert self._line is not None  # noqa: S101 - httpx reads a stream once, before it closes it
        async for part in self._line.body():
            yield part

    async def aclose(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            self._transport.release(line)


@contextmanager
def _translated() -> Iterator[None]:
    """What asyncio and h11 raise, as httpx says it."""
    try:
        yield
    except TimeoutError as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except OSError as error:
        raise httpx2.ReadError(str(error)) from error
    except h11.RemoteProtocolError as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
    except h11.LocalProtocolError as error:
        raise httpx2.LocalProtocolError(str(error)) from error
