"""The nodes of the cluster, followed as they come and go: a pool on each that has CPUs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from onehop.backends.cluster._demand import Demand
from onehop.backends.cluster._node import Node, NodeLostError
from onehop.backends.cluster._pool import NodePool
from onehop.errors import OnehopError
from onehop.types import Language

_LOOK_SECONDS: Final = 1.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0

_log = logging.getLogger(__name__)


class Members:
    """``on_open`` hears when a node has become ready."""

    def __init__(
        self,
        ray: Any,
        settings: Mapping[str, Any],
        *,
        cpus_per_node: float | None,
        demand: Demand | None,
        on_open: Callable[[], None],
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._cpus_per_node = cpus_per_node
        self._demand = demand
        self._on_open = on_open
        self._language: Language = "javascript"
        self._nodes: dict[str, Node] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._pauses: dict[str, float] = {}
        self._not_before: dict[str, float] = {}
        self._watch: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.trouble: OnehopError | None = None
        """Why the last node did not become ready."""

    def __call__(self) -> list[Node]:
        """Those there are now, ready or not."""
        return list(self._nodes.values())

    @property
    def open_nodes(self) -> list[Node]:
        """Those that take runs."""
        return [node for node in self._nodes.values() if node.state == "open"]

    @property
    def changed(self) -> asyncio.Event:
        """Set when a node has become ready, or has failed to."""
        return self._changed

    def start(self, language: Language) -> None:
        """Follow the cluster from now on; each pool starts with what ``language`` needs."""
        self._language = language
        self._watch = asyncio.get_running_loop().create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                _log.exception("cannot see which nodes the cluster has")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> None:
        seen = await asyncio.to_thread(self._ray.nodes)
        alive = {
            each["NodeID"]: each["Resources"].get("CPU", 0.0) for each in seen if each["Alive"]
        }
        for node_id in [known for known in self._nodes if known not in alive]:
            _log.warning("the node %s has left the cluster", node_id[:8])
            self.lose(self._nodes[node_id])
        await self._adapt()
        now = asyncio.get_running_loop().time()
        for node_id, cpus in alive.items():
            may_begin = node_id not in self._nodes and now >= self._not_before.get(node_id, 0)
            if cpus > 0 and may_begin and self._wants_more:
                self._begin(node_id, self._cpus_per_node or cpus)

    @property
    def _wants_more(self) -> bool:
        return self._demand is None or self._demand.wants(self())

    async def _adapt(self) -> None:
        """Have the cluster grow and shrink with what there is to do."""
        if self._demand is None:
            return
        for node in self._demand.idle(self()):
            del self._nodes[node.id]
            await node.aclose()
        await self._demand.ask(self())

    def _begin(self, node_id: str, cpus: float) -> None:
        node = self._nodes[node_id] = Node(node_id, cpus, self._actor(node_id, cpus), self._ray)
        task = asyncio.get_running_loop().create_task(self._open(node))
        self._opening[node_id] = task
        task.add_done_callback(lambda _: self._opening.pop(node_id, None))

    def _actor(self, node_id: str, cpus: float) -> Any:
        here = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(
            node_id, soft=False
        )
        options = {
            "num_cpus": cpus,
            "max_concurrency": 100_000,
            "max_restarts": 0,
            "scheduling_strategy": here,
        }
        return self._ray.remote(NodePool).options(**options).remote(dict(self._settings), cpus)

    async def _open(self, node: Node) -> None:
        try:
            await node.open(self._language)
        except (OnehopError, NodeLostError, self._ray.exceptions.RayError) as error:
            self._fail(node, error)
        else:
            self._pauses.pop(node.id, None)
            self._on_open()
        self._changed.set()

    def _fail(self, node: Node, error: Exception) -> None:
        _log.warning("onehop does not start on the node %s: %s", node.id[:8], error)
        self.trouble = error if isinstance(error, OnehopError) else None
        self.lose(node)

    def lose(self, node: Node) -> None:
        """Forget a node that does not answer; if it is alive, it is tried again after a pause."""
        if self._nodes.get(node.id) is node:
            del self._nodes[node.id]
        pause = self._pauses.get(node.id, _FIRST_PAUSE)
        self._pauses[node.id] = min(2 * pause, _LONGEST_PAUSE)
        self._not_before[node.id] = asyncio.get_running_loop().time() + pause
        node.kill()

    async def restart(self) -> None:
        """Replace the process on each node, one node after another, when its runs have ended."""
        for node in self.open_nodes:
            await node.drain()
            await node.aclose()
            self._begin(node.id, node.cpus)
            await asyncio.gather(*self._opening.values())

    def reconfigure(self, settings: Mapping[str, Any]) -> None:
        """See Backend.reconfigure."""
        self._settings = settings
        for node in self._nodes.values():
            node.reconfigure(settings)

    async def aclose(self) -> None:
        """End all."""
        nodes, self._nodes = self._nodes, {}
        tasks = [*self._opening.values(), *filter(None, [self._watch])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(node.aclose() for node in nodes.values()), return_exceptions=True)
        if self._demand is not None:
            await self._demand.end()
