"""The pool of workers on one node of the cluster, in a process that Ray starts: an actor.

Nothing here knows Ray; the methods are what the caller's process calls.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from onehop._version import onehop_version
from onehop.analysis import Analyst
from onehop.backends.cluster._desk import RemoteDesk
from onehop.backends.cluster._mailbox import Mailbox
from onehop.backends.cluster._messages import Answer, Ended, KeptOutput, Opened, Order, Raised, Said
from onehop.backends.cluster._services import RemoteServices
from onehop.backends.local import LocalBackend
from onehop.config import SandboxConfig
from onehop.errors import OnehopError
from onehop.types import ExecutionResult, Language, LogEntry

_POLL_SECONDS: Final = 5.0
"""How long the caller's process waits at a time for what a run says."""
_POOL_FOR_EACH_CPU: Final = 2
_RUNS_FOR_EACH_CPU: Final = 8


class NodePool:
    """Runs what it is ordered to, on this node.

    ``settings`` are those of the caller's sandbox that were given; the node's own environment and
    ``onehop.toml`` fill in the others, and ``cpus``, the CPUs that Ray has given it, decide how
    much it runs at once where neither says.
    """

    def __init__(self, settings: Mapping[str, Any], cpus: float) -> None:
        self._cpus = cpus
        config = self._config(settings)
        self._analyst = Analyst(config.allow_degraded)
        self._backend = LocalBackend(config, analyst=self._analyst)
        self._slots = config.max_concurrency
        self._mailboxes: dict[str, Mailbox] = {}
        self._desks: dict[str, RemoteDesk] = {}
        self._tasks: dict[str, asyncio.Task[Any]] = {}

    def _config(self, settings: Mapping[str, Any]) -> SandboxConfig:
        config = SandboxConfig(**settings)
        given = config.model_fields_set
        sizes = {"pool_size": _POOL_FOR_EACH_CPU, "max_concurrency": _RUNS_FOR_EACH_CPU}
        own = {
            name: max(1, round(share * self._cpus))
            for name, share in sizes.items()
            if name not in given
        }
        return config.replace(**own)

    async def open(self, language: Language) -> Opened | Raised:
        """Start the first worker, and what the first program needs if it is in ``language``."""
        self._analyst.open()
        try:
            await self._backend.open(language)
        except OnehopError as error:
            await self._analyst.aclose()
            return Raised.of(error)
        return Opened(onehop_version(), self._slots)

    async def run(self, order: Order) -> Ended:
        """Run it to the end."""
        mailbox = self._mailboxes.setdefault(order.run_id, Mailbox())
        task = asyncio.ensure_future(self._run(order, mailbox))
        self._tasks[order.run_id] = task
        result: ExecutionResult | Raised
        try:
            result = await task
        except OnehopError as error:
            result = Raised.of(error)
        finally:
            task.cancel()
            self._forget(order.run_id)
        return Ended(result, self._kept(result), mailbox.empty(), mailbox.said)

    async def compile(self, code: str, agent: str) -> str | Raised:
        """The JavaScript of a program in TypeScript, which is not run."""
        try:
            return await self._backend.compile(code, agent)
        except OnehopError as error:
            return Raised.of(error)

    async def _run(self, order: Order, mailbox: Mailbox) -> ExecutionResult:
        desk = None
        if order.terms is not None:
            desk = self._desks[order.run_id] = RemoteDesk(order.terms, mailbox.put)

        def hear(line: LogEntry) -> None:
            mailbox.put(line)

        on_log = hear if order.hears_lines else None
        services = RemoteServices(mailbox.put) if order.is_served else None
        return await self._backend.run(
            order.request, order.limits, order.agent, on_log, desk, services
        )

    def _forget(self, run_id: str) -> None:
        self._tasks.pop(run_id, None)
        self._desks.pop(run_id, None)
        if mailbox := self._mailboxes.pop(run_id, None):
            mailbox.close()

    def _kept(self, result: ExecutionResult | Raised) -> KeptOutput | None:
        if isinstance(result, Raised) or not result.persisted_output_id:
            return None
        page = self._backend.read_output(result.persisted_output_id, 0, 1 << 30)
        return KeptOutput(page.text, page.complete)

    async def hear(self, run_id: str) -> tuple[Said, ...]:
        """What a run has said since the last time. Ray may bring this before its order."""
        mailbox = self._mailboxes.setdefault(run_id, Mailbox())
        messages = await mailbox.fetch(_POLL_SECONDS)
        if run_id not in self._tasks and self._mailboxes.get(run_id) is mailbox:
            del self._mailboxes[run_id]  # it has ended, or never came
        return messages

    async def answer(self, run_id: str, answer: Answer) -> None:
        """Give the code of a run what its desk says."""
        if desk := self._desks.get(run_id):
            desk.answer(answer)

    async def cancel(self, run_id: str) -> None:
        """Kill a run."""
        if task := self._tasks.get(run_id):
            task.cancel()

    async def reconfigure(self, settings: Mapping[str, Any]) -> None:
        """Bound the runs that start from now on by ``settings``."""
        self._backend.reconfigure(self._config(settings))

    async def aclose(self) -> None:
        """End every run."""
        await self._backend.aclose()
        await self._analyst.aclose()
