"""The way to a server on this machine. A general HTTP client takes three to four times as much CPU
time for a small request, for what such a server has no use for: proxies, redirects, TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

import httpx2

from onehop.client._line import Answer, Headers, Line

_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_KEPT: Final = 20
"""Connections that wait for the next request."""

_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


class Near:
    """Connections to one server, by the address of its URL; ``headers`` go with each request."""

    def __init__(
        self, server_url: str, headers: Iterable[tuple[bytes, bytes]], patience: float
    ) -> None:
        """``patience`` is how many seconds a connection may take until it stands."""
        parts = urlsplit(server_url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._patience = patience
        self._headers = [(b"Host", parts.netloc.encode("ascii")), *_without_encodings(headers)]
        self._free: list[Line] = []
        self._lines: set[Line] = set()

    @staticmethod
    def suits(server_url: str) -> bool:
        """Whether the server is on this machine, and speaks without TLS."""
        parts = urlsplit(server_url)
        return parts.scheme == "http" and parts.hostname in _NAMES

    async def ask(self, method: str, target: bytes, headers: Headers, body: bytes) -> Answer:
        """The answer to a request. Raises RequestError of httpx2."""
        length = [(b"Content-Length", b"%d" % len(body))] if body or method in _WITH_BODY else []
        line = self._take() or await self._connect()
        try:
            return await line.ask(method, target, [*self._headers, *headers, *length], body)
        finally:
            self._put(line)

    def _take(self) -> Line | None:
        while self._free:
            line = self._free.pop()
            if line.is_free:
                return line
            self._drop(line)
        return None

    def _put(self, line: Line) -> None:
        if line.is_free and len(self._free) < _KEPT and line in self._lines:
            self._free.append(line)
        else:
            self._drop(line)

    def _drop(self, line: Line) -> None:
        line.close()
        self._lines.discard(line)

    async def _connect(self) -> Line:
        try:
            async with asyncio.timeout(self._patience):
                line = await self._first_that_answers()
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpx2.ConnectError(str(error)) from error
        self._lines.add(line)
        return line

    async def _first_that_answers(self) -> Line:
        loop = asyncio.get_running_loop()
        *others, last = await self._addresses()
        for host in others:
            with contextlib.suppress(OSError):
                return (await loop.create_connection(Line, host, self._port))[1]
        return (await loop.create_connection(Line, last, self._port))[1]

    async def _addresses(self) -> list[str]:
        """A name is looked up in a thread, which an address need not wait for."""
        if self._host != "localhost":
            return [self._host]
        find = asyncio.get_running_loop().getaddrinfo
        found = await find(self._host, self._port, type=socket.SOCK_STREAM)
        return [str(address[0]) for *_, address in found]

    async def aclose(self) -> None:
        """Break what is in flight, and let go of every connection."""
        lines, self._lines = self._lines, set()
        self._free.clear()
        for line in lines:
            line.close()
        if lines:
            await asyncio.wait([line.gone for line in lines])


def _without_encodings(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What it sends is read as it comes."""
    return [each for each in headers if each[0].lower() != b"accept-encoding"]
