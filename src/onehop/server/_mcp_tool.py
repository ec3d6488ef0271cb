"""The tool ``code_execute`` as MCP clients see it, with its annotations and the result's schema."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.tool import DESCRIPTION, INPUT_SCHEMA, NAME
from onehop.types import ExecutionResult

__all__ = ["DESCRIPTION", "INPUT_SCHEMA", "NAME", "make_tool"]

_ANY: Final[dict[str, Any]] = {
    "anyOf": [{"type": kind} for kind in ("object", "array", "string", "number", "boolean", "null")]
}
"""Every type of JSON: some clients take an empty schema for a mistake."""


def make_tool() -> types.Tool:
    """The one tool. Its size does not depend on what the sandbox offers."""
    return types.Tool(
        name=NAME,
        title="Run code",
        description=DESCRIPTION,
        input_schema=INPUT_SCHEMA,
        output_schema=_output_schema(),
        annotations=types.ToolAnnotations(
            title="Run code",
            # The code has no file, no network and no memory of earlier calls to change.
            read_only_hint=True,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _output_schema() -> dict[str, Any]:
    """The fields of ``ExecutionResult.to_dict()``; newer servers may add some.

    No more than their types, for there are clients that show it to the model with every turn.
    """
    schema = ExecutionResult.model_json_schema(by_alias=True, mode="serialization")
    fields = {name: _kind(field) for name, field in schema["properties"].items()}
    return {"type": "object", "properties": fields, "required": schema["required"]}


def _kind(field: dict[str, Any]) -> dict[str, Any]:
    """The type of what comes in a field; one that would be null is left out of a result."""
    if "$ref" in field:
        return {"type": "object"}
    if "anyOf" in field:
        return _kind(next(kind for kind in field["anyOf"] if kind != {"type": "null"}))
    if "items" in field:
        return {"type": "array", "items": _kind(field["items"])}
    return {"type": field["type"]} if "type" in field else _ANY
