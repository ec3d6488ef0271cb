"""The tool ``code_execute`` as MCP clients see it, with its annotations and the result's schema."""

from __future__ import annotations

import mcp_types as types

from onehop.definition import DESCRIPTION, INPUT_SCHEMA, NAME
from onehop.server.mcp._data import SCHEMA

__all__ = ["DESCRIPTION", "INPUT_SCHEMA", "NAME", "make_tool"]


def make_tool() -> types.Tool:
    """The one tool. Its size does not depend on what the sandbox offers."""
    return types.Tool(
        name=NAME,
        title="Run code",
        description=DESCRIPTION,
        input_schema=INPUT_SCHEMA,
        output_schema=SCHEMA,
        annotations=types.ToolAnnotations(
            title="Run code",
            # The code has no file, no network and no memory of earlier calls to change.
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
