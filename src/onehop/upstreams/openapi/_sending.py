"""One request and its answer: bounded while it is read, and never from another host."""

from __future__ import annotations

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import httpcore2
import httpx2

from onehop.inputs.values import ValueCount
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._network import CheckedNetwork
from onehop.upstreams.openapi._servers import origin_of

_CONNECT: Final = 10.0
"""Seconds for a connection; a call has its own time besides."""
_READ: Final = 900.0
_IDLE: Final = 20.0
"""Seconds that a connection is kept for the next request."""
_HOST: Final = re.compile(rb"[A-Za-z0-9._~:-]+")
_ALWAYS: Final = (307, 308)
_ONLY_READ: Final = (301, 302)


@dataclass(frozen=True)
class Request:
    """To ``url``, which is encoded already."""

    method: str
    url: str
    headers: Sequence[tuple[str, str]] = ()
    content: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What came back. Names of headers are in small letters."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """The first of this name, or nothing."""
        return next((value for key, value in self.headers if key == name), "")


class AnswerRefusedError(Exception):
    """The answer is too large, compressed, or leads to another host."""

    def __init__(self, message: str, *, status: int, too_large: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.too_large = too_large


class Sender:
    """Of one upstream; ``aclose`` when it is over."""

    def __init__(self, *, private: bool, connections: int) -> None:
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=_IDLE,
            network_backend=CheckedNetwork(private=private),
        )

    async def aclose(self) -> None:
        """End all connections."""
        await self._pool.aclose()

    async def send(self, request: Request, most: int = _bounds.ANSWER) -> Answer:
        """The answer, after redirects within the same host. Raises AnswerRefusedError, and what
        httpcore2 raises of the network."""
        origin = origin_of(request.url)
        for _ in range(_bounds.REDIRECTS + 1):
            answer = await self._send(request, most)
            location = answer.header("location")
            if not 300 < answer.status < 309 or answer.status == 304 or not location:
                return answer
            request = _redirected(request, answer.status, location, origin)
        raise AnswerRefusedError("it redirects without end", status=answer.status)

    async def _send(self, request: Request, most: int) -> Answer:
        times = {"connect": _CONNECT, "write": _READ, "read": _READ, "pool": _READ}
        async with self._pool.stream(
            request.method,
            _raw(request.url),
            headers=[
                (name.encode("ascii"), value.encode("ascii")) for name, value in request.headers
            ],
            content=request.content or None,
            extensions={"timeout": times},
        ) as response:
            headers = [
                (name.decode("latin-1").lower(), value.decode("latin-1"))
                for name, value in response.headers
            ]
            answer = Answer(response.status, headers, b"")
            return replace(answer, body=await _read(answer, response, most))


async def _read(answer: Answer, response: Any, most: int) -> bytes:
    is_failure = answer.status >= 300
    if answer.header("content-encoding").lower() not in ("", "identity"):
        if is_failure:
            return b""
        raise AnswerRefusedError(
            "the answer is compressed, which was not asked for", status=answer.status
        )
    chunks, size, values = [], 0, ValueCount()
    is_json = "json" in answer.header("content-type").lower()
    async for chunk in response.aiter_stream():
        size += len(chunk)
        chunks.append(chunk)
        if is_failure and size > _bounds.FAILURE:
            break
        if is_json:
            values.feed(chunk)
        if not is_failure and (size > most or values.total > _bounds.ANSWER_VALUES):
            words = f"the answer has more than {most} bytes, or {_bounds.ANSWER_VALUES} values"
            raise AnswerRefusedError(words, status=answer.status, too_large=True)
    return b"".join(chunks)[: _bounds.FAILURE if is_failure else None]


def _raw(url: str) -> httpcore2.URL:
    """As it is written: nothing encodes it again, or takes steps out of its path."""
    parts = urlsplit(url)
    known = httpx2.URL(f"{parts.scheme}://{parts.netloc}")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return httpcore2.URL(
        scheme=known.raw_scheme, host=known.raw_host, port=known.port, target=target.encode("ascii")
    )


def is_sendable(url: str) -> bool:
    """Whether a request can go there: its host is a name that there can be, and the rest is encoded
    as it is sent."""
    try:
        made = _raw(url)
    except (httpx2.InvalidURL, ValueError):
        return False
    return bool(_HOST.fullmatch(made.host)) and all(33 <= byte < 127 for byte in made.target)


def _redirected(request: Request, status: int, location: str, origin: Any) -> Request:
    """The request to the other path. Raises AnswerRefusedError for another host."""
    try:
        url = urljoin(request.url, location).partition("#")[0]
        target = origin_of(url)
        is_plain = url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        target, is_plain = None, False
    if target is None or not is_plain:
        raise AnswerRefusedError("it redirects to what is not an address", status=status)
    if not _is_same(target, origin):
        words = f"it redirects to another host, {target[0]}://{target[1]}:{target[2]}"
        raise AnswerRefusedError(f"{words}, where no request goes", status=status)
    is_read = request.method in ("GET", "HEAD")
    if status in _ALWAYS or (status in _ONLY_READ and is_read):
        return replace(request, url=url)
    if status == 303:
        headers = [(n, v) for n, v in request.headers if not n.lower().startswith("content-")]
        method = "HEAD" if request.method == "HEAD" else "GET"
        return Request(method, url, headers)
    words = f"it redirects a {request.method} with the status {status}: set base_url to where it is"
    raise AnswerRefusedError(words, status=status)


def _is_same(target: Any, origin: Any) -> bool:
    """The same host, or the same by TLS."""
    if target == origin:
        return True
    return bool(
        target[1] == origin[1] and origin[::2] == ("http", 80) and target[::2] == ("https", 443)
    )


def multipart(parts: Sequence[Any]) -> tuple[str, bytes]:
    """The media type with its boundary, and the body."""
    made = httpx2.Request("POST", "http://localhost", files=list(parts))
    return made.headers["content-type"], made.read()
