"""One HTTP client, and calls through it that have a deadline and are repeated while it is safe."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Final, Protocol, TypeVar

import httpx2

from onehop.client._errors import answer_of, raise_refusal, unreachable
from onehop.client._line import Answer
from onehop.client._near import Near
from onehop.client._options import API, Options
from onehop.client._retries import asked_of, passes, pause
from onehop.errors import (
    NotConnectedError,
    OnehopError,
    ServerTimeoutError,
    ToolsGoneError,
    UnexpectedAnswerError,
)

T = TypeVar("T")
_CONNECT: Final = 10.0
"""Seconds until a connection must stand."""
_SILENCE: Final = 60.0
"""Seconds without a byte after which a stream is taken for dead."""
_MAX_EVENT: Final = 64 * 1024 * 1024
_GONE: Final = 3
"""Times that a run is asked for whose connection with tools has just ended."""
_URLS: Final = 32
"""Paths that are kept as URLs: those of most calls are the same."""
_LOOPBACK: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be repeated: it reads, or carries its request id."""

    method: str
    path: str
    """Below ``/api/v1``."""
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False
    """Whether the answer is not JSON, but ``{"data": bytes}`` here."""


class Beside(Protocol):
    """What a client has for its runs beside what they say."""

    @property
    def wait(self) -> float:
        """Seconds that a run may take longer by it."""

    async def headers(self) -> Mapping[str, str]:
        """What a run says of it; waits until it is there."""


class Connection:
    """Connections to one server, open until ``aclose``."""

    def __init__(self, options: Options, transport: httpx2.AsyncBaseTransport | None) -> None:
        self._options = options
        self._closed = False
        self._turns: asyncio.Semaphore | None = None
        self.beside: Beside | None = None
        """Goes with each run."""
        self._http = httpx2.AsyncClient(
            base_url=options.server_url + API,
            headers=options.headers(),
            timeout=httpx2.Timeout(None, connect=_CONNECT),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            transport=transport,
            verify=_trust(options.server_url),
            # A proxy of the environment is for the way out, not for this machine.
            mounts=None if transport else dict.fromkeys(_LOOPBACK),
        )
        self._near = (
            Near(options.server_url, self._http.headers.raw, _CONNECT)
            if transport is None and Near.suits(options.server_url)
            else None
        )
        self._url = lru_cache(_URLS)(partial(_join, self._http.base_url))

    async def aclose(self) -> None:
        """Break what is in flight and let go of every connection."""
        self._closed = True
        if self._near is not None:
            await self._near.aclose()
        await self._http.aclose()

    def limit_runs(self, at_once: object) -> None:
        """Let ``run`` send no more at once than the server takes from the agent."""
        if isinstance(at_once, int) and at_once > 0 and self._turns is None:
            self._turns = asyncio.Semaphore(at_once)

    async def run(self, call: Call, patience: float, decode: Callable[[dict[str, Any]], T]) -> T:
        """``ask``, when it is its turn; the time until then does not count."""
        async with self._turns or nullcontext():
            if self.beside is None:
                return await self.ask(call, patience, decode)
            return await self._run_with(self.beside, call, patience, decode)

    async def _run_with(
        self, beside: Beside, call: Call, patience: float, decode: Callable[[dict[str, Any]], T]
    ) -> T:
        """Nothing has run where what was beside it was gone, so that it is asked for again."""
        for attempt in range(_GONE):
            try:
                async with asyncio.timeout(patience):
                    more = await beside.headers()
            except TimeoutError:
                told = "the connection for the client's tools is broken"
                raise ServerTimeoutError(self._options.server_url, told) from None
            whole = replace(call, headers={**call.headers, **more})
            try:
                return await self.ask(whole, patience + beside.wait, decode)
            except ToolsGoneError:
                if attempt + 1 == _GONE:
                    raise
                await asyncio.sleep(0.1)  # the stream's end is about to be heard of
        raise AssertionError("unreachable")

    async def tell(self, call: Call, patience: float) -> None:
        """``ask`` where the answer is that it was taken."""
        await self._ask_within(call, patience)

    async def ask(self, call: Call, patience: float, decode: Callable[[dict[str, Any]], T]) -> T:
        """What ``decode`` makes of the answer, within ``patience`` seconds, attempts included.

        Raises the exception that the answer or the failure stands for; a ValueError of ``decode``
        is an answer that onehop does not give.
        """
        wire = await self._ask_within(call, patience)
        try:
            return decode(wire)
        except ValueError as error:
            raise UnexpectedAnswerError(self._options.server_url, 200, str(error)) from error

    async def _ask_within(self, call: Call, patience: float) -> dict[str, Any]:
        scope = asyncio.timeout(patience)
        try:
            async with scope:
                return await self._persist(call, scope)
        except TimeoutError:
            if not scope.expired():
                raise
        told = f"no answer within {patience:g} s"
        raise ServerTimeoutError(self._options.server_url, told)

    @asynccontextmanager
    async def stream(self, call: Call) -> AsyncIterator[httpx2.EventSource]:
        """Server-sent events, once the server has begun to send them; one attempt."""
        try:
            async with self._http.sse(
                call.path.lstrip("/"),
                method=call.method,
                params=dict(call.query),
                headers=_headers(call),
                content=call.body,
                timeout=httpx2.Timeout(None, connect=_CONNECT, read=_SILENCE),
                max_event_size=_MAX_EVENT,
            ) as source:
                await self._check_stream(source.response)
                yield source
        except httpx2.RequestError as error:
            raise self._failure(error) from None  # 80 frames, and no more words

    async def _check_stream(self, response: httpx2.Response) -> None:
        if not response.is_success:
            await response.aread()
            raise_refusal(response, self._options)
        kind = response.headers.get("Content-Type", "").partition(";")[0]
        if kind.strip().lower() != "text/event-stream":
            raise UnexpectedAnswerError(
                self._options.server_url, response.status_code, "it sent no stream of events"
            )

    async def _persist(self, call: Call, scope: asyncio.Timeout) -> dict[str, Any]:
        failures = 0
        while True:
            try:
                return await self._attempt(call)
            except OnehopError as error:
                failures += 1
                wait = pause(failures, asked_of(error), random.random())  # noqa: S311 - no secret
                if not passes(error) or failures > self._options.retries or _late(scope, wait):
                    raise
            await asyncio.sleep(wait)

    async def _attempt(self, call: Call) -> dict[str, Any]:
        if self._closed:
            raise NotConnectedError("the client has been disconnected")
        try:
            response = await self._send(call)
        except httpx2.RequestError as error:
            raise self._failure(error) from None  # 80 frames, and no more words
        if isinstance(response, httpx2.Response) and not response.is_success:
            raise_refusal(response, self._options)
        if call.raw:
            return {"data": response.content}
        return answer_of(response, self._options)

    async def _send(self, call: Call) -> httpx2.Response | Answer:
        if self._near is None or call.query or self._http.cookies:
            return await self._http.send(self._request(call))
        target = self._url(call.path).raw_path
        answer = await self._near.ask(call.method, target, _raw(_headers(call)), call.body or b"")
        if answer.is_plain:
            return answer
        response = httpx2.Response(
            answer.status_code,
            headers=answer.headers,
            content=answer.content,
            request=self._request(call),
            extensions={"reason_phrase": answer.reason},
        )
        self._http.cookies.extract_cookies(response)
        return response

    def _request(self, call: Call) -> httpx2.Request:
        """As the client's ``build_request`` makes it, which merges URL, headers and queries anew
        for each call: a quarter of what a call costs in this process."""
        return httpx2.Request(
            call.method,
            self._url(call.path),
            params=dict(call.query) or None,
            headers=[*self._http.headers.raw, *_raw(_headers(call))],
            cookies=self._http.cookies,
            content=call.body,
        )

    def _failure(self, error: httpx2.RequestError) -> OnehopError:
        if self._closed:
            return NotConnectedError("the client was disconnected before the answer came")
        return unreachable(self._options.server_url, error)


def _headers(call: Call) -> dict[str, str]:
    return {**call.headers, **({"Content-Type": "application/json"} if call.body else {})}


def _raw(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in headers.items()]


def _join(base: httpx2.URL, path: str) -> httpx2.URL:
    return base.copy_with(raw_path=base.raw_path + httpx2.URL(path.lstrip("/")).raw_path)


def _trust(server_url: str) -> ssl.SSLContext | bool:
    """Reading the system's certificates takes 30 ms, in vain for http; then nothing is trusted."""
    return server_url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _late(scope: asyncio.Timeout, wait: float) -> bool:
    """Whether the deadline comes before the next attempt could begin."""
    when = scope.when()
    return when is not None and asyncio.get_running_loop().time() + wait >= when
