"""A session for each agent: opened when it first calls, and ended when it has not for a while."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from onehop.errors import ToolError
from onehop.upstreams._link import Link, LinkFailedError

_REST: Final = 2.0
"""Seconds after a failure in which a session is not opened again."""


class Sessions:
    """At most ``most`` links, one an agent."""

    def __init__(self, open_link: Callable[[], Link], most: int, idle: float) -> None:
        """``idle``: seconds without a call after which a session ends."""
        self._open_link = open_link
        self._most = most
        self._idle = idle
        self._sessions: dict[str, _Session] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def use(self, agent_id: str) -> AsyncIterator[Link]:
        """The agent's link, connected; it is not ended meanwhile. Raises ToolError
        (``unavailable``)."""
        session = self._session(agent_id)
        session.take()
        try:
            yield await ready(session.link)
        finally:
            session.give_back(self._idle, lambda: self._drop(agent_id, session))

    async def aclose(self) -> None:
        """End all."""
        for agent_id, session in list(self._sessions.items()):
            self._drop(agent_id, session)
        if self._ending:
            await asyncio.wait(self._ending)

    def _session(self, agent_id: str) -> _Session:
        session = self._sessions.get(agent_id)
        if session is not None and not session.link.is_over:
            return session
        if session is not None:
            session.check_rest()
            self._drop(agent_id, session)
        self._make_room()
        session = self._sessions[agent_id] = _Session(self._open_link())
        return session

    def _make_room(self) -> None:
        """End the one that nobody has used for the longest time. What is ending takes a place too:
        agents that come and go must not pile up processes."""
        if len(self._sessions) < self._most and len(self._ending) < self._most:
            return
        idle = [(s.used, agent_id) for agent_id, s in self._sessions.items() if not s.busy]
        if not idle or len(self._ending) >= self._most:
            words = f"{self._most} other agents use it now, and it may have no more sessions"
            raise ToolError("unavailable", words, retryable=True, retry_after=1000)
        _, agent_id = min(idle)
        self._drop(agent_id, self._sessions[agent_id])

    def _drop(self, agent_id: str, session: _Session) -> None:
        if self._sessions.get(agent_id) is session:
            del self._sessions[agent_id]
        session.forget()
        task = asyncio.get_running_loop().create_task(session.link.aclose())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


class _Session:
    """One agent's link, and how many calls use it."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.busy = 0
        self._loop = asyncio.get_running_loop()
        self._opened = self.used = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def take(self) -> None:
        """A call begins."""
        self.forget()
        self.busy += 1

    def give_back(self, idle: float, end: Callable[[], None]) -> None:
        """A call is over; after the last one, ``end`` comes if no other one does."""
        self.busy -= 1
        self.used = self._loop.time()
        if not self.busy:
            self._timer = self._loop.call_later(idle, end)

    def forget(self) -> None:
        """The timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def check_rest(self) -> None:
        """Raises ToolError if it has ended so soon that another would too."""
        left = self._opened + _REST - self._loop.time()
        if left > 0:
            raise down(self.link.reason, left, wants_login=self.link.wants_login)


async def ready(link: Link) -> Link:
    """The link, when it is connected. Raises ToolError (``unavailable``)."""
    try:
        await link.client()
    except LinkFailedError as error:
        raise down(str(error), _REST, wants_login=error.wants_login) from None
    return link


def down(reason: str, seconds: float, *, wants_login: bool = False) -> ToolError:
    """The server cannot be reached now, and perhaps in some seconds; or wants a login first."""
    if wants_login:
        return ToolError("auth_required", f"its server wants other credentials: {reason}")
    words = f"its server is not available: {reason}"
    return ToolError("unavailable", words, retryable=True, retry_after=round(seconds * 1000))
