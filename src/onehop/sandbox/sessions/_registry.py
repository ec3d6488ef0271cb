"""All sessions of a sandbox, by agent and name: how many there may be, and when they end."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from onehop import types
from onehop.backends.base import BackendSession
from onehop.errors import StoreError, TooManySessionsError
from onehop.sandbox.sessions._keeping import Keeping, MemoryKeeping
from onehop.sandbox.sessions._session import Call, Session, listed

if TYPE_CHECKING:
    from onehop.config import SessionConfig
    from onehop.sandbox.services import SessionValues
    from onehop.stores.base import SessionNote
    from onehop.types import ExecutionResult, SessionInfo

_RESTARTED: Final = "onehop was restarted, or another server had it"
_LOOK_SECONDS: Final = 1.0
"""Between two looks for sessions that are idle."""
_MOST_KNOWN: Final = 4
"""Sessions without a worker that are known, of an agent and in all, for each that may have one."""

_log = logging.getLogger(__name__)

Open = Callable[[str], Awaitable[BackendSession]]


class Sessions:
    """``open_`` gives a session of the backend, for an agent."""

    def __init__(self, config: SessionConfig, open_: Open) -> None:
        self._config = config
        self._open = open_
        self._known: dict[str, dict[str, Session]] = {}
        """By agent and name."""
        self._keeping: Keeping | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def keeping(self) -> Keeping:
        """Where what outlives a worker is kept: in this process, unless it was set."""
        if self._keeping is None:
            self._keeping = MemoryKeeping()
        return self._keeping

    @keeping.setter
    def keeping(self, keeping: Keeping) -> None:
        self._keeping = keeping

    def values(self, agent_id: str, name: str) -> SessionValues:
        """What the code of a session stores."""
        return self.keeping.values(agent_id, name)

    async def run(self, agent_id: str, name: str, call: Call) -> ExecutionResult:
        """Run a call of a session, which begins with its first one.

        Raises TooManySessionsError, Overloaded when too many calls of it wait, and what ``call``
        raises.
        """
        session = self._known.get(agent_id, {}).get(name) or await self._begin(agent_id, name)
        return await session.run(call)

    def names(self, agent_id: str, name: str) -> tuple[str, ...]:
        """What the calls of a session have declared so far."""
        session = self._known.get(agent_id, {}).get(name)
        return () if session is None else session.names

    async def _begin(self, agent_id: str, name: str) -> Session:
        self._check_room(agent_id, self._known.get(agent_id, {}))
        self._forget_some()
        noted = functools.partial(self._note_later, agent_id)
        session = Session(name, self._config, lambda: self._open_one(agent_id), noted)
        self._known.setdefault(agent_id, {})[name] = session
        try:
            note = await self.keeping.find(agent_id, name)
        except BaseException:  # its caller has left
            self._forget(agent_id, session)
            raise
        if note is not None:
            session.created_at = note.created_at
            session.remember(_RESTARTED, note.names)
        return session

    def _check_room(self, agent_id: str, own: dict[str, Session]) -> None:
        by_use = sorted(own.values(), key=lambda each: each.used)
        live = [each for each in by_use if each.is_live or each.is_running]
        if len(live) >= self._config.per_agent:
            names = [each.name for each in live]
            raise TooManySessionsError(agent_id, self._config.per_agent, names)
        rest = [each for each in by_use if each not in live]
        for old in rest[: max(0, len(own) - _MOST_KNOWN * self._config.per_agent + 1)]:
            self._forget(agent_id, old)

    def _forget_some(self) -> None:
        """However many agents there are: what is kept of a session is found again."""
        rest = [
            (each.used, agent, each)
            for agent, own in self._known.items()
            for each in own.values()
            if not each.is_live and not each.is_running
        ]
        rest.sort(key=lambda each: each[0])
        for _used, agent, old in rest[: max(0, len(rest) - _MOST_KNOWN * self._config.most + 1)]:
            self._forget(agent, old)

    def _forget(self, agent_id: str, session: Session) -> None:
        own = self._known.get(agent_id, {})
        if own.get(session.name) is session:
            del own[session.name]
            if not own:
                del self._known[agent_id]

    async def _open_one(self, agent_id: str) -> BackendSession:
        """In the place of the one that waits longest, if there are as many as there may be."""
        live = [(each.used, each) for each in self._all() if each.is_live]
        idle = sorted((each for each in live if not each[1].is_running), key=lambda each: each[0])
        if len(live) >= self._config.most and idle:
            await idle[0][1].evict("its worker was needed for another session")
        inner = await self._open(agent_id)
        if self._timer is None:
            self._look_later()
        return inner

    def _all(self) -> list[Session]:
        return [each for own in self._known.values() for each in own.values()]

    # --- what is known of them after a restart ---

    def _note_later(self, agent_id: str, session: Session) -> None:
        """Off the call's path; a note that is lost only makes a warning shorter."""
        if self._known.get(agent_id, {}).get(session.name) is not session:
            return
        from onehop.stores.base import SessionNote

        most = None if session.is_noted else self._config.kept
        session.is_noted = True
        note = SessionNote(
            agent_id=agent_id,
            session=session.name,
            names=session.names,
            created_at=session.created_at,
            used_at=session.used_at,
        )
        self._spawn(self._save(note, most))

    async def _save(self, note: SessionNote, most: int | None) -> None:
        try:
            gone = await self.keeping.note(note, most)
        except StoreError as error:
            _log.info("cannot note session %r: %s", note.session, error)
            return
        if gone:
            _log.warning(
                "agent %r has begun more than %d sessions: dropped those that were used longest "
                "ago, with what they store: %s",
                *(note.agent_id, self._config.kept, listed(gone)),
            )

    # --- those that are idle ---

    def _look_later(self) -> None:
        if not self._closed:
            loop = asyncio.get_running_loop()
            seconds = min(_LOOK_SECONDS, self._config.idle / 4)
            self._timer = loop.call_later(seconds, self._look)

    def _look(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for session in self._all():
            is_idle = session.is_live and not session.is_running
            if is_idle and now - session.used > self._config.idle:
                self._spawn(session.evict(f"it was idle for {self._config.idle:g} s"))
        if any(each.is_live for each in self._all()):
            self._look_later()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- list and end ---

    def list(self, agent_id: str | None) -> list[SessionInfo]:
        """An agent's sessions, or all of them for None, that this process knows."""
        agents = self._known if agent_id is None else {agent_id: self._known.get(agent_id, {})}
        return [
            types.SessionInfo(
                agent_id=agent,
                session=each.name,
                names=list(each.names),
                calls=each.calls,
                live=each.is_live,
                running=each.is_running,
                created_at=each.created_at,
                used_at=each.used_at,
            )
            for agent, own in agents.items()
            for each in own.values()
        ]

    async def end(self, agent_id: str, name: str) -> bool:
        """End a session, and drop all that is kept with it; False when there is none. Raises
        StoreError."""
        own = self._known.get(agent_id, {})
        session = own.get(name)
        if session is not None:
            self._forget(agent_id, session)
            await session.aclose()
        await self._settle()
        was_kept = await self.keeping.forget(agent_id, name)
        return session is not None or was_kept

    async def release(self, agent_id: str, name: str) -> None:
        """Give its worker up; what is stored with it stays."""
        session = self._known.get(agent_id, {}).get(name)
        if session is not None:
            await session.evict("it was closed")

    async def aclose(self) -> None:
        """End all of them; what they store is kept."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for session in self._all():
            await session.aclose()
        await self._settle()
        self._known.clear()

    async def _settle(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
