"""pydeno: V8 in a Python worker process inside an OS sandbox, from its pool of warm workers."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from benchmarks.rivals.base import Context, Language, Rival, as_call


class Pydeno(Rival):
    """``SandboxPool`` as it comes; its V8 then has no JIT.

    ``eval`` on the calling thread is its fastest door: ``AsyncSandboxPool`` took two to three
    times as long here. Data crosses as JSON text, which took half the time of its own codec.
    """

    name = "pydeno"
    package = "pydeno"
    entry = "SandboxPool"
    isolation = "own process; Landlock, seccomp, empty root, nobody; V8 without JIT"
    jailed = True
    fresh = "process"
    blocking = True
    options: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self._pool: Any = None

    async def open(self) -> None:
        pydeno = importlib.import_module("pydeno")
        self._pool = pydeno.SandboxPool(**self.options)

    @asynccontextmanager
    async def run(
        self,
        code: str,
        *,
        context: Context | None = None,
        language: Language = "javascript",  # noqa: ARG002 (pydeno has JavaScript only)
    ) -> AsyncIterator[Any]:
        with self._pool.checkout() as runtime:
            if context is None:
                yield runtime.eval(as_call(code))
            else:
                yield json.loads(runtime.eval(f"JSON.stringify({as_call(code, context)})"))

    async def settle(self) -> None:
        await asyncio.to_thread(self._pool.wait_ready, 30)

    async def aclose(self) -> None:
        self._pool.close()

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[int]:  # noqa: ARG002 (the pool has its size)
        await self.settle()
        yield self._pool.stats()["ready"]


class PydenoJit(Pydeno):
    """The same with the JIT, which pydeno offers and advises against for hostile code."""

    name = "pydeno jit"
    isolation = "own process; Landlock, seccomp, empty root, nobody"
    options: ClassVar[dict[str, Any]] = {"jitless": False}


class PydenoFork(Pydeno):
    """The same with its opt-in fork template: quicker starts, workers share a memory layout."""

    name = "pydeno fork"
    isolation = "as pydeno; workers of one template share its address-space layout"

    async def open(self) -> None:
        importlib.import_module("pydeno").enable_fork_template()
        await super().open()

    async def aclose(self) -> None:
        await super().aclose()
        importlib.import_module("pydeno").disable_fork_template()
