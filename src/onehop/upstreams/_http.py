"""A server at a URL: streamable HTTP by the SDK, over a connection that bounds what comes in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import mcp_types as types
from mcp.client.streamable_http import streamable_http_client

from onehop.inputs.values import ValueCount
from onehop.runs.traces import outgoing
from onehop.upstreams import _bounds
from onehop.upstreams._answers import RETRY_AFTER, STATUS

_CONNECT: Final = 10.0
"""Seconds for a connection, and for sending."""
_READ: Final = 900.0
"""Seconds in which something must come on a stream; calls have their own time."""
_EVENT_END: Final = (b"\n\n", b"\r\n\r\n", b"\r\r")


@asynccontextmanager
async def connect(
    url: str, headers: Mapping[str, str], auth: httpx2.Auth | None = None
) -> AsyncIterator[tuple[Any, Any]]:
    """The streams that the SDK reads and writes."""
    client = httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity", **headers},
        auth=auth,
        timeout=httpx2.Timeout(_CONNECT, read=_READ),
        event_hooks={"request": [_place], "response": [_bound]},
    )
    async with (
        client,
        streamable_http_client(
            url, http_client=client, max_sse_event_size=_bounds.MESSAGE
        ) as streams,
    ):
        yield streams


async def _place(request: httpx2.Request) -> None:
    """Say which span it belongs to. The SDK sends in the context of the call."""
    request.headers.update(outgoing())


async def _bound(response: httpx2.Response) -> None:
    """Count what comes. A compressed body is refused: nobody asked for one, and a small one may
    become anything."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        await response.aclose()
        raise httpx2.RemoteProtocolError("the answer is compressed", request=response.request)
    if response.status_code in (401, 403, 429) or response.status_code >= 500:
        await _explain(response)
        return
    is_events = response.headers.get("content-type", "").lower().startswith("text/event-stream")
    if isinstance(response.stream, httpx2.AsyncByteStream):  # in an async client it always is
        response.stream = _Counted(response.stream, is_events)


async def _explain(response: httpx2.Response) -> None:
    """The SDK keeps the status of a refusal to itself, but passes on an error in its body."""
    data: dict[str, Any] = {STATUS: response.status_code}
    if (wait := response.headers.get("retry-after", "")).isdigit() and len(wait) < 6:
        data[RETRY_AFTER] = int(wait) * 1000
    words = f"HTTP {response.status_code}"
    error = {"code": types.INTERNAL_ERROR, "message": words, "data": data}
    body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
    await response.aclose()
    response.headers = httpx2.Headers({"content-type": "application/json"})
    response.is_closed = response.is_stream_consumed = False
    response.stream = httpx2.ByteStream(body)


class _Counted(httpx2.AsyncByteStream):
    """A body; of events, each counts for itself, and the SDK bounds its bytes."""

    def __init__(self, inner: httpx2.AsyncByteStream, is_events: bool) -> None:
        self._inner = inner
        self._is_events = is_events
        self._size = 0
        self._count = ValueCount()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._inner:
            if self._is_events and any(end in chunk for end in _EVENT_END):
                self._size, self._count = 0, ValueCount()
            self._size += len(chunk)
            self._count.feed(chunk)
            if self._size > _bounds.MESSAGE or self._count.total > _bounds.VALUES:
                raise httpx2.StreamError(_bounds.TOO_LARGE)
            yield chunk

    async def aclose(self) -> None:
        """As the body underneath."""
        await self._inner.aclose()
