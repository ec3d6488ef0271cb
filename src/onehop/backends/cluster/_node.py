"""One node of the cluster as the caller's process knows it: the actor there, and how much of it is
in use."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Final, Literal

from onehop._version import onehop_version
from onehop.backends.cluster._messages import Ended, Opened, Order, Raised
from onehop.backends.cluster._relay import Relay
from onehop.errors import SandboxUnavailableError
from onehop.runs.questions import Desk, Services
from onehop.types import Language, OnLog

State = Literal["starting", "open", "draining", "gone"]
_CLOSE_SECONDS: Final = 10.0


class NodeLostError(Exception):
    """The node, or onehop's process there, has ended."""


class Node:
    """``actor`` is a handle of a ``NodePool``."""

    def __init__(self, node_id: str, cpus: float, actor: Any, ray: Any) -> None:
        self.id = node_id
        self.cpus = cpus
        self.state: State = "starting"
        self.slots = 0
        self.used = 0
        self._actor = actor
        self._ray = ray
        self._empty = asyncio.Event()
        self._empty.set()
        self.idle_since = math.inf
        """By the event loop's clock; infinite while it starts or runs something."""

    @property
    def free(self) -> int:
        """Runs that could begin here now."""
        return self.slots - self.used if self.state == "open" else 0

    @property
    def load(self) -> float:
        """The share of its slots that is in use."""
        return self.used / max(1, self.slots)

    def occupy(self) -> None:
        """One more run."""
        self.used += 1
        self._empty.clear()
        self.idle_since = math.inf

    def release(self) -> None:
        """One less."""
        self.used -= 1
        if not self.used:
            self._empty.set()
            self.idle_since = asyncio.get_running_loop().time()

    async def open(self, language: Language) -> None:
        """Wait until its pool is ready. Raises NodeLostError, and what hinders the pool."""
        answer: Opened | Raised = await self._ask(self._actor.open.remote(language))
        if isinstance(answer, Raised):
            raise answer.error()
        if answer.version != onehop_version():
            raise SandboxUnavailableError(
                f"the node {self.id[:8]} has onehop {answer.version} and this process has "
                f"{onehop_version()}: install the same version on both"
            )
        self.slots = answer.slots
        self.state = "open"
        self.idle_since = asyncio.get_running_loop().time()

    async def run(
        self,
        order: Order,
        on_log: OnLog | None,
        desk: Desk | None,
        services: Services | None = None,
    ) -> Ended:
        """Run it to the end. Raises LostRunError."""
        relay = Relay(self._actor, self._ask, order.run_id, on_log, desk, services)
        running = asyncio.ensure_future(self._ask(self._actor.run.remote(order)))
        try:
            if order.hears_lines or order.is_served or order.terms is not None:
                running = asyncio.ensure_future(relay.follow(running))
            ended: Ended = await running
        except NodeLostError as error:
            raise LostRunError(has_asked=relay.has_asked) from error
        except asyncio.CancelledError:
            self._actor.cancel.remote(order.run_id)
            raise
        else:
            return ended

    async def compile(self, code: str, agent: str) -> str:
        """See Compiling. Raises NodeLostError."""
        answer: str | Raised = await self._ask(self._actor.compile.remote(code, agent))
        if isinstance(answer, Raised):
            raise answer.error()
        return answer

    async def _ask(self, reference: Any) -> Any:
        answer = asyncio.ensure_future(_wait(reference))
        answer.add_done_callback(_heed)
        try:
            return await asyncio.shield(answer)  # Ray's client takes no cancelled futures
        except self._ray.exceptions.RayActorError as error:
            raise NodeLostError(str(error)) from None

    def reconfigure(self, settings: Mapping[str, Any]) -> None:
        """See Backend.reconfigure."""
        self._actor.reconfigure.remote(settings)

    async def drain(self) -> None:
        """Take no more runs, and wait for those that are here."""
        self.state = "draining"
        await self._empty.wait()

    async def aclose(self) -> None:
        """End its runs and its process."""
        self.state = "gone"
        closing = asyncio.ensure_future(self._ask(self._actor.aclose.remote()))
        await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        if not closing.cancel():
            closing.exception()
        self.kill()

    def kill(self) -> None:
        """End its process now."""
        self.state = "gone"
        self._ray.kill(self._actor)


async def _wait(reference: Any) -> Any:
    return await reference


def _heed(answer: asyncio.Future[Any]) -> None:
    """Nobody may wait for it any more."""
    if not answer.cancelled():
        answer.exception()


class LostRunError(Exception):
    """The node was lost while it ran something."""

    def __init__(self, *, has_asked: bool) -> None:
        super().__init__("the node was lost")
        self.has_asked = has_asked
