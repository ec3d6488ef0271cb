"""modebox: QuickJS compiled to WebAssembly, in this process."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.rivals.base import Context, Language, Rival

_WITH_CONTEXT = """
const context = JSON.parse(await load());
return JSON.stringify((() => {
%s
})());
"""


class Modebox(Rival):
    """One ``Runner``; each ``run`` gets a new WebAssembly instance.

    Data crosses as JSON text, which took a third of the time of its own codec.
    """

    name = "modebox"
    package = "modebox"
    entry = "Runner"
    isolation = "WebAssembly, in the host's process"
    fresh = "context"
    languages = frozenset({"javascript", "typescript"})

    def __init__(self) -> None:
        self._runner: Any = None

    async def open(self) -> None:
        self._runner = importlib.import_module("modebox").Runner(limits={"timeout_ms": 30_000})

    @asynccontextmanager
    async def run(
        self, code: str, *, context: Context | None = None, language: Language = "javascript"
    ) -> AsyncIterator[Any]:
        typescript = language == "typescript"
        if context is None:
            plain = await self._runner.run(code, mode="function", typescript=typescript)
            yield plain.value
        else:
            source = _WITH_CONTEXT % code
            load = {"load": lambda: json.dumps(context)}
            result = await self._runner.run(
                source, mode="function", typescript=typescript, host_functions=load
            )
            yield json.loads(result.value)

    async def aclose(self) -> None:
        self._runner.close()

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[int]:
        release = asyncio.Event()
        runs = [asyncio.create_task(self._wait_inside(release)) for _ in range(count)]
        await asyncio.sleep(0.5)
        try:
            yield count
        finally:
            release.set()
            await asyncio.gather(*runs)

    async def _wait_inside(self, release: asyncio.Event) -> None:
        await self._runner.run("await hold()", host_functions={"hold": release.wait})
