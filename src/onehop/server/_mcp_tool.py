"""The tool ``code_execute`` as MCP clients see it, with its annotations and the result's schema."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types

from onehop.tool import DESCRIPTION, INPUT_SCHEMA, NAME
from onehop.types import ExecutionResult

__all__ = ["DESCRIPTION", "INPUT_SCHEMA", "NAME", "make_tool"]

_ANY: Final = ("object", "array", "string", "number", "boolean", "null")
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
    """The schema of ``ExecutionResult.to_dict()``; newer servers may add fields."""
    schema = ExecutionResult.model_json_schema(by_alias=True, mode="serialization")
    plain: dict[str, Any] = _without(schema, frozenset({"title", "additionalProperties"}))
    return plain


def _without(schema: Any, keys: frozenset[str]) -> Any:
    """The schema without these keywords; fields of the data that are named so stay."""
    if isinstance(schema, list):
        return [_without(item, keys) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: value for name, value in schema.items() if name not in keys}
    if not kept.keys() - {"default"}:
        return {"anyOf": [{"type": kind} for kind in _ANY], **kept}
    return {
        name: {field: _without(item, keys) for field, item in value.items()}
        if name in ("properties", "$defs")
        else _without(value, keys)
        for name, value in kept.items()
    }
