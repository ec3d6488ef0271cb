"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        metavar="FILE.py",
        help="A Python file whose functions, decorated with @tool, the code may call; may be given "
        "more than once.",
        show_default=False,
    ),
]
McpServers = Annotated[
    str | None,
    typer.Option(
        "--mcp-servers",
        metavar="FILE",
        help="A JSON file with mcpServers, as other MCP clients keep it; the code may call the "
        "tools of each server.",
        show_default=False,
    ),
]
