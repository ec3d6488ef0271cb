"""What runs the code: an Executor, a Sandbox or an AgentClient, called in its own way."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, Protocol, TypeGuard, runtime_checkable

from onehop.definition import INPUT_SCHEMA, NAME
from onehop.errors import ConfigError, InvalidRequestError
from onehop.inputs.choices import python_name
from onehop.inputs.names import choice
from onehop.runs.callers import Caller
from onehop.types import ExecutionResult


class Runner(Protocol):
    """Runs code. What the code does wrong is a result; cancelling who awaits it ends the run."""

    async def execute(
        self,
        code: str,
        language: str | None = ...,
        timeout: float | None = ...,
        context: dict[str, Any] | None = ...,
        capture_console: bool | None = ...,
        *,
        description: str | None = ...,
    ) -> ExecutionResult:
        """Run ``code`` as the body of an async function that sees ``context``."""


@runtime_checkable
class _Executor(Protocol):
    """Takes the arguments as the model gave them, and repairs what they obviously meant."""

    async def call(self, arguments: Mapping[str, Any], caller: Caller) -> ExecutionResult: ...


@runtime_checkable
class _Client(Protocol):
    """Asks a server, which has an Executor; the agent is the one that its key belongs to."""

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]: ...

    async def connect(self) -> Any: ...


class SyncClient(Protocol):
    """A SyncAgentClient."""

    def call_tool(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call the tool and wait for its result."""


def is_sync(runner: object) -> TypeGuard[SyncClient]:
    """Whether it is called without ``await``."""
    call = getattr(runner, "call_tool", None)
    return call is not None and not inspect.iscoroutinefunction(call)


def check(runner: object, agent_id: str) -> None:
    """Refuse at once what no call could be made with. Raises ConfigError, InvalidRequestError."""
    Caller(agent_id=agent_id)
    if agent_id and hasattr(runner, "connect"):
        raise ConfigError("agent_id", "a client runs code as the agent that its key belongs to")


async def run(runner: Runner, arguments: Mapping[str, Any], agent_id: str) -> ExecutionResult:
    """One call of the tool with its arguments on the wire. Raises what ``runner`` raises."""
    if isinstance(runner, _Executor):
        return await runner.call(arguments, Caller(agent_id=agent_id))
    if isinstance(runner, _Client):
        return decode(await runner.call_tool(NAME, arguments))
    options: dict[str, Any] = {"agent_id": agent_id} if agent_id else {}
    return await runner.execute(**_known(arguments), **options)


def decode(wire: Mapping[str, Any]) -> ExecutionResult:
    """A server's answer; what a newer server adds is left out."""
    return ExecutionResult.model_validate(wire, extra="ignore")


def _known(arguments: Mapping[str, Any]) -> dict[str, Any]:
    fields = INPUT_SCHEMA["properties"]
    for name in arguments:
        if name not in fields:
            raise InvalidRequestError(str(name)[:80], "an unknown field", choice(fields, name))
    return {"code": None, **{python_name(name): value for name, value in arguments.items()}}
