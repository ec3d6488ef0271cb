"""Keeps one connection to a server: follows what it lists, and connects again when it is lost."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from typing import Final

import mcp_types as types

from mcp import Client
from onehop.upstreams import _bounds
from onehop.upstreams._link import Link, LinkFailedError
from onehop.upstreams._sessions import down, ready

_log = logging.getLogger(__name__)

_FIRST: Final = 0.5
_LONGEST: Final = 60.0
"""Seconds between attempts: none before the second one, then twice as many after each."""
_STEADY: Final = 30.0
"""Seconds that a connection must have lasted for the pauses to be short again."""
_BREATH: Final = 1.0
"""Seconds between two looks at a list that changes, at least."""
_SHARE: Final = 20
"""Of the time that taking a list costs, so many times as much passes before the next."""

Take = Callable[[list[types.Tool]], None]
"""Called with all that the server lists, when it is other than before."""


class Keeper:
    """The connection that the tools are known by."""

    def __init__(
        self, name: str, open_link: Callable[[], Link], seconds: float, take: Take
    ) -> None:
        """``seconds`` are for learning the tools."""
        self._name = name
        self._open_link = open_link
        self._seconds = seconds
        self._take = take
        self._link: Link | None = None
        self._coming: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._listed: list[types.Tool] | None = None
        self._reason = "it has not answered yet"
        self.wants_login = False
        """Whether the last connection ended because the server wants other credentials."""
        self._down_since = time.time()
        self._next = 0.0
        self._pause = 0.0
        self._logged = ""
        """The reason that the log has."""
        self._tried = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="onehop keeper")

    async def tried(self) -> None:
        """Wait until the first attempt is over."""
        await self._tried.wait()

    @property
    def has_tried(self) -> bool:
        """Whether the first attempt is over."""
        return self._tried.is_set()

    @property
    def told(self) -> str:
        """The reason, and since when it is so."""
        since = time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(self._down_since))
        return f"{self._reason} (since {since})"

    @property
    def knows(self) -> bool:
        """Whether the server has listed its tools, now or before."""
        return self._listed is not None

    @property
    def is_up(self) -> bool:
        """Whether it is connected now."""
        return self._link is not None and self._link.is_up

    @property
    def reason(self) -> str:
        """Why the last connection ended, or did not come up."""
        return self._reason

    async def link(self) -> Link:
        """The link, connected; one that is being connected is waited for. Raises ToolError
        (``unavailable``) while the next attempt is some time away."""
        link = self._link
        if link is None or link.is_over:
            if (left := self._next - asyncio.get_running_loop().time()) > 0:
                raise down(self.told, left, wants_login=self.wants_login)
            link = await self._next_link()
        return await ready(link)

    async def _next_link(self) -> Link:
        try:
            return await asyncio.shield(self._coming)
        except LinkFailedError as error:
            raise down(str(error), _FIRST, wants_login=error.wants_login) from None

    async def aclose(self) -> None:
        """Leave."""
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await self._live()
            self._tried.set()
            if clock() - began > _STEADY:
                self._pause = 0.0
                self._logged = ""
            pause = self._pause * random.uniform(0.8, 1.2)  # noqa: S311 - not a secret
            self._pause = min(max(self._pause * 2, _FIRST), _LONGEST)
            self._next = clock() + pause
            self._log_fault(pause)
            if pause:
                self._refuse_waiting()
            await asyncio.sleep(pause)

    def _log_fault(self, pause: float) -> None:
        """A reason is a warning once: an attempt that ends as the one before is not news."""
        level = logging.INFO if self._reason == self._logged else logging.WARNING
        when = f"next attempt in {pause:.1f} s" if pause else "it is tried again at once"
        _log.log(level, "upstream %s: %s; %s", self._name, self.told, when)
        self._logged = self._reason

    def _refuse_waiting(self) -> None:
        coming, self._coming = self._coming, asyncio.get_running_loop().create_future()
        coming.set_exception(LinkFailedError(self._reason, wants_login=self.wants_login))
        coming.exception()  # nobody need wait

    async def _live(self) -> None:
        """One connection. What ends it is the reason."""
        link = self._link = self._open_link()
        self._coming.set_result(link)
        self._coming = asyncio.get_running_loop().create_future()
        is_up = False
        try:
            client = await link.client()
            is_up = True
            while True:
                link.changed.clear()
                spent = await self._list(client)
                self._tried.set()
                await link.changed.wait()
                if link.is_over:
                    break
                await asyncio.sleep(max(_BREATH, _SHARE * spent))
            self._reason = link.reason
        except (LinkFailedError, _bounds.FloodError, ListFailedError) as error:
            self._reason = link.reason or str(error)
        finally:
            self.wants_login = link.wants_login
            if is_up:
                self._down_since = time.time()
            await link.aclose()

    async def _list(self, client: Client) -> float:
        """Learn the tools; the seconds that taking them cost. Raises ListFailedError."""
        try:
            async with asyncio.timeout(self._seconds):
                listed = await _all_tools(client)
        except TimeoutError:
            raise ListFailedError(f"it did not list its tools in {self._seconds:g} s") from None
        except Exception as error:
            raise ListFailedError(f"it did not list its tools: {str(error)[:500]}") from None
        return self._took(listed)

    def _took(self, listed: list[types.Tool]) -> float:
        clock = asyncio.get_running_loop().time
        began = clock()
        if listed != self._listed:
            before, self._listed = self._listed, listed
            try:
                self._take(listed)
            except Exception:
                self._listed = before
                _log.exception("upstream %s: its tools cannot be taken", self._name)
                raise ListFailedError("its tools cannot be taken; the host's log has why") from None
        return clock() - began


class ListFailedError(Exception):
    """The server answers, and does not say what tools it has."""


async def _all_tools(client: Client) -> list[types.Tool]:
    """All pages. Raises what the SDK raises, and FloodError."""
    if client.server_capabilities.tools is None:
        return []
    listed: list[types.Tool] = []
    cursor: str | None = None
    for _ in range(_bounds.PAGES):
        page = await client.list_tools(cursor=cursor)
        listed += page.tools
        if len(listed) > _bounds.TOOLS:
            raise _bounds.FloodError(f"it lists more than {_bounds.TOOLS} tools")
        cursor = page.next_cursor
        if not cursor:
            return listed
    raise _bounds.FloodError(f"it lists its tools in more than {_bounds.PAGES} parts")
