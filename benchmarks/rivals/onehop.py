"""onehop itself, through its library."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.rivals.base import Context, Language, Rival


class Onehop(Rival):
    """``Sandbox`` as it comes."""

    name = "onehop"
    package = "onehop"
    entry = "Sandbox"
    isolation = "own process; Landlock, seccomp, exec once, rlimits, namespaces, nobody"
    jailed = True
    fresh = "process"
    languages = frozenset({"javascript", "typescript"})

    def __init__(self) -> None:
        self._sandbox: Any = None

    async def open(self) -> None:
        onehop = importlib.import_module("onehop")
        self._sandbox = onehop.Sandbox(onehop.SandboxConfig())
        await self._sandbox.__aenter__()

    @asynccontextmanager
    async def run(
        self, code: str, *, context: Context | None = None, language: Language = "javascript"
    ) -> AsyncIterator[Any]:
        result = await self._sandbox.execute(
            code, language=language, timeout=30_000, context=context
        )
        if not result.success:
            raise RuntimeError(result.error)
        yield result.output

    async def aclose(self) -> None:
        await self._sandbox.__aexit__(None, None, None)

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[int]:  # noqa: ARG002 (the pool has its size)
        await asyncio.sleep(1)
        yield self._sandbox.get_config().pool_size
