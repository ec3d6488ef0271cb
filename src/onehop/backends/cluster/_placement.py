"""Which node a run goes to: the one with the largest share of free slots; agents take turns where
there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from onehop.backends.cluster._node import Node
from onehop.errors import OnehopError, Overloaded
from onehop.workers import FairQueue

_RETRY_SECONDS = 1.0


class Placement:
    """``nodes`` gives those there are; ``max_queue`` runs may wait for a slot."""

    def __init__(self, nodes: Callable[[], Iterable[Node]], max_queue: int) -> None:
        self._nodes = nodes
        self._max_queue = max_queue
        self._queue: FairQueue[asyncio.Future[Node]] = FairQueue()

    @property
    def waiting(self) -> int:
        """Runs that have no node."""
        return len(self._queue)

    async def take(self, agent: str) -> Node:
        """A slot for a run of ``agent``. Raises Overloaded, and what ``refuse_all`` gives."""
        node = None if self._queue else self._freest()
        if node is None:
            node = await self._wait(agent)
        else:
            node.occupy()
        return node

    async def _wait(self, agent: str) -> Node:
        if len(self._queue) >= self._max_queue:
            raise Overloaded(len(self._queue), _RETRY_SECONDS)
        turn: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
        self._queue.push(agent, turn)
        try:
            return await turn
        except asyncio.CancelledError:
            self._queue.discard(agent, turn)
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.give_back(turn.result())
            raise

    def give_back(self, node: Node) -> None:
        """Its run has ended."""
        node.release()
        self.serve()

    def serve(self) -> None:
        """Give free slots to those that wait."""
        while self._queue and (node := self._freest()) is not None:
            agent = self._queue.turn(lambda _: True)
            assert agent is not None  # noqa: S101 - the queue is not empty
            turn = self._queue.pop(agent)
            if not turn.done():
                node.occupy()
                turn.set_result(node)

    def refuse_all(self, error: OnehopError) -> None:
        """Fail all that wait."""
        while (agent := self._queue.turn(lambda _: True)) is not None:
            turn = self._queue.pop(agent)
            if not turn.done():
                turn.set_exception(error)

    def _freest(self) -> Node | None:
        free = [node for node in self._nodes() if node.free > 0]
        return min(free, key=lambda node: node.load, default=None)
