"""quickjs-rs: QuickJS compiled to WebAssembly and run by wasmtime, in this process."""

from __future__ import annotations

import importlib
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from benchmarks.rivals.base import Context, Language, Rival, as_call


class QuickjsRs(Rival):
    """A new ``Runtime`` and ``Context`` for each run.

    Values cross as JSON text: its own conversion walks every property through WebAssembly and
    took 3 s for 1 MB here. ``eval`` is quicker than ``eval_async``.
    """

    name = "quickjs-rs"
    package = "quickjs-rs"
    entry = "Runtime"
    isolation = "WebAssembly, in the host's process"
    fresh = "context"
    blocking = True
    languages = frozenset({"javascript", "typescript"})

    def __init__(self) -> None:
        self._module: Any = None

    async def open(self) -> None:
        self._module = importlib.import_module("quickjs_rs")

    @asynccontextmanager
    async def run(
        self, code: str, *, context: Context | None = None, language: Language = "javascript"
    ) -> AsyncIterator[Any]:
        with self._module.Runtime() as runtime, runtime.new_context(timeout=30) as inside:
            call = f"JSON.stringify({as_call(code, context)})"
            yield json.loads(inside.eval(call, transform_flags=self._transforms(language)))

    def _transforms(self, language: Language) -> Any:
        if language == "javascript":
            return None
        transforms = self._module.SourceTransform
        return transforms.SOURCE_TS | transforms.STRIP_TYPESCRIPT

    async def aclose(self) -> None:
        self._module = None

    @asynccontextmanager
    async def hold(self, count: int) -> AsyncIterator[int]:
        with ExitStack() as stack:
            for _ in range(count):
                runtime = stack.enter_context(self._module.Runtime())
                stack.enter_context(runtime.new_context()).eval("1")
            yield count
