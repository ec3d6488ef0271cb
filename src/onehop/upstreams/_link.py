"""One connection to a server, from its opening to its end, in one task that owns it."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final

import httpx2
import mcp_types as types
from mcp.client import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from mcp import Client
from onehop.upstreams._answers import STATUS
from onehop.upstreams._guard import CountedWrites, GuardedStream, OnEnd
from onehop.upstreams._logs import masked_logs
from onehop.upstreams._secrets import Mask
from onehop.upstreams._stdio import NotThereError

_log = logging.getLogger(__name__)

_LEAVE: Final = 10.0
"""Seconds that a connection has to end by itself."""

Streams = AbstractAsyncContextManager[tuple[Any, Any]]
Reach = Callable[[], tuple[Streams, Mask]]
"""A way to the server, and what is secret in it. Raises ConfigError."""


class LinkFailedError(Exception):
    """The server did not come up; the text says why, without secrets."""

    def __init__(self, words: str, *, wants_login: bool = False) -> None:
        super().__init__(words)
        self.wants_login = wants_login


class Link:
    """Opens at once, in a task of its own; those who want to use it await ``client``."""

    def __init__(self, reach: Reach, seconds: float, *, mode: str = "auto") -> None:
        """``seconds`` are for opening."""
        loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._mode = mode
        self._mask = Mask()
        self._up: asyncio.Future[Client] = loop.create_future()
        self._left = asyncio.Event()
        self.changed = asyncio.Event()
        """Set when the server says that its tools are others, and when the connection ends."""
        self.reason = ""
        """Why it ended."""
        self.wants_login = False
        """Whether it ended because the server wants other credentials."""
        # In no caller's context: it serves other calls too, and no trace is theirs.
        self._task = loop.create_task(
            self._own(reach), name="onehop upstream", context=contextvars.Context()
        )

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or is ending."""
        return self._left.is_set() or self._task.done()

    @property
    def is_up(self) -> bool:
        """Whether it is connected."""
        return self._up.done() and not self._up.exception() and not self.is_over

    async def client(self) -> Client:
        """The SDK's client, when it is connected. Raises LinkFailedError."""
        return await asyncio.shield(self._up)

    def give_up(self, reason: str) -> None:
        """It is of no more use, though the server has not closed it."""
        self._end(reason)

    async def aclose(self) -> None:
        """End it; at last by force."""
        self._end("it was closed")
        if self._up.done():
            await asyncio.wait([self._task], timeout=_LEAVE)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=_LEAVE)

    def _end(self, reason: str) -> None:
        self.reason = self.reason or reason
        self._left.set()
        self.changed.set()

    async def _own(self, reach: Reach) -> None:
        try:
            await self._live(reach)
        except Exception as error:
            self._fail(error)
        except asyncio.CancelledError:
            self._fail(LinkFailedError("it was closed"))
            raise
        finally:
            self._end("it ended")

    async def _live(self, reach: Reach) -> None:
        async with asyncio.timeout(self._seconds) as clock:
            async with self._connected(reach) as client:
                clock.reschedule(None)
                self._up.set_result(client)
                async with _following(client, self.changed):
                    await self._left.wait()

    @asynccontextmanager
    async def _connected(self, reach: Reach) -> AsyncIterator[Client]:
        streams, self._mask = await asyncio.to_thread(reach)
        client = Client(
            _Guarded(streams, self._mask, self._end),
            mode=self._mode,
            cache=None,
            message_handler=self._hear,
            client_info=_who(),
        )
        with masked_logs(self._mask):
            async with client:
                yield client

    async def _hear(self, message: IncomingMessage) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            self.changed.set()

    def _fail(self, error: Exception) -> None:
        words = self._mask.text(_reason(error, self._seconds))
        self.wants_login = _is_refusal(error)
        self.reason = self.reason or words
        if not self._up.done():
            self._up.set_exception(LinkFailedError(words, wants_login=self.wants_login))
            self._up.exception()  # nobody need ask


class _Guarded(AbstractAsyncContextManager[tuple[Any, Any]]):
    """The streams, with the guard before what is read."""

    def __init__(self, streams: Streams, mask: Mask, on_end: OnEnd) -> None:
        self._streams = streams
        self._mask = mask
        self._on_end = on_end

    async def __aenter__(self) -> tuple[Any, Any]:
        reads, writes = await self._streams.__aenter__()
        guarded = GuardedStream(reads, self._mask, self._on_end)
        return guarded, CountedWrites(writes, guarded.asked)

    async def __aexit__(self, *exc: Any) -> bool | None:
        return await self._streams.__aexit__(*exc)


@asynccontextmanager
async def _following(client: Client, changed: asyncio.Event) -> AsyncIterator[None]:
    """Since 2026 a server tells of changes only who asks for them."""
    tools = client.server_capabilities.tools
    is_new = client.protocol_version in MODERN_PROTOCOL_VERSIONS
    if not is_new or tools is None or not tools.list_changed:
        yield
        return
    task = asyncio.create_task(_follow(client, changed))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _follow(client: Client, changed: asyncio.Event) -> None:
    """Ask again when the server lets go of the stream, ever more rarely."""
    pause = 1.0
    while True:
        with suppress(MCPError, SubscriptionLost, TimeoutError):
            async with client.listen(tools_list_changed=True) as events:
                changed.set()  # something may have changed before
                async for _ in events:
                    changed.set()
        await asyncio.sleep(pause)
        pause = min(pause * 2, 300.0)


def _who() -> types.Implementation:
    from onehop._version import onehop_version

    return types.Implementation(name="onehop", version=onehop_version())


def _is_refusal(error: BaseException) -> bool:
    """Whether it stands for an HTTP answer that wants other credentials."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    data = error.data if isinstance(error, MCPError) else None
    return isinstance(data, dict) and data.get(STATUS) in (401, 403)


def _reason(error: BaseException, seconds: float) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, TimeoutError):
        return f"it was not ready within {seconds:g} s"
    if isinstance(error, NotThereError):
        return str(error)[:500]
    if isinstance(error, httpx2.ConnectError):
        return f"its address cannot be reached: {error}"[:500]
    return f"{type(error).__name__}: {error}"[:500]
