"""``code_execute`` for Pydantic AI, and its tools for the code."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any, cast

from pydantic import ValidationError

from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._given import (
    Effects,
    check_effects,
    description,
    effect_of,
    unfit,
    wrong_arguments,
)
from onehop.adapters._runner import Runner
from onehop.definition import NAME
from onehop.errors import ToolError, ToolFailed
from onehop.tools import Tool as HostTool

with needs("pydantic-ai"):
    from pydantic_ai import ModelRetry, RunContext, Tool, ToolReturn
    from pydantic_ai.exceptions import ApprovalRequired, CallDeferred
    from pydantic_ai.exceptions import ToolFailed as Failed
    from pydantic_ai.toolsets import AbstractToolset, FunctionToolset
    from pydantic_ai.toolsets.abstract import ToolsetTool
    from pydantic_ai.usage import RunUsage


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> Tool[Any]:
    """A tool for ``Agent(tools=[…])``.

    What it returns is text for the model; the part's ``metadata`` is the whole result as a dict.
    """
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> ToolReturn[str]:
        answer = await execute(arguments)
        return ToolReturn(answer.text, metadata=answer.data)

    return Tool.from_schema(code_execute, NAME, description(runner), schema())


async def tools_of(
    tools: AbstractToolset[Any] | Iterable[Tool[Any] | Callable[..., Any]],
    *,
    deps: Any = None,
    effects: Effects = "write",
) -> list[HostTool]:
    """Tools or a toolset of Pydantic AI for ``Sandbox(tools=…)`` or ``AgentClient(tools=…)``: code
    calls them by their names.

    A toolset with a connection is entered, and stays so as long as code may call its tools. The
    tools' ``RunContext`` has ``deps`` and no model: they run outside of an agent. ``effects``
    says what they do to the world, for all or by name. The text of ModelRetry and of the
    framework's ToolFailed reaches the code as a ToolError; of any other exception only an id.

    Raises ConfigError for a tool that wants approval, or whose answer comes from elsewhere.
    """
    toolset = tools if isinstance(tools, AbstractToolset) else FunctionToolset(list(tools))
    found = await toolset.get_tools(_context(deps, ""))
    check_effects(effects, found)
    return [
        _handed(toolset, name, tool, deps, effect_of(name, effects)) for name, tool in found.items()
    ]


def _context(deps: Any, name: str) -> RunContext[Any]:
    """That of a call which no model has made."""
    return RunContext(deps=deps, model=cast("Any", None), usage=RunUsage(), tool_name=name)


def _handed(
    toolset: AbstractToolset[Any], name: str, tool: ToolsetTool[Any], deps: Any, effect: Any
) -> HostTool:
    told = tool.tool_def
    if told.kind != "function":
        raise unfit(name, f"it is of the kind {told.kind!r}, which code cannot call")

    async def call(arguments: dict[str, Any], /) -> Any:
        context = _context(deps, name)
        try:
            checked = tool.args_validator.validate_python(arguments)
            if tool.args_validator_func is not None:
                await _awaited(tool.args_validator_func(context, **checked))
        except (ValidationError, ModelRetry) as error:
            raise wrong_arguments(error) from error
        try:
            return _value(await toolset.call_tool(name, checked, context, tool))
        except (ModelRetry, Failed) as error:
            raise ToolFailed(error.message) from error
        except (ApprovalRequired, CallDeferred) as error:
            words = "the tool wants a person to decide, or answers later: code cannot wait for that"
            raise ToolError("blocked", words) from error

    return HostTool(
        name,
        call,
        told.description or "",
        told.parameters_json_schema,
        told.return_schema,
        effect,
    )


async def _awaited(given: Any) -> Any:
    return await given if inspect.isawaitable(given) else given


def _value(returned: Any) -> Any:
    """Without what is for the model alone."""
    return returned.return_value if isinstance(returned, ToolReturn) else returned
