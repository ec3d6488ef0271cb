"""Both clients behind one async surface, so that one suite drives both."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Self

from onehop.client import AgentClient, SyncAgentClient

Kind = Literal["async", "sync"]
KINDS: tuple[Kind, ...] = ("async", "sync")
_END = object()


class InThread:
    """A SyncAgentClient whose methods are awaited, each in a thread."""

    def __init__(self, client: SyncAgentClient) -> None:
        self.client = client

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        return functools.partial(asyncio.to_thread, getattr(self.client, name))

    def events(self, *arguments: Any, **named: Any) -> FeedInThread:
        return FeedInThread(self.client.events(*arguments, **named))

    def stream(self, *arguments: Any, **named: Any) -> FeedInThread:
        return FeedInThread(self.client.stream(*arguments, **named))

    def __repr__(self) -> str:
        return repr(self.client)


class FeedInThread:
    """An iterator whose steps are awaited, each in a thread."""

    def __init__(self, feed: Any) -> None:
        self.feed = feed

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        item = await asyncio.to_thread(next, self.feed, _END)
        if item is _END:
            raise StopAsyncIteration
        return item

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self.feed.__enter__)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.feed.close)


def make(kind: Kind, **options: Any) -> Any:
    """A client that is not connected yet."""
    if kind == "async":
        return AgentClient(**options)
    return InThread(SyncAgentClient(**options))


@asynccontextmanager
async def connected(kind: Kind, **options: Any) -> AsyncIterator[Any]:
    """A client, until the end of the block."""
    client = make(kind, **options)
    await client.connect()
    try:
        yield client
    finally:
        await client.disconnect()
