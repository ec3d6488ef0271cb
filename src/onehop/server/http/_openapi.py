"""The OpenAPI document, made to say what is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from onehop.server.http import _schemas as schemas
from onehop.server.http._params import CHANNEL, CONNECTION

_ABOUT: Final = """\
Run an agent's JavaScript or TypeScript in a jailed, disposable V8 process, and see what ran.

Every error has one body, `ErrorBody`; every answer names its request in `X-Request-Id`.

To try calls out on the page `/docs`, press **Authorize** and enter an agent's key, once, in either
field: the key that the server printed at its first start, or one that `onehop agents add NAME`
made. The page forgets it when it is closed or loaded again. A server that was started with
`--no-auth` needs none.
"""
_KEYS: Final = {
    "bearer": "An agent's key, `oh_…`, without the word Bearer.",
    "APIKeyHeader": "The same key under another header: one of the two is enough.",
}
"""What goes into the fields of each scheme."""
_BODIES: Final[tuple[type[BaseModel], ...]] = (
    schemas.ExecuteBody,
    schemas.ValidateBody,
    schemas.AddAgentBody,
    schemas.ChangeAgentBody,
    schemas.HandedTools,
    schemas.ToolAnswer,
    schemas.RulesBody,
    schemas.DecideBody,
    schemas.SaveSnippetBody,
)
_CHANNEL: Final = {
    "name": "X-Channel-Id",
    "in": "header",
    "required": False,
    "description": "The channel that the agent speaks in.",
    "schema": {"type": "string", "pattern": f"^{CHANNEL}$", "examples": ["support"]},
}
_CONNECTION: Final = {
    "name": "X-Tool-Connection",
    "in": "header",
    "required": False,
    "description": "The connection of a client whose tools the code may call too.",
    "schema": {"type": "string", "pattern": f"^{CONNECTION}$", "examples": ["Yh3T8rV1o0aQ5n7L"]},
}
_TAGS: Final = {
    "health": "Whether the server works.",
    "code": "Run code, or check it.",
    "history": "What has run.",
    "analytics": "Questions about what has run.",
    "sessions": "Calls that share variables.",
    "tools": "What code may call, and tools that a client hands in.",
    "events": "What happens, as it happens.",
    "approvals": "Calls that wait for a person.",
    "snippets": "Code of runs that agents call by name.",
    "agents": "Agents and their keys.",
}
_LICENSE: Final = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}
_HERE: Final = {"url": ".", "description": "The server that this document came from."}
_RETRY: Final = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
_NAME: Final = {"description": "The name of this request.", "schema": {"type": "string"}}


def make_openapi(app: FastAPI) -> dict[str, Any]:
    """The document of ``app``: with the bodies that are read by hand, and the headers."""
    document = get_openapi(
        title="onehop",
        version=app.version,
        description=_ABOUT,
        routes=app.routes,
        tags=[{"name": name, "description": told} for name, told in _TAGS.items()],
        servers=[_HERE],
        license_info=_LICENSE,
        separate_input_output_schemas=False,
    )
    known = document["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        known.pop(unused, None)
    template = "#/components/schemas/{model}"
    _, bodies = models_json_schema(
        [(body, "validation") for body in _BODIES], ref_template=template
    )
    known.update({name: _without_defaults(body) for name, body in bodies["$defs"].items()})
    _complete(document["paths"])
    for scheme, told in _KEYS.items():
        document["components"]["securitySchemes"][scheme]["description"] = told
    for operation in _operations(document):
        operation.setdefault("security", [])  # the probes need no key
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"] = _plain(parameter["schema"])
            parameter.setdefault("description", schema.get("description", ""))
            if parameter["required"]:  # what the page fills in; it leaves out what may be left out
                parameter["example"] = schema["examples"][0]
        operation["responses"].pop("422", None)  # such errors are 400 here
        for status, answer in operation["responses"].items():
            answer["headers"] = {"X-Request-Id": _NAME}
            if status in ("429", "503"):
                answer["headers"]["Retry-After"] = _RETRY
    return document


def _without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """With defaults in words: generators take a field that has one for one that must come."""
    fields = {name: _told(field) for name, field in schema.get("properties", {}).items()}
    return {**schema, "properties": fields}


def _told(field: dict[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in field.items() if name != "default"}
    if field.get("default") not in (None, {}):
        plain["description"] += f" Without it: {json.dumps(field['default'])}."
    return plain


def _complete(paths: dict[str, Any]) -> None:
    """Document the headers of the one address that reads them by hand, as its neighbour's are."""
    execute, beside = paths["/api/v1/execute"]["post"], paths["/api/v1/validate"]["post"]
    execute["security"] = beside["security"]
    execute["parameters"] = [*map(dict, beside["parameters"]), _CHANNEL, _CONNECTION]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Without null, which no address and no header can say: what may be absent is not required."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    merged = {**schema, **kinds[0]} if len(kinds) == 1 else schema
    return {name: value for name, value in merged.items() if name not in ("anyOf", "title")}


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for operations in document["paths"].values():
        yield from operations.values()
