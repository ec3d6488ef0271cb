"""Calls a tool by the SDK, without what the SDK would do with the answer by itself: it checks it
with the server's own patterns, which can take for ever."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from mcp import Client
from onehop.errors import ToolError
from onehop.tools import Effect, ToolContext
from onehop.upstreams._answers import after, error_of, is_forgotten
from onehop.upstreams._link import Link

_Answer = types.CallToolResult | types.InputRequiredResult
_ANSWER: Final[TypeAdapter[_Answer]] = TypeAdapter(_Answer)


async def call(
    link: Link, name: str, effect: Effect, arguments: dict[str, Any], context: ToolContext
) -> types.CallToolResult:
    """The server's answer. Raises ToolError."""
    client = await link.client()
    try:
        answer = await _ask(client, name, arguments, context)
    except MCPError as error:
        if is_forgotten(error):
            link.give_up("its session has ended")
        if error.code != types.HEADER_MISMATCH:
            raise error_of(error, effect) from None
        answer = await _ask_again(client, name, effect, arguments, context)
    except ValidationError:
        words = "its server answered with what is not the result of a call"
        raise ToolError("invalid_result", words, effect=after(effect)) from None
    if isinstance(answer, types.InputRequiredResult):
        words = "its server asks a person for something, which is not possible here"
        raise ToolError("failed", words)
    return answer


async def _ask_again(
    client: Client, name: str, effect: Effect, arguments: dict[str, Any], context: ToolContext
) -> _Answer:
    """The server wants some arguments as headers too: the SDK learns which from its list."""
    try:
        await client.list_tools()
        return await _ask(client, name, arguments, context)
    except MCPError as error:
        raise error_of(error, effect) from None


async def _ask(
    client: Client, name: str, arguments: dict[str, Any], context: ToolContext
) -> _Answer:
    async def report(progress: float, total: float | None, message: str | None) -> None:
        if total:
            context.progress(progress / total, message or "")

    params = types.CallToolRequestParams(name=name, arguments=arguments)
    return await client.session.send_request(
        types.CallToolRequest(params=params),
        _ANSWER,
        progress_callback=report if context.on_progress is not None else None,
    )
