"""Tells clients that tools or snippets have changed: then ``code_execute`` is described in other
words.

In the protocol of 2026-07-28 a client listens for it (``subscriptions/listen``). Before, a client
hears of it without asking, where there is a connection to send it on: over stdio.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ToolsListChanged
from mcp.shared.exceptions import MCPError

from onehop.sandbox.calls import Toolbox
from onehop.server.mcp._tool import make_tools

Context = ServerRequestContext[Any, Any]

_MOST: Final = 1024
"""Clients that listen at once."""
_MOST_EACH: Final = 16
"""Of one agent."""


class Notices:
    """Open as long as the server is; ``listen`` answers clients that want to hear."""

    def __init__(
        self,
        toolbox: Toolbox,
        on_snippets: Callable[[Callable[[], None]], Callable[[], None]],
        agent_of: Callable[[Context], str],
    ) -> None:
        """``on_snippets`` has a listener called whenever an agent's snippets are others."""
        self._toolbox = toolbox
        self._on_snippets = on_snippets
        self._are_snippets_others = False
        self._agent_of = agent_of
        self._bus = InMemorySubscriptionBus()
        self._listeners = ListenHandler(self._bus, max_subscriptions=_MOST)
        self._held: Counter[str] = Counter()
        self._session: ServerSession | None = None
        self._told: bytes | None = None
        self._changed = asyncio.Event()

    def remember(self, context: Context) -> None:
        """The connection of the one client over stdio, which has just been shown the tools."""
        if context.request is None:
            self._session = context.session

    async def listen(
        self, context: Context, params: types.SubscriptionsListenRequestParams
    ) -> types.SubscriptionsListenResult:
        """One client's stream, until it leaves. Raises MCPError for one too many of an agent."""
        agent = self._agent_of(context)
        if self._held[agent] >= _MOST_EACH:
            words = f"{_MOST_EACH} clients of this agent listen already"
            raise MCPError(types.INTERNAL_ERROR, words)
        self._held[agent] += 1
        try:
            return await self._listeners(context, params)
        finally:
            self._held[agent] -= 1
            if not self._held[agent]:
                del self._held[agent]

    @asynccontextmanager
    async def open(self, closing: asyncio.Event | None = None) -> AsyncIterator[None]:
        """Follow the tools until the end of the block; streams end when ``closing`` is set."""
        self._told = self._description()
        forget = self._toolbox.on_change(self._changed.set)
        forget_snippets = self._on_snippets(self._hear_of_snippets)
        tasks = [asyncio.ensure_future(self._follow())]
        if closing is not None:
            tasks.append(asyncio.ensure_future(self._close_at(closing)))
        try:
            yield
        finally:
            forget()
            forget_snippets()
            self._listeners.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _close_at(self, closing: asyncio.Event) -> None:
        await closing.wait()
        self._listeners.close()

    def _hear_of_snippets(self) -> None:
        self._are_snippets_others = True
        self._changed.set()

    async def _follow(self) -> None:
        """However often tools change, each notice is about other words. Snippets are not the same
        for all agents, so that each change of them counts."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            others, self._are_snippets_others = self._are_snippets_others, False
            told = await asyncio.to_thread(self._description)
            if others or told != self._told:
                self._told = told
                await self._tell()

    async def _tell(self) -> None:
        await self._bus.publish(ToolsListChanged())
        if self._session is not None:
            with suppress(Exception):  # a client that has left hears nothing
                await self._session.send_tool_list_changed()

    def _description(self) -> bytes:
        tools = make_tools(self._toolbox.view())
        return b"".join(tool.model_dump_json().encode() for tool in tools)
