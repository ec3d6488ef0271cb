"""The tools of the server: ``code_execute``, and ``code_tools`` where code may call some."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.definition import DESCRIPTION, INPUT_SCHEMA, NAME, describe
from onehop.sandbox.calls import Grant
from onehop.server.mcp._data import SCHEMA

__all__ = [
    "DESCRIPTION",
    "INPUT_SCHEMA",
    "LOOKUP",
    "LOOKUP_SCHEMA",
    "NAME",
    "WAIT",
    "WAIT_SCHEMA",
    "make_tools",
]

LOOKUP: Final = "code_tools"
LOOKUP_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "query": {"type": "string", "description": "What the tool should do"},
        "namespaces": {"type": "array", "items": {"type": "string"}},
        "names": {"type": "array", "items": {"type": "string"}, "description": "Paths"},
        "detail": {
            "type": "string",
            "enum": ["brief", "signature", "schema"],
            "default": "signature",
        },
    },
    "additionalProperties": False,
}
_LOOKUP: Final = (
    "Find the tools that the code of code_execute may call: by query, by namespaces, or by names. "
    "Without arguments it lists the namespaces. Code finds the same by tools.$search."
)


WAIT: Final = "code_wait"
WAIT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "requestId": {"type": "string"},
        "wait": {"type": "number", "minimum": 0, "maximum": 30000, "description": "ms"},
    },
    "required": ["requestId"],
    "additionalProperties": False,
}
_WAIT: Final = "Get the result of a run that code_execute has answered with status `running`."


def make_tools(grant: Grant) -> list[types.Tool]:
    """As long as the tools are the same, each byte of this is."""
    made = [_execute(grant), _wait()]
    return [*made, _look_up()] if grant.offer else made


def _execute(grant: Grant) -> types.Tool:
    """Without tools, the code has no file, no network and no memory of earlier calls to change."""
    effects = grant.effects
    return types.Tool(
        name=NAME,
        title="Run code",
        description=describe(grant.offer),
        input_schema=INPUT_SCHEMA,
        output_schema=SCHEMA,
        annotations=types.ToolAnnotations(
            title="Run code",
            read_only_hint=effects <= {"read"},
            destructive_hint="destructive" in effects,
            idempotent_hint=effects <= {"read"},
            open_world_hint=bool(effects),
        ),
    )


def _wait() -> types.Tool:
    return types.Tool(
        name=WAIT,
        title="Wait for a run",
        description=_WAIT,
        input_schema=WAIT_SCHEMA,
        annotations=types.ToolAnnotations(
            title="Wait for a run",
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _look_up() -> types.Tool:
    return types.Tool(
        name=LOOKUP,
        title="Find tools",
        description=_LOOKUP,
        input_schema=LOOKUP_SCHEMA,
        annotations=types.ToolAnnotations(
            title="Find tools",
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )
