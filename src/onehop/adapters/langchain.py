"""``code_execute`` for LangChain and LangGraph, and their tools for the code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from anyio.from_thread import BlockingPortal
from pydantic import ValidationError

from onehop.adapters._answer import Answer
from onehop.adapters._blocking import blocking
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
from onehop.adapters._runner import Runner, SyncClient, is_sync
from onehop.definition import NAME
from onehop.errors import ToolFailed
from onehop.tools import Tool

with needs("langchain"):
    from langchain_core.tools import BaseTool, StructuredTool, ToolException
    from langchain_core.tools import tool as tool_of_function


def code_execute_tool(
    runner: Runner | SyncClient, portal: BlockingPortal | None = None, *, agent_id: str = ""
) -> StructuredTool:
    """A tool for ``create_agent`` or ``ToolNode``, called by ``ainvoke`` and ``astream``.

    The message's content is text for the model; its ``artifact`` is the whole result as a dict.
    For ``invoke`` and ``stream`` in another thread, ``portal`` leads to the event loop that
    ``runner`` belongs to; a SyncAgentClient needs none. Raises ConfigError.
    """
    options = _waiting if portal is not None or is_sync(runner) else _awaited
    return StructuredTool(
        name=NAME,
        description=description(runner),
        args_schema=schema(),
        response_format="content_and_artifact",
        **options(runner, portal, agent_id),
    )


def _awaited(runner: Any, _portal: Any, agent_id: str) -> dict[str, Any]:
    execute = CodeExecute(runner, agent_id)

    async def code_execute(**arguments: Any) -> tuple[str, dict[str, Any]]:
        return _parts(await execute(arguments))

    return {"coroutine": code_execute}


def _waiting(runner: Any, portal: BlockingPortal | None, agent_id: str) -> dict[str, Any]:
    execute = blocking(runner, portal, agent_id)

    def code_execute(**arguments: Any) -> tuple[str, dict[str, Any]]:
        return _parts(execute(arguments))

    return {"func": code_execute}


def _parts(answer: Answer) -> tuple[str, dict[str, Any]]:
    return answer.text, answer.data


def tools_of(
    tools: Iterable[BaseTool | Callable[..., Any]], *, effects: Effects = "write"
) -> list[Tool]:
    """Tools of LangChain for ``Sandbox(tools=…)`` or ``AgentClient(tools=…)``: code calls them by
    their names.

    A function is made a tool as LangChain does it. ``effects`` says what they do to the world, for
    all or by name. The text of a ToolException reaches the code as a ToolError, also where
    ``handle_tool_error`` would make an answer of it; of any other exception only an id.

    Raises ConfigError for a tool that needs the state of a graph.
    """
    listed = [each if isinstance(each, BaseTool) else tool_of_function(each) for each in tools]
    check_effects(effects, (each.name for each in listed))
    return [_handed(each, effect_of(each.name, effects)) for each in listed]


def _handed(tool: BaseTool, effect: Any) -> Tool:
    _refuse_injected(tool)
    # An error that is handled for a model is, for code, a value that looks like any other.
    plain = tool.model_copy(update={"handle_tool_error": False, "handle_validation_error": False})
    is_async = getattr(tool, "coroutine", None) is not None or _has_arun(tool)
    call = _awaiting(plain) if is_async else _calling(plain)
    return Tool(tool.name, call, tool.description, _schema(tool), effect=effect)


def _has_arun(tool: BaseTool) -> bool:
    """Whether its class is async itself; the tools that LangChain makes say so otherwise."""
    is_made = type(tool).__module__.startswith("langchain_core.")
    return not is_made and type(tool)._arun is not BaseTool._arun


def _schema(tool: BaseTool) -> dict[str, Any]:
    given = tool.tool_call_schema
    schema = dict(given) if isinstance(given, dict) else given.model_json_schema()
    schema.pop("description", None)
    return schema


def _refuse_injected(tool: BaseTool) -> None:
    if isinstance(tool.args_schema, dict):
        return
    known = set(_schema(tool).get("properties", {}))
    full = tool.get_input_schema().model_json_schema()
    if missing := set(full.get("required", ())) - known:
        words = f"its {', '.join(sorted(missing))} comes from the state of a graph, not from code"
        raise unfit(tool.name, words)


def _awaiting(tool: BaseTool) -> Callable[..., Any]:
    async def call(arguments: dict[str, Any], /) -> Any:
        try:
            return await tool.ainvoke(arguments)
        except Exception as error:
            raise _translated(tool, error) from error

    return call


def _calling(tool: BaseTool) -> Callable[..., Any]:
    def call(arguments: dict[str, Any], /) -> Any:
        try:
            return tool.invoke(arguments)
        except Exception as error:
            raise _translated(tool, error) from error

    return call


def _translated(tool: BaseTool, error: Exception) -> Exception:
    if isinstance(error, ToolException):
        return ToolFailed(str(error))
    named = getattr(tool.args_schema, "__name__", None)
    if isinstance(error, ValidationError) and error.title == named:
        return wrong_arguments(error)
    return error
