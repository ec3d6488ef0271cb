"""``code_execute`` for the OpenAI Agents SDK, and its tools for the code."""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import uuid
from collections.abc import Iterable
from typing import Any

from onehop.adapters._answer import Answer, refusal
from onehop.adapters._call import CodeExecute, schema
from onehop.adapters._frameworks import needs
from onehop.adapters._given import Effects, check_effects, description, effect_of, unfit
from onehop.adapters._runner import Runner
from onehop.definition import NAME
from onehop.errors import InvalidRequestError, ToolError, ToolFailed
from onehop.tools import Tool

with needs("openai-agents"):
    from agents import FunctionTool, ModelBehaviorError, ToolOutputText, default_tool_error_function
    from agents.tool import (
        resolve_function_tool_failure_error_function,
        set_function_tool_failure_error_function,
    )
    from agents.tool_context import ToolContext


def code_execute_tool(runner: Runner, *, agent_id: str = "") -> FunctionTool:
    """A tool for ``Agent(tools=[…])``, whose output is text for the model.

    Its schema is not in strict mode, which has no room for ``context``: an object of any shape.
    """
    execute = CodeExecute(runner, agent_id)

    async def invoke(_context: Any, arguments: str) -> str:
        return (await _parsed(execute, arguments)).text

    return FunctionTool(
        name=NAME,
        description=description(runner),
        params_json_schema=schema(),
        on_invoke_tool=invoke,
        strict_json_schema=False,
    )


async def _parsed(execute: CodeExecute, arguments: str) -> Answer:
    try:
        call = json.loads(arguments or "{}")
    except ValueError as error:
        return refusal(InvalidRequestError("arguments", str(error), "a JSON object"))
    if not isinstance(call, dict):
        return refusal(InvalidRequestError("arguments", arguments[:80], "a JSON object"))
    return await execute(call)


def tools_of(
    tools: Iterable[FunctionTool], *, context: Any = None, effects: Effects = "write"
) -> list[Tool]:
    """Function tools of the SDK for ``Sandbox(tools=…)`` or ``AgentClient(tools=…)``: code calls
    them by their names.

    ``context`` is what they get as the context of the run. ``effects`` says what they do to the
    world, for all or by name. What a ``failure_error_function`` of a tool's own makes of an
    exception reaches the code as a ToolError; without one, only an id does. One that is not enabled
    is left out.

    Raises ConfigError for a tool that wants approval, that has guardrails, or that is enabled for
    some agents only: called from code, it would be called without them.
    """
    listed = [tool for tool in tools if tool.is_enabled is not False]
    check_effects(effects, (tool.name for tool in listed))
    return [_handed(tool, context, effect_of(tool.name, effects)) for tool in listed]


def _handed(tool: FunctionTool, context: Any, effect: Any) -> Tool:
    _refuse_guarded(tool)
    plain = _raising(tool)

    async def call(arguments: dict[str, Any], /) -> Any:
        text = json.dumps(arguments)
        run = ToolContext(
            context=context,
            tool_name=tool.name,
            tool_call_id=uuid.uuid4().hex,
            tool_arguments=text,
        )
        try:
            async with asyncio.timeout(tool.timeout_seconds):
                return _value(tool, await plain.on_invoke_tool(run, text))
        except ModelBehaviorError as error:
            raise ToolError("invalid_arguments", str(error)[:1000]) from error
        except TimeoutError as error:
            words = f"the tool did not answer within its {tool.timeout_seconds} s"
            raise ToolError("timeout", words, effect="unknown") from error

    return Tool(
        tool.name,
        call,
        tool.description,
        tool.params_json_schema,
        tool.output_json_schema,
        effect,
    )


def _refuse_guarded(tool: FunctionTool) -> None:
    if tool.needs_approval:
        words = "it wants approval, which is not asked for here: use a rule, and a tool without it"
        raise unfit(tool.name, words)
    if tool.tool_input_guardrails or tool.tool_output_guardrails:
        raise unfit(tool.name, "it has guardrails, which would not be asked")
    if callable(tool.is_enabled):
        raise unfit(tool.name, "whether it is enabled depends on the agent, which is not known")


def _raising(tool: FunctionTool) -> FunctionTool:
    """The same, but a failure is an exception and not a text that looks like any other value."""
    words_of = resolve_function_tool_failure_error_function(tool)
    if words_of is None or words_of is default_tool_error_function:
        return set_function_tool_failure_error_function(copy.copy(tool), None)

    async def fail(context: Any, error: Exception) -> str:
        if isinstance(error, ModelBehaviorError):
            raise error
        told = words_of(context, error)
        raise ToolFailed(str(await told if inspect.isawaitable(told) else told)) from error

    return set_function_tool_failure_error_function(copy.copy(tool), fail)


def _value(tool: FunctionTool, output: Any) -> Any:
    if isinstance(output, ToolOutputText):
        return output.text
    if tool.output_json_schema is not None and isinstance(output, str):
        return json.loads(output)
    return output
