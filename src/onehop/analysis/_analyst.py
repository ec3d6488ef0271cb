"""Asks analysis processes from an event loop: one for each agent, never handed to another."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.analysis._answers import is_large, read_answer
from onehop.analysis._framing import most_of_answer, pack
from onehop.analysis._link import AnalysisLostError, Link
from onehop.analysis._zygote import Zygote
from onehop.analysis._zygote_process import ZygoteProcess
from onehop.errors import SandboxClosedError

MOST_PROCESSES: Final = 16
"""In all, idle or at work."""
SECONDS: Final = 10.0
"""For one question. The operations bound their own CPU time far below; a machine may be busy."""
PATIENCE: Final = 0.5
"""CPU seconds for a question while other agents wait for a process; ordinary code takes a
hundredth. Not seconds of the clock: then others' questions would decide about this one."""
_LOOK_SECONDS: Final = 0.25
"""Between two looks at who has had that much."""
IDLE_SECONDS: Final = 60.0
"""After which a process that nobody asks is ended."""
_SPIN_SECONDS: Final = 0.001
"""Blocked for an answer before the event loop is asked to wait for it: most come sooner, and coming
back by the loop would cost as much again."""
_LOST_KEPT: Final = 256
"""Texts that are remembered because they were too much."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Agent:
    """Questions of one agent are answered one after the other."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    asking: int = 0
    """Questions that wait or are being answered."""
    link: Link | None = None
    rules: frozenset[str] = frozenset()
    since: float | None = None
    """When the question that is being answered began."""
    used: float = 0.0


class Analyst:
    """Belongs to one event loop. ``open`` before use; ``aclose`` ends every process."""

    def __init__(
        self, allow_degraded: Collection[str] = (), begun: ZygoteProcess | None = None
    ) -> None:
        """``begun`` is what ``begin`` gave, ended here when nobody opens this."""
        self._allow_degraded = allow_degraded
        self._zygote = Zygote(allow_degraded, begun)
        self._is_fresh = True
        self._agents: OrderedDict[str, _Agent] = OrderedDict()
        self._processes = 0
        """Those that are being started, too."""
        self._room = asyncio.Condition()
        self._rules: frozenset[str] = frozenset()
        self._lost: OrderedDict[bytes, None] = OrderedDict()
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = True

    def open(self) -> None:
        """Take questions from now on; the first one starts the processes."""
        if not self._is_fresh:
            self._zygote = Zygote(self._allow_degraded)
        self._is_fresh = False
        self._closed = False

    def start(self) -> None:
        """Load what analysis needs, in the background; if that fails, the first question tells."""
        if not self._closed:
            loading = asyncio.ensure_future(asyncio.to_thread(self._zygote.start))
            loading.add_done_callback(_forget_failure)

    async def ask(
        self,
        agent_id: str,
        operation: str,
        arguments: Mapping[str, Any],
        rules: tuple[str, ...] = (),
    ) -> Any:
        """What the operation gives for a text of this agent, as JSON data; trust none of it.

        A question whose process ended is asked once more: something else may have ended it. A text
        that was too much is not sent again.

        Raises AnalysisLostError when the text is too much, SandboxUnavailableError when the machine
        is too busy or no process can be had, and SandboxClosedError.
        """
        self._check_open()
        text = _name_of(agent_id, arguments)
        if text in self._lost:
            raise AnalysisLostError("the text was too much before")
        question = pack({"operation": operation, "arguments": dict(arguments)})
        self._rules |= set(rules)
        agent = self._agents.setdefault(agent_id, _Agent())
        self._agents.move_to_end(agent_id)
        agent.asking += 1
        try:
            async with agent.turn:
                return await self._answer(agent, question, frozenset(rules))
        except AnalysisLostError:
            self._remember_lost(text)
            raise
        finally:
            agent.asking -= 1
            self._forget()
            self._sweep_later()

    async def aclose(self) -> None:
        """End every process; questions that are open are lost."""
        if self._closed:
            return
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for agent in self._agents.values():
            self._end(agent)
        await asyncio.to_thread(self._zygote.close)
        async with self._room:
            self._room.notify_all()

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxClosedError("the sandbox is not open")

    # --- questions ---

    async def _answer(self, agent: _Agent, question: bytes, rules: frozenset[str]) -> Any:
        try:
            return await self._ask_once(agent, question, rules)
        except AnalysisLostError as error:
            self._check_open()
            if error.took_long:
                raise
            return await self._ask_once(agent, question, rules)

    async def _ask_once(self, agent: _Agent, question: bytes, rules: frozenset[str]) -> Any:
        self._check_open()
        if not rules <= agent.rules:
            self._end(agent)
        link = agent.link or await self._start_for(agent)
        agent.since = time.monotonic()
        try:
            body = await _exchange(link, question)
            if is_large(body):
                return await asyncio.to_thread(read_answer, body)
            return read_answer(body)
        except BaseException:  # cancelled too: the answer to come would be taken for another's
            self._end(agent)
            raise
        finally:
            agent.since, agent.used = None, time.monotonic()
            await self._tell_waiting()

    async def _tell_waiting(self) -> None:
        async with self._room:
            self._room.notify()

    def _remember_lost(self, text: bytes) -> None:
        self._lost[text] = None
        while len(self._lost) > _LOST_KEPT:
            self._lost.popitem(last=False)

    # --- processes ---

    async def _start_for(self, agent: _Agent) -> Link:
        await self._take_place()
        known = self._rules
        try:
            link = await self._fork(known)
        except BaseException:
            self._processes -= 1
            raise
        agent.link, agent.rules = link, known
        if self._closed:
            self._end(agent)
            self._check_open()
        return link

    async def _take_place(self) -> None:
        """Wait for a place: an idle process gives its own at once, one at work after a while."""
        async with self._room:
            while self._processes >= MOST_PROCESSES and not self._end_idle():
                self._hurry()
                with_patience = asyncio.wait_for(self._room.wait(), _LOOK_SECONDS)
                try:
                    await with_patience
                except TimeoutError:
                    continue
                finally:
                    self._check_open()
            self._processes += 1

    def _end_idle(self) -> bool:
        """End the process that was idle for longest, if one is."""
        for agent in self._agents.values():
            if agent.link is not None and agent.since is None:
                self._end(agent)
                return True
        return False

    def _hurry(self) -> None:
        """Take the place of the question that has cost most, if that is much."""
        at_work = [a.link for a in self._agents.values() if a.link and a.since is not None]
        costliest = max(at_work, key=lambda link: link.cpu_seconds, default=None)
        if costliest is not None and costliest.cpu_seconds > PATIENCE:
            costliest.give_way()

    async def _fork(self, rules: frozenset[str]) -> Link:
        forking = asyncio.ensure_future(asyncio.to_thread(self._zygote.fork, rules))
        try:
            return await asyncio.shield(forking)
        except asyncio.CancelledError:
            forking.add_done_callback(_close_unwanted)
            raise

    def _end(self, agent: _Agent) -> None:
        link, agent.link = agent.link, None
        if link is not None:
            link.close()
            self._processes -= 1

    # --- time passes ---

    def _forget(self) -> None:
        for agent_id, agent in list(self._agents.items()):
            if agent.link is None and not agent.asking:
                del self._agents[agent_id]

    def _sweep_later(self) -> None:
        if self._sweeping is None and not self._closed and self._agents:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(IDLE_SECONDS, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        since = time.monotonic() - IDLE_SECONDS
        for agent in self._agents.values():
            if not agent.asking and agent.used < since:
                self._end(agent)
        self._forget()
        self._sweep_later()


def _name_of(agent_id: str, arguments: Mapping[str, Any]) -> bytes:
    """Of an agent's text."""
    text = f"{len(agent_id)}\0{agent_id}{arguments.get('language')}\0{arguments.get('code')}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


async def _exchange(link: Link, question: bytes) -> bytes:
    link.begin(question, most_of_answer(question))
    body = link.step()
    if body is None and link.wait(_SPIN_SECONDS):
        body = link.step()
    if body is not None:
        return body
    try:
        async with asyncio.timeout(SECONDS):
            while (body := link.step()) is None:
                await link.can_go_on()
    except TimeoutError:
        raise link.late(SECONDS) from None
    return body


def _forget_failure(loading: asyncio.Future[None]) -> None:
    if not loading.cancelled():
        loading.exception()


def _close_unwanted(forking: asyncio.Future[Link]) -> None:
    if not forking.cancelled() and forking.exception() is None:
        forking.result().close()
