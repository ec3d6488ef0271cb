"""Makes workers: decides the plan once, keeps a spawner alive, starts processes through it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from onehop import guest, jail
from onehop.errors import SandboxUnavailableError
from onehop.limits import Limits
from onehop.workers._process import Worker

if TYPE_CHECKING:
    from onehop.jail import SpawnerProcess

REALMS_CPU_SECONDS: Final = 120.0
"""Of all runs of one process that has realms, beyond what a single run may use. The kernel ends it
then; it is replaced at half of that."""


class _Programs(Mapping[str, list[str]]):
    """Made when they are looked at: most sandboxes need only the first."""

    def __init__(self, deno: str) -> None:
        self._deno = deno
        self._made: dict[str, list[str]] = {}

    def __getitem__(self, name: str) -> list[str]:
        if name not in self._made:
            self._made[name] = [self._deno, *_ARGUMENTS[name]("@HEAP@")]
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_ARGUMENTS)

    def __len__(self) -> int:
        return len(_ARGUMENTS)


_ARGUMENTS: Final = {
    "worker": guest.deno_arguments,
    "realms": guest.realms_arguments,
    "compiler": guest.compiler_arguments,
    "checker": guest.checker_arguments,
}


def deno_programs(path: str | None = None) -> Mapping[str, list[str]]:
    """What Deno is run as: the program and arguments of a worker, of a process that has realms, of
    a compiler and of a checker; ``@HEAP@`` stands for the heap limit in MB.

    Without ``path``, Deno is the one that the package ``deno`` installed. Raises
    SandboxUnavailableError when it is not there.
    """
    return _Programs(_named_deno(path) if path else _installed_deno())


def _named_deno(path: str) -> str:
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        raise SandboxUnavailableError(
            f"ONEHOP_DENO names {path!r}, which is not a program that this user may run"
        )
    return path


def _installed_deno() -> str:
    from deno import find_deno_bin  # other backends do without it

    try:
        return str(find_deno_bin())
    except FileNotFoundError as error:
        raise SandboxUnavailableError(
            f"Deno is not where the Python package 'deno' puts it ({error}): reinstall that "
            "package for this interpreter, or name a Deno 2.9 by ONEHOP_DENO"
        ) from None


class WorkerFactory:
    """Starts workers, and keeps what starts confined processes of Deno. ``ceiling``, which bounds
    every job of a worker, may change between two workers."""

    def __init__(
        self,
        allow_degraded: Collection[str],
        ceiling: Limits,
        programs: Callable[[], jail.Programs] | None = None,
        *,
        copies: bool = True,
        begun: SpawnerProcess | None = None,
    ) -> None:
        """``begun``, from ``jail.begin``, becomes the first spawner."""
        self._begun = begun
        self.ceiling = ceiling
        self._programs = programs or deno_programs
        self._allow_degraded = allow_degraded
        self._copies = copies
        self._launcher: jail.Launcher | None = None
        self._plan: jail.Plan | None = None
        self._starting = asyncio.Lock()

    async def prepare(self) -> None:
        """Decide what processes will be under, ahead of the first one. Raises
        LayerUnavailableError."""
        async with self._starting:
            await self._planned()

    async def start_worker(self) -> Worker:
        """Raises LayerUnavailableError or WorkerStartError."""
        return await Worker.start(await self.launcher(), self.ceiling)

    async def start_realms(self) -> Worker:
        """A process that runs one job after another, each in a realm of its own. Raises
        LayerUnavailableError or WorkerStartError."""
        life = replace(self.ceiling, cpu_seconds=self.ceiling.cpu_seconds + REALMS_CPU_SECONDS)
        return await Worker.start(await self.launcher(), life, "realms")

    async def launcher(self) -> jail.Launcher:
        """What starts confined processes, alive. Raises LayerUnavailableError."""
        async with self._starting:
            if self._launcher is None or not self._launcher.alive:
                await self._replace_launcher()
            assert self._launcher is not None  # noqa: S101 - just made
            return self._launcher

    async def _replace_launcher(self) -> None:
        if self._launcher is not None:
            await self._launcher.aclose()
        plan = await self._planned()
        begun, self._begun = self._begun or jail.begin(asks=False), None
        launcher = jail.launcher(plan, begun)
        await launcher.start()
        self._launcher = launcher

    async def _planned(self) -> jail.Plan:
        if self._plan is None:
            self._begun = self._begun or jail.begin()  # it loads as long as the plan is made
            try:
                self._plan = await self._decide(self._begun)
            except BaseException:
                await self._end_begun()
                raise
        return self._plan

    async def _decide(self, begun: SpawnerProcess | None) -> jail.Plan:
        """Off the event loop, for it asks the kernel and other programs, about 0.1 s."""

        def decide() -> jail.Plan:
            programs = self._programs()
            jail.prepare(programs)  # while the spawner loads
            return jail.decide(
                jail.examine(begun),
                self._allow_degraded,
                programs,
                guest.ENVIRONMENT,
                self._copies,
            )

        with ThreadPoolExecutor(1) as executor:
            return await asyncio.get_running_loop().run_in_executor(executor, decide)

    async def aclose(self) -> None:
        """Stop the spawner and with it every worker that is left."""
        async with self._starting:
            await self._end_begun()
            if self._launcher is not None:
                await self._launcher.aclose()
                self._launcher = None

    async def _end_begun(self) -> None:
        begun, self._begun = self._begun, None
        if begun is not None:
            await begun.aclose()
