"""``code_tools``: what there is for the code to call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import mcp_types as types
from pydantic_core import to_json

from onehop.errors import ToolError
from onehop.tools import Discovery, look_up

_FIELDS: Final = frozenset({"query", "namespaces", "names", "detail"})


def answer(discovery: Discovery, arguments: Mapping[str, Any]) -> types.CallToolResult:
    """What was asked for; a wrong question is a result with ``isError``, which the model reads."""
    try:
        found = look_up(discovery, **_checked(arguments))
    except ToolError as error:
        text = types.TextContent(text=str(error))
        return types.CallToolResult(content=[text], is_error=True)
    text = types.TextContent(text=to_json(found).decode())
    return types.CallToolResult(content=[text], structured_content=found)


def _checked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in arguments.items():
        if name not in _FIELDS:
            known = ", ".join(sorted(_FIELDS))
            raise ToolError("invalid_arguments", f"{name[:80]} is unknown; there are: {known}")
        is_fit = _is_list(value) if name.startswith("name") else isinstance(value, str)
        if not is_fit:
            kind = "a list of names" if name.startswith("name") else "text"
            raise ToolError("invalid_arguments", f"{name} must be {kind}", field=name)
    return dict(arguments)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
