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
RunTools = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        metavar="FILE.py|NAME",
        help="A Python file whose functions, decorated with @tool, the code may call; or the name "
        "or a glob of tools that there are, to grant only these. May be given more than once.",
        show_default=False,
    ),
]
RunRules = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="RULE",
        help='A rule for this run, such as "deny * effect write"; may be given more than once.',
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
ServerUrl = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="The server; otherwise ONEHOP_SERVER_URL, or http://localhost:3001.",
        show_default=False,
    ),
]
