"""A remover of types, driven from tests that are no coroutines."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from onehop import SandboxConfig
from onehop.source import Prepared, blank, may_be_typed, may_lose_types, prepare
from onehop.workers import WorkerFactory
from onehop.workers._stripper import Stripper

_ATTEMPTS = 5


class Remover:
    """Takes the types out of one program after another, by one stripper in the jail."""

    def __enter__(self) -> Self:
        self._runner = asyncio.Runner()
        self._factory = WorkerFactory((), SandboxConfig().limits(1000))
        self._stripper: Stripper = self._runner.run(self._factory.start_stripper())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._runner:
            self._runner.run(self._stripper.aclose())
            self._runner.run(self._factory.aclose())

    def plain(self, code: str) -> str | None:
        """``code`` without its types; None when that takes more."""
        prepared = prepare(code, "typescript")
        if not isinstance(prepared, Prepared) or not prepared.may_be_plain:
            return None
        if not may_be_typed(prepared.code):
            return prepared.code
        if not may_lose_types(prepared.code):
            return None
        answer = self._runner.run(self._answer(prepared.code))
        return None if answer == b"no" else blank(prepared.code, answer)

    async def _answer(self, code: str) -> bytes:
        """On a busy machine an answer may be late, and a stripper ended that was only slow."""
        for _ in range(_ATTEMPTS):
            answer = await self._stripper.ask(code)
            if answer is not None:
                return answer
            async with asyncio.timeout(10):
                while self._stripper.busy:
                    await asyncio.sleep(0.001)
            if not self._stripper.alive:
                await self._stripper.aclose()
                self._stripper = await self._factory.start_stripper()
        raise AssertionError(f"the stripper has no answer to {code[:1000]!r}")
