"""What the benchmarks ask of a sandbox, ours and the others."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from importlib import metadata
from importlib.util import find_spec
from typing import Any, ClassVar, Literal

Language = Literal["javascript", "typescript"]
Context = Mapping[str, Any]


class Rival(ABC):
    """One way to run code: the body of a function that sees ``context`` and returns JSON data.

    The bodies here hold no ``await``, so that a rival may take its fastest path. Where it has
    several, the adapter takes the fastest that runs each body in a fresh process or context.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    entry: ClassVar[str]
    """The name that an application imports from it."""
    isolation: ClassVar[str]
    """What protects the host."""
    jailed: ClassVar[bool] = False
    """Whether the kernel confines the code, in a process of its own."""
    fresh: ClassVar[Literal["process", "context"]]
    """What is new in each run."""
    blocking: ClassVar[bool] = False
    """A run blocks its thread, so concurrent runs need one thread each."""
    languages: ClassVar[frozenset[Language]] = frozenset({"javascript"})

    @abstractmethod
    async def open(self) -> None:
        """Get ready for the first run, as an application would when it starts."""

    @abstractmethod
    def run(
        self, code: str, *, context: Context | None = None, language: Language = "javascript"
    ) -> AbstractAsyncContextManager[Any]:
        """Run ``code``; entering gives its value, leaving ends what the run left behind."""

    async def settle(self) -> None:  # noqa: B027 (most keep nothing warm)
        """Wait until the next run finds everything warm."""

    @abstractmethod
    async def aclose(self) -> None: ...

    @abstractmethod
    def hold(self, count: int) -> AbstractAsyncContextManager[int]:
        """Keep about ``count`` idle sandboxes alive; entering gives how many there are."""

    @classmethod
    def version(cls) -> str | None:
        """The installed version, or None."""
        try:
            return metadata.version(cls.package)
        except metadata.PackageNotFoundError:
            on_path = find_spec(cls.package.replace("-", "_")) is not None
            return "source tree" if on_path else None


def literal(context: Context) -> str:
    """``context`` as a JavaScript expression; engines parse JSON faster than source."""
    return f"JSON.parse({json.dumps(json.dumps(context, separators=(',', ':')))})"


def as_call(code: str, context: Context | None = None) -> str:
    """An expression that runs the function body ``code``."""
    argument = literal(context) if context else ""
    return f"((context) => {{\n{code}\n}})({argument})"
