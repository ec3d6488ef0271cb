"""A session as its user holds it: ``async with sandbox.session() as s: await s.execute(…)``."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Protocol, Self

from onehop.types import ExecutionResult


class Runner(Protocol):
    """A Sandbox, an Executor or an AgentClient, as far as sessions go."""

    @property
    def execute(self) -> Callable[..., Coroutine[Any, Any, ExecutionResult]]:
        """Run code in the session that is named."""
        ...

    @property
    def end_session(self) -> Callable[..., Awaitable[bool]]:
        """End it, and drop what is kept with it."""
        ...


def new_name() -> str:
    """Of a session that nobody has named."""
    return f"s-{secrets.token_hex(8)}"


class SessionScope:
    """Calls that share variables. Leaving it ends the session, with all that ``store`` keeps, if it
    was not given a name; one that was lives on until it is idle for too long."""

    def __init__(self, runner: Runner, name: str | None, **agent: Any) -> None:
        self._runner = runner
        self._agent = agent
        self._is_named = name is not None
        self.name = name or new_name()
        """What ``session`` is in the arguments of other calls."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_named:
            await self.end()

    def execute(
        self, code: str, *arguments: Any, **named: Any
    ) -> Coroutine[Any, Any, ExecutionResult]:
        """``execute`` in this session: what earlier calls of it have declared is there."""
        return self._runner.execute(code, *arguments, **self._agent, **named, session=self.name)

    async def end(self) -> bool:
        """End it, and drop what ``store`` keeps; False when there was nothing."""
        return await self._runner.end_session(self.name, **self._agent)
