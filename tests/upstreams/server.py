"""An MCP server by the SDK, for tests: over stdio, or over HTTP with ``--http PORT``."""

from __future__ import annotations

import argparse
import asyncio
import os
from typing import Any

import mcp_types as types
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError

server = MCPServer("tests")


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def add(a: int, b: int = 1) -> int:
    """The sum of two numbers."""
    return a + b


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True), structured_output=False)
def text(value: str) -> str:
    """The text itself."""
    return value


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def pid() -> dict[str, int]:
    """The process that answers."""
    return {"pid": os.getpid()}


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def variables() -> dict[str, str]:
    """The environment."""
    return dict(os.environ)


@server.tool(annotations=types.ToolAnnotations(destructive_hint=True))
def crash(code: int = 1) -> str:
    """End the process in the middle of a call."""
    os._exit(code)


@server.tool()
async def sleep(ms: float) -> str:
    """Wait."""
    await asyncio.sleep(ms / 1000)
    return "slept"


@server.tool()
def fail(message: str) -> str:
    """Fail."""
    raise ToolError(message)


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True), structured_output=False)
def picture() -> types.ImageContent:
    """A picture of one byte."""
    return types.ImageContent(type="image", data="AA==", mime_type="image/png")


@server.tool(annotations=types.ToolAnnotations(read_only_hint=True))
def carried(context: Context[Any, Any]) -> dict[str, Any]:
    """What came with the call beside its arguments."""
    asked = context.request_context
    headers = dict(asked.request.headers) if asked.request is not None else {}
    return {"meta": dict(asked.meta or {}), "headers": headers}


@server.tool()
async def grow(name: str, context: Context[Any, Any]) -> str:
    """Add a tool, and say so."""
    server.add_tool(lambda: name, name=name, description="It grew.")
    await context.session.send_tool_list_changed()
    await context.notify_tools_changed()
    return name


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--http", type=int)
    port = parser.parse_args().http
    if port is None:
        server.run("stdio")
    else:
        server.run("streamable-http", port=port)


if __name__ == "__main__":
    main()
