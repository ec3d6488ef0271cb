"""The JSON Schema of ``onehop.toml``, for editors, made from the settings themselves."""

from __future__ import annotations

from typing import Any, Final

from onehop.config import SECTIONS, UPSTREAM, Settings
from onehop.upstreams import UpstreamOptions

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
    """A table for each server, by its namespace. What may be a list may be one text too."""
    made = UpstreamOptions.model_json_schema()
    for told in made["properties"].values():
        told.pop("title", None)
        if told.get("type") == "array":
            told["type"] = ["array", "string"]
    described = "MCP servers whose tools code may call, by the name of their namespace."
    return {"type": "object", "description": described, "additionalProperties": made}


_OF_MACHINE: Final = frozenset({"pool_size", "max_concurrency"})
"""Settings whose default follows the number of CPU cores."""
