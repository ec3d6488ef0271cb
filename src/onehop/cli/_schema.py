"""The JSON Schema of ``onehop.toml``, for editors, made from the settings themselves."""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic import BaseModel

from onehop.config import SECTIONS, UPSTREAM, Settings
from onehop.upstreams import OpenApiOptions, UpstreamOptions

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """What a settings file may hold; defaults that follow the machine are left out."""
    return {
        "$schema": _DIALECT,
        "title": "onehop.toml",
        "description": "Settings of onehop; the environment goes before this file.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{section.table: _table(section) for section in SECTIONS},
            UPSTREAM: _upstreams(),
        },
    }


def _table(section: type[Settings]) -> dict[str, Any]:
    made = section.model_json_schema()
    for name, told in made["properties"].items():
        told["description"] = f"{told['description']} Environment: {told.pop('env')}."
        if name in _OF_MACHINE:
            told.pop("default", None)
        told.pop("title", None)
    return {**made, "title": section.table, "description": section.__doc__}


def _upstreams() -> dict[str, Any]:
    """A table for each server, by its namespace: of an MCP server, or of an OpenAPI document."""
    described = "Servers whose tools code may call, by the name of their namespace."
    tables = {"then": _options(OpenApiOptions), "else": _options(UpstreamOptions)}
    one = {"if": {"required": ["openapi"]}, **tables}
    return {"type": "object", "description": described, "additionalProperties": one}


def _options(model: type[BaseModel]) -> dict[str, Any]:
    """What may be a list may be one text too; types are in their places, since a table is not the
    whole document."""
    made = model.model_json_schema()
    types = made.pop("$defs", {})
    for told in made["properties"].values():
        told.pop("title", None)
        if told.get("type") == "array":
            told["type"] = ["array", "string"]
    text = json.dumps(made)
    for name, type_ in types.items():
        text = text.replace(json.dumps({"$ref": f"#/$defs/{name}"}), json.dumps(type_))
    found: dict[str, Any] = json.loads(text)
    return found


_OF_MACHINE: Final = frozenset({"pool_size", "max_concurrency", "max_waiting"})
"""Settings whose default follows the number of CPU cores."""
