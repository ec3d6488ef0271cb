"""FastMCP's code mode with JavaScript or TypeScript: a sandbox provider."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps
from typing import Any, Final

from onehop.adapters._answer import REFUSALS, answer, refusal
from onehop.adapters._frameworks import needs
from onehop.adapters._rounds import Program, TooManyCallsError, run_in_rounds
from onehop.adapters._runner import Runner, check, run
from onehop.analysis import BlockingAnalyst
from onehop.config import SandboxConfig
from onehop.errors import InvalidRequestError
from onehop.inputs.languages import DEFAULT, language_named
from onehop.types import ExecutionResult, Language

with needs("fastmcp"):
    from fastmcp.exceptions import FastMCPError, NotFoundError, ToolError
    from fastmcp.experimental.transforms.code_mode import CodeMode
    from fastmcp.tools.base import Tool, ToolResult

_DESCRIPTION: Final = """\
Run {language} that chains calls of tools. `await call_tool(name, params)` is in scope; prefer \
returning the final answer from a single program.

- The code is the body of an async function: use `return` to produce output.
- Make calls that do not need one another at once: `await Promise.all([…])`.
- The code runs from its start again after each round of calls, with the answers so far: what it \
passes to `call_tool` must not depend on the clock or on chance.
- Nothing else is within reach: no network, files or modules.
"""
_NAMES: Final[dict[Language, str]] = {"javascript": "JavaScript", "typescript": "TypeScript"}


class OnehopSandboxProvider:
    """Runs what a model wrote for ``CodeMode(sandbox_provider=…)``.

    ``timeout`` is in ms, for each round of the code (see ``_rounds``). Raises ConfigError and
    InvalidRequestError for an ``agent_id`` or a ``language`` that no call can be made with.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        language: str | None = None,
        timeout: float | None = None,
        agent_id: str = "",
    ) -> None:
        check(runner, agent_id)
        self._runner = runner
        self._agent_id = agent_id
        self._analyst = BlockingAnalyst(SandboxConfig().allow_degraded)
        self._options: dict[str, Any] = {"language": _checked(language)}
        if timeout is not None:
            self._options["timeout"] = timeout

    async def run(
        self,
        code: str,
        *,
        inputs: dict[str, Any] | None = None,
        external_functions: dict[str, Callable[..., Any]] | None = None,
    ) -> Any:
        """What the code returns; ``inputs`` are its ``context``. Where there are warnings, a
        ToolResult that has them beside the value, in its text and in its structured content.

        Raises ToolError with the text that a model reads when it fails or is refused.
        """
        functions = {name: _called(each) for name, each in (external_functions or {}).items()}
        refused = (FastMCPError, NotFoundError)
        try:
            program = await asyncio.to_thread(
                Program, code, self._options["language"], list(functions), self._analyst
            )
            result = await run_in_rounds(self._execute, program, inputs or {}, functions, refused)
        except REFUSALS as error:
            raise ToolError(refusal(error).text) from None
        except TooManyCallsError as error:
            raise ToolError(f"Error: {error}") from None
        if not result.success or result.output_truncated:
            raise ToolError(answer(result).text)
        return _with_warnings(result) if result.warnings else result.output

    async def _execute(self, code: str, context: dict[str, Any]) -> ExecutionResult:
        arguments = {**self._options, "code": code, "context": context}
        return await run(self._runner, arguments, self._agent_id)


def code_mode(
    runner: Runner,
    *,
    language: str | None = None,
    timeout: float | None = None,
    agent_id: str = "",
    **options: Any,
) -> CodeMode:
    """A transform for ``FastMCP(transforms=[…])``; ``options`` are those of ``CodeMode``."""
    provider = OnehopSandboxProvider(runner, language=language, timeout=timeout, agent_id=agent_id)
    name = _NAMES[_checked(language)]
    options.setdefault("execute_description", _DESCRIPTION.format(language=name))
    return _ScriptMode(name, sandbox_provider=provider, **options)


def _checked(language: str | None) -> Language:
    named = DEFAULT if language is None else language_named(language)
    if named is None:
        raise InvalidRequestError("language", repr(language)[:80], " or ".join(map(repr, _NAMES)))
    return named


class _ScriptMode(CodeMode):
    """Speaks of its language where CodeMode speaks of Python."""

    def __init__(self, language: str, **options: Any) -> None:
        super().__init__(**options)
        self._words = f"The body of an async function in {language}, which may await call_tool"

    async def transform_tools(self, tools: Sequence[Tool]) -> Sequence[Tool]:
        shown = await super().transform_tools(tools)
        return [self._told(tool) if tool.name == self.execute_tool_name else tool for tool in shown]

    def _told(self, tool: Tool) -> Tool:
        code = {**tool.parameters["properties"]["code"], "description": self._words}
        parameters = {**tool.parameters, "properties": {"code": code}}
        return tool.model_copy(update={"parameters": parameters})


def _with_warnings(result: ExecutionResult) -> ToolResult:
    data = {"result": result.output, "warnings": result.warnings}
    return ToolResult(answer(result).text, structured_content=data)


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, for which wrong arguments are the code's mistake."""
    binds = partial(inspect.signature(function).bind)

    @wraps(function)
    def call(*args: Any) -> Any:
        try:
            binds(*args)
        except TypeError as error:
            raise ToolError(f"{function.__name__}: {error}") from None
        return function(*args)

    return call
