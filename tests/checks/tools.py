"""Tools for programs that are checked before they run."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from onehop import ExecutionResult, Sandbox, SandboxConfig, Tool, Tools, tool
from tests.waiting import soon

CONFIG = SandboxConfig(pool_size=1, check_wait=20_000)


@tool(effect="read")
def find_person(
    name: str, limit: int = 3, kind: Literal["staff", "guest"] = "staff"
) -> list[dict[str, Any]]:
    """People by name."""
    return [{"id": number, "name": f"{name} {kind}"} for number in range(limit)]


@tool(effect="write")
def send_mail(to: int, text: str, tags: list[str] | None = None) -> str:
    """Send a mail."""
    return f"{to}: {text} {tags}"


async def _echo(**given: Any) -> Any:
    return given


ECHO = Tool(
    "echo",
    _echo,
    effect="read",
    input_schema={
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "deep": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    output_schema={
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    },
)
TOOLS = Tools(ECHO, crm=[find_person, send_mail])


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[Sandbox]:
    """A sandbox with these tools."""
    async with Sandbox(**{"config": CONFIG, "tools": TOOLS, **options}) as sandbox:
        yield sandbox


async def executed(sandbox: Sandbox, code: str) -> ExecutionResult:
    """The result of a run that was checked: on a busy machine the check may come too late for one,
    which then goes without."""

    async def once() -> ExecutionResult | None:
        result = await sandbox.execute(code)
        return result if is_checked(result) else None

    found: ExecutionResult = await soon(once, "a run that is checked")
    return found


def is_checked(result: ExecutionResult) -> bool:
    """Whether the check was made; a slow machine must not make a test pass."""
    return result.typecheck is not None and result.typecheck.verdict == "checked"
