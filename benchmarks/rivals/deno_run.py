"""``deno run``: a new Deno process for each run, as a script that shells out would have it."""

from __future__ import annotations

import asyncio
import importlib
import json
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.rivals.base import Context, Language, Rival, as_call

_FLAGS = ["--no-prompt", "--no-config", "--no-remote", "--no-npm", "--no-lock", "--quiet"]


class DenoRun(Rival):
    """The code goes in on standard input: a file or a data: URL took the same time or more."""

    name = "deno run"
    package = "deno"
    entry = "find_deno_bin"
    isolation = "own process; Deno's permissions only, no OS sandbox"
    fresh = "process"
    languages = frozenset({"javascript", "typescript"})

    def __init__(self) -> None:
        self._binary = ""

    async def open(self) -> None:
        self._binary = importlib.import_module("deno").find_deno_bin()

    @asynccontextmanager
    async def run(
        self, code: str, *, context: Context | None = None, language: Language = "javascript"
    ) -> AsyncIterator[Any]:
        process = await self._start(language)
        source = f"console.log(JSON.stringify({as_call(code, context)}))"
        output, errors = await process.communicate(source.encode())
        if process.returncode:
            raise RuntimeError(errors.decode(errors="replace").strip())
        yield json.loads(output)

    async def _start(self, language: Language) -> Process:
        extension = "ts" if language == "typescript" else "js"
        return await asyncio.create_subprocess_exec(
            self._binary,
            "run",
            *_FLAGS,
            f"--ext={extension}",
            "-",
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )

    async def aclose(self) -> None:
        """Nothing stays open between runs."""

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[int]:
        processes = [await self._start("javascript") for _ in range(count)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"setTimeout(() => {}, 3600000)")
            process.stdin.close()
        await asyncio.sleep(0.5)
        try:
            yield count
        finally:
            for process in processes:
                process.kill()
                await process.wait()
