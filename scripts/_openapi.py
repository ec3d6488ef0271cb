"""Print docs/reference/openapi.md from the server's routes, for scripts/docs.

With --json, print the OpenAPI document.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from onehop._version import onehop_version
from onehop.server.http import routes
from onehop.server.http._openapi import make_openapi

_PAGE = """\
# Every operation of the HTTP API

Made by `scripts/docs` from the server's routes; do not edit.

A server has the whole document at `/openapi.json` (OpenAPI 3.1), with examples, and shows it at
`/docs`, where each call can be tried. [The HTTP API](http.md) explains keys, limits, streams and
errors.

{tags}
"""


def document() -> dict[str, Any]:
    """The OpenAPI document, without a server that could run anything."""
    app = FastAPI(
        title="onehop",
        version=onehop_version(),
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(routes.probes)
    app.include_router(routes.api)
    return make_openapi(app)


def main() -> None:
    """Print the page, or the document itself."""
    whole = document()
    if "--json" in sys.argv:
        print(json.dumps(whole, indent=1))
        return
    tags = [_tag(whole, tag) for tag in whole["tags"]]
    print(_PAGE.format(tags="\n\n".join(tags)), end="")


def _tag(whole: dict[str, Any], tag: dict[str, str]) -> str:
    title = f"## {tag['name'].capitalize()}\n\n{tag['description']}"
    found = [
        _operation(whole, f"{method.upper()} {path}", operation)
        for path, operations in whole["paths"].items()
        for method, operation in operations.items()
        if tag["name"] in operation.get("tags", [])
    ]
    return "\n\n".join([title, *found])


def _operation(whole: dict[str, Any], address: str, operation: dict[str, Any]) -> str:
    words = operation.get("description") or operation.get("summary", "")
    parts = [f"### `{address}`", words.strip()]
    taken = [*_parameters(operation), *_fields(whole, operation)]
    if taken:
        head = ["| takes | in | type | meaning |", "| --- " * 4 + "|"]
        parts.append("\n".join([*head, *taken]))
    statuses = ", ".join(f"`{status}`" for status in sorted(operation["responses"]))
    parts.append(f"Answers with {statuses}.")
    return "\n\n".join(part for part in parts if part)


def _parameters(operation: dict[str, Any]) -> Iterator[str]:
    for each in operation.get("parameters", []):
        name = f"`{each['name']}`" + (" (required)" if each.get("required") else "")
        yield _row(name, each["in"], each["schema"], each.get("description", ""))


def _fields(whole: dict[str, Any], operation: dict[str, Any]) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    for each in content.values():
        schema = _resolved(whole, each["schema"])
        for name, field in schema.get("properties", {}).items():
            shown = f"`{name}`" + (" (required)" if name in schema.get("required", []) else "")
            field = _resolved(whole, field)
            yield _row(shown, "body", field, field.get("description", ""))


def _resolved(whole: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    named = whole["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return {**named, **{key: value for key, value in schema.items() if key != "$ref"}}


def _row(name: str, place: str, schema: dict[str, Any], meaning: str) -> str:
    words = " ".join(meaning.split()).replace("|", "\\|")
    return f"| {name} | {place} | {_type(schema)} | {words} |"


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


if __name__ == "__main__":
    main()
