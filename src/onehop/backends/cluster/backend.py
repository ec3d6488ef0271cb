"""A Backend whose workers are on the nodes of a Ray cluster."""

from __future__ import annotations

import asyncio
import logging
import math
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final, NamedTuple

from onehop._extras import needed_for
from onehop.backends.base import BackendSession
from onehop.backends.cluster._demand import Demand
from onehop.backends.cluster._members import Members
from onehop.backends.cluster._messages import Ended, Order, Raised, Terms
from onehop.backends.cluster._node import LostRunError, NodeLostError
from onehop.backends.cluster._placement import Placement
from onehop.backends.outputs import Outputs
from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError, SandboxClosedError, SandboxUnavailableError
from onehop.limits import Limits
from onehop.requests import CheckedRequest
from onehop.runs.questions import Desk, Services
from onehop.types import (
    ErrorInfo,
    ExecutionResult,
    Language,
    OnLog,
    OutputPage,
    ResourceUsage,
    code_hash,
)

_OPEN_SECONDS: Final = 120.0
"""For the first node to become ready."""
_LOST: Final = (
    "the node that ran this was lost; the code had asked for tools or shown something by then, "
    "so it was not run again"
)

_log = logging.getLogger(__name__)


class _Ears(NamedTuple):
    """Of the caller's process, for what a run says."""

    on_log: OnLog | None
    desk: Desk | None
    services: Services | None


class RayBackend:
    """Runs each request on the node of a Ray cluster that has most room.

    ``address`` is what ``ray.init`` takes: ``ray://host:10001``, ``host:6379``, or None for the
    cluster that this process is connected to, the one that ``RAY_ADDRESS`` names, or a new one on
    this machine. Each node needs the same version of onehop, and lends the pool there
    ``cpus_per_node`` CPUs (all of its CPUs when None).

    Tools, approvals and console lines stay with the caller's process. A run whose node is lost is
    run once more on another one if its code had asked for no tool and shown no file; its console
    lines may then come twice. With ``autoscale`` Ray's autoscaler is asked for more CPUs while runs
    wait, and a node that had nothing to do for ``idle_seconds`` is given back to the cluster, but
    for the last one. Sessions do not run here: a node keeps no worker between two calls.
    """

    isolations: Final = ("process", "realm")
    """The isolation classes that its nodes offer."""
    has_sessions: Final = False

    def __init__(
        self,
        config: SandboxConfig | None = None,
        *,
        address: str | None = None,
        cpus_per_node: float | None = None,
        autoscale: bool = False,
        idle_seconds: float = 60.0,
    ) -> None:
        self._config = config or SandboxConfig()
        self._address = address
        self._cpus_per_node = cpus_per_node
        self._autoscale = autoscale
        self._idle_seconds = idle_seconds
        self._outputs = Outputs(self._config.kept_outputs)
        self._members: Members | None = None
        self._placement = Placement(self._nodes, self._config.max_queue)
        self._running: set[asyncio.Task[Any]] = set()
        self._ray: Any = None
        self._connected = False

    @property
    def ready(self) -> bool:
        """Whether a node takes runs."""
        return self._members is not None and bool(self._members.open_nodes)

    @property
    def nodes(self) -> dict[str, int]:
        """Runs on each node that is ready, by the node's id."""
        members = [] if self._members is None else self._members.open_nodes
        return {node.id: node.used for node in members}

    async def open(self, language: Language = "javascript") -> None:
        """Connect to the cluster, and wait for the first node. Raises SandboxUnavailableError, and
        MissingExtraError without Ray."""
        with needed_for("Running on Ray"):
            import ray
            import ray.util.scheduling_strategies
        self._ray = ray
        await self._connect()
        self._members = Members(
            ray,
            _given(self._config),
            cpus_per_node=self._cpus_per_node,
            demand=self._demand() if self._autoscale else None,
            on_open=self._placement.serve,
        )
        self._members.start(language)
        try:
            await self._first_node(self._members)
        except BaseException:
            await self.aclose()
            raise

    def _demand(self) -> Demand:
        from ray.autoscaler.sdk import request_resources

        def request(cpus: float) -> None:
            request_resources(num_cpus=math.ceil(cpus))

        return Demand(request, lambda: self._placement.waiting, self._idle_seconds)

    async def _connect(self) -> None:
        if self._ray.is_initialized():
            return
        try:
            await asyncio.to_thread(self._init)
        except (ConnectionError, OSError, RuntimeError, ValueError) as error:
            raise SandboxUnavailableError(f"cannot connect to Ray: {error}") from error
        self._connected = True

    def _init(self) -> None:
        """In a thread: it takes a second, and leaves the host's own signal handlers alone there,
        about which it would warn."""
        with _quiet("ray._private.worker"):
            self._ray.init(
                self._address,
                configure_logging=False,
                include_dashboard=False if self._address is None else None,
            )

    async def _first_node(self, members: Members) -> None:
        try:
            async with asyncio.timeout(_OPEN_SECONDS):
                while not members.open_nodes:
                    members.changed.clear()
                    await members.changed.wait()
                    if members.trouble is not None and not members():
                        raise members.trouble
        except TimeoutError:
            raise SandboxUnavailableError(
                f"no node of the cluster became ready within {_OPEN_SECONDS:g} s: "
                "each needs onehop and free CPUs"
            ) from None

    async def run(
        self,
        request: CheckedRequest,
        limits: Limits,
        agent: str,
        on_log: OnLog | None = None,
        desk: Desk | None = None,
        services: Services | None = None,
    ) -> ExecutionResult:
        """See Backend.run."""
        if self._members is None:
            raise SandboxClosedError("the sandbox is closed")
        terms = None if desk is None else Terms.of(desk)
        hears_lines, is_served = on_log is not None, services is not None
        order = Order(uuid.uuid4().hex, request, limits, agent, hears_lines, terms, is_served)
        ears = _Ears(on_log, desk, services)
        running = asyncio.ensure_future(self._twice(self._members, order, ears))
        self._running.add(running)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if running.cancelled() or not running.cancel():
                return _cancelled(request)
            await asyncio.wait({running})
            raise
        finally:
            self._running.discard(running)

    async def _twice(self, members: Members, order: Order, ears: _Ears) -> ExecutionResult:
        try:
            return await self._once(members, order, ears)
        except LostRunError as error:
            if error.has_asked:
                return _failed(order.request, "internal", "NodeLostError", _LOST)
            _log.warning("a node was lost; its run %s is run again", order.run_id)
        try:
            return await self._once(members, order, ears)
        except LostRunError:
            message = "two nodes were lost one after the other while they ran this"
            return _failed(order.request, "internal", "NodeLostError", message)

    async def _once(self, members: Members, order: Order, ears: _Ears) -> ExecutionResult:
        node = await self._placement.take(order.agent)
        try:
            return self._result(await node.run(order, *ears), order.agent)
        except LostRunError:
            members.lose(node)
            raise
        finally:
            self._placement.give_back(node)

    async def compile(self, code: str, agent: str) -> str:
        """See Compiling. On a node; on another one if that is lost."""
        for _ in range(2):
            with suppress(NodeLostError):
                return await self._compile_once(code, agent)
        raise SandboxUnavailableError(
            "two nodes were lost one after the other while they compiled TypeScript"
        )

    async def _compile_once(self, code: str, agent: str) -> str:
        if self._members is None:
            raise SandboxClosedError("the sandbox is closed")
        members, node = self._members, await self._placement.take(agent)
        try:
            compiled: str = await node.compile(code, agent)
        except NodeLostError:
            members.lose(node)
            raise
        else:
            return compiled
        finally:
            self._placement.give_back(node)

    def _result(self, ended: Ended, agent: str) -> ExecutionResult:
        """With a large output moved to this process, so that it outlives its node."""
        result = ended.result
        if isinstance(result, Raised):
            raise result.error()
        if ended.kept is None:
            return result
        identifier = self._outputs.of(agent).keep(ended.kept.text, complete=ended.kept.complete)
        return result.model_copy(update={"persisted_output_id": identifier})

    def _nodes(self) -> list[Any]:
        return [] if self._members is None else self._members()

    async def open_session(self, agent: str) -> BackendSession:  # noqa: ARG002
        """Refuse: no worker is kept on a node between two runs. Raises InvalidRequestError."""
        allowed = "left out with this backend (RayBackend), which has no sessions"
        raise InvalidRequestError("session", "one", allowed)

    async def restart(self) -> None:
        """Replace onehop's process on each node, one after another, when its runs have ended: for a
        new version, or settings that only a start takes. Other nodes take the runs meanwhile."""
        if self._members is not None:
            await self._members.restart()

    def reconfigure(self, config: SandboxConfig) -> None:
        """See Backend.reconfigure."""
        self._config = config
        if self._members is not None:
            self._members.reconfigure(_given(config))

    def read_output(self, identifier: str, offset: int, limit: int) -> OutputPage:
        """See Backend.read_output."""
        return self._outputs.read(identifier, offset, limit)

    async def aclose(self) -> None:
        """See Backend.aclose. Ends the connection to Ray, if ``open`` has made it."""
        members, self._members = self._members, None
        self._placement.refuse_all(SandboxClosedError("the sandbox is closed"))
        for running in self._running:
            running.cancel()
        if self._running:
            await asyncio.wait(set(self._running))
        if members is not None:
            await members.aclose()
        self._outputs.clear()
        if self._connected:
            self._connected = False
            await asyncio.to_thread(self._ray.shutdown)


@contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Without warnings of this logger."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _given(config: SandboxConfig) -> Mapping[str, Any]:
    """The settings that somebody gave; a node fills in the others, and those of a machine."""
    return config.model_dump(include=set(config.model_fields_set) - {"backend", "deno"})


def _cancelled(request: CheckedRequest) -> ExecutionResult:
    return _failed(request, "cancelled", "CancelledError", "the run was cancelled before it ended")


def _failed(request: CheckedRequest, kind: Any, name: str, message: str) -> ExecutionResult:
    error = ErrorInfo(type=kind, name=name, message=message)
    return ExecutionResult(
        success=False,
        status="failed",
        code_hash=code_hash(request.request.code),
        resource_usage=ResourceUsage(memory=0),
        error=error.headline,
        error_info=error,
        isolation=request.isolation,
    )
