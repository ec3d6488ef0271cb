"""Asks analysis processes from an event loop: one for each agent, never handed to another."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.analysis._framing import pack
from onehop.analysis._link import AnalysisLostError, Link
from onehop.analysis._zygote import Zygote
from onehop.errors import SandboxClosedError

MOST_PROCESSES: Final = 16
"""In all. An agent without one waits, in turn, until another agent's is idle."""
SECONDS: Final = 10.0
"""For one question. The operations bound their own CPU time far below; a machine may be busy."""
IDLE_SECONDS: Final = 60.0
"""After which a process that nobody asks is ended."""
_SPIN_SECONDS: Final = 0.001
"""Blocked for an answer before the event loop is asked to wait for it: most come sooner, and coming
back by the loop would cost as much again."""


_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Agent:
    """Questions of one agent are answered one after the other."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    asking: int = 0
    link: Link | None = None
    rules: frozenset[str] = frozenset()
    used: float = 0.0


class Analyst:
    """Belongs to one event loop. ``open`` before use; ``aclose`` ends every process."""

    def __init__(self, allow_degraded: Collection[str] = ()) -> None:
        self._allow_degraded = allow_degraded
        self._zygote = Zygote(allow_degraded)
        self._agents: OrderedDict[str, _Agent] = OrderedDict()
        self._rules: frozenset[str] = frozenset()
        self._room = asyncio.Semaphore(MOST_PROCESSES)
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = True

    def open(self) -> None:
        """Take questions from now on; the first one starts the processes."""
        self._zygote = Zygote(self._allow_degraded)
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

        A question whose process ended is asked once more: the process may have been old.

        Raises AnalysisLostError when the text is too much, SandboxUnavailableError, and
        SandboxClosedError.
        """
        if self._closed:
            raise SandboxClosedError("the sandbox is not open")
        question = pack({"operation": operation, "arguments": dict(arguments)})
        self._rules |= set(rules)
        agent = self._agents.setdefault(agent_id, _Agent())
        self._agents.move_to_end(agent_id)
        agent.asking += 1
        try:
            async with agent.turn, self._room:
                return await self._answer(agent, question, frozenset(rules))
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
            _end(agent)
        self._agents.clear()
        await asyncio.to_thread(self._zygote.close)

    async def _answer(self, agent: _Agent, question: bytes, rules: frozenset[str]) -> Any:
        is_old = agent.link is not None and rules <= agent.rules
        try:
            return await self._ask_once(agent, question, rules)
        except AnalysisLostError:
            if not is_old or self._closed:
                raise
            return await self._ask_once(agent, question, rules)

    async def _ask_once(self, agent: _Agent, question: bytes, rules: frozenset[str]) -> Any:
        if not rules <= agent.rules:
            _end(agent)
        if agent.link is None:
            known = self._rules
            agent.link = await self._fork(known)
            agent.rules = known
        try:
            result = result_of(await _exchange(agent.link, question))
        except BaseException:  # cancelled too: the answer to come would be taken for another's
            _end(agent)
            raise
        agent.used = time.monotonic()
        return result

    async def _fork(self, rules: frozenset[str]) -> Link:
        self._make_room()
        forking = asyncio.ensure_future(asyncio.to_thread(self._zygote.fork, rules))
        try:
            return await asyncio.shield(forking)
        except asyncio.CancelledError:
            forking.add_done_callback(_close_unwanted)
            raise

    def _make_room(self) -> None:
        """Before a process is forked: end those that were longest idle, beyond the bound."""
        alive = [agent for agent in self._agents.values() if agent.link is not None]
        idle = [agent for agent in alive if not agent.asking]
        for agent in idle[: max(len(alive) + 1 - MOST_PROCESSES, 0)]:
            _end(agent)

    def _forget(self) -> None:
        for agent_id in [
            agent_id
            for agent_id, agent in self._agents.items()
            if agent.link is None and not agent.asking
        ]:
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
                _end(agent)
        self._forget()
        self._sweep_later()


def result_of(answer: Any) -> Any:
    """The result in an answer. Raises AnalysisLostError when the operation failed."""
    match answer:
        case {"result": result}:
            return result
        case {"error": str(error)}:
            _log.error("an analysis failed: %s", error[-2000:])
            raise AnalysisLostError(f"the analysis failed: {error[-1000:]}")
    raise AnalysisLostError("the analysis process broke the protocol")


async def _exchange(link: Link, question: bytes) -> Any:
    link.begin(question)
    answer = link.step()
    if answer is None and link.wait(_SPIN_SECONDS):
        answer = link.step()
    if answer is not None:
        return answer
    try:
        async with asyncio.timeout(SECONDS):
            while (answer := link.step()) is None:
                await _can_go_on(link)
    except TimeoutError:
        raise AnalysisLostError(f"the analysis took longer than {SECONDS:g} s") from None
    return answer


async def _can_go_on(link: Link) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    add, remove = loop.add_reader, loop.remove_reader
    if link.wants_to_send:
        add, remove = loop.add_writer, loop.remove_writer
    add(link.fileno(), _set, ready)
    try:
        await ready
    finally:
        remove(link.fileno())


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _end(agent: _Agent) -> None:
    link, agent.link = agent.link, None
    if link is not None:
        link.close()


def _forget_failure(loading: asyncio.Future[None]) -> None:
    if not loading.cancelled():
        loading.exception()


def _close_unwanted(forking: asyncio.Future[Link]) -> None:
    if not forking.cancelled() and forking.exception() is None:
        forking.result().close()
