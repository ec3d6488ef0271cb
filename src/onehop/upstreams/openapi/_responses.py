"""What an operation answers when it succeeds: the schema of the value, and what is asked for."""

from __future__ import annotations

from typing import Any, Final

from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import SkippedError
from onehop.upstreams.openapi._types import Types

_MEDIA: Final = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"type": "string"},
        "size": {"type": "integer"},
    },
    "required": ["name", "type", "size"],
}
"""A handle; its ``bytes()`` is the guest's."""
_KINDS: Final = 8
_ALTERNATIVES: Final = 4


def is_json(media: str) -> bool:
    """Whether a media type says that the body is JSON."""
    name = media.partition(";")[0].strip().lower()
    return name in ("application/json", "text/json") or name.endswith("+json")


def is_text(media: str) -> bool:
    """Whether it is text of another kind."""
    name = media.partition(";")[0].strip().lower()
    if name.startswith("text/") or name.endswith("+xml"):
        return True
    return name.removeprefix("application/") in _TEXTS


_TEXTS: Final = frozenset(
    "xml yaml x-yaml javascript graphql x-ndjson ndjson jsonl json-seq jwt sql "
    "x-www-form-urlencoded".split()
)


def output_of(document: Document, responses: Any, types: Types) -> dict[str, Any] | None:
    """The schema of a success, if the document has one. Raises SkippedError."""
    schemas: list[Any] = []
    for response in _successes(document, responses):
        schema = _schema(document, response)
        if schema is not None and schema not in schemas:
            schemas.append(schema)
    if not schemas or len(schemas) > _ALTERNATIVES:
        return None
    made = types.read(schemas[0] if len(schemas) == 1 else {"anyOf": schemas})
    if not isinstance(made.schema, dict):
        return None
    return types.complete(made.schema, made.names)


def accepted(document: Document, responses: Any) -> str:
    """The header Accept: the media types of a success, JSON first."""
    try:
        contents = [r.get("content") for r in _successes(document, responses)]
    except SkippedError:
        contents = []
    media = dict.fromkeys(m for c in contents if isinstance(c, dict) for m in c if _is_plain(m))
    listed = sorted(media, key=lambda one: not is_json(one))[:_KINDS] or ["application/json"]
    return ", ".join([*(one for one in listed if one != "*/*"), "*/*;q=0.1"])


def _is_plain(media: str) -> bool:
    return media.isascii() and media.isprintable() and len(media) < 100 and "," not in media


def _successes(document: Document, responses: Any) -> list[dict[str, Any]]:
    given = responses if isinstance(responses, dict) else {}
    codes = sorted(code for code in given if str(code).startswith("2"))
    return [document.object_at(given[code]) for code in codes]


def _schema(document: Document, response: dict[str, Any]) -> Any:
    content = response.get("content")
    if not isinstance(content, dict) or not content:
        return {"type": "null"}
    media = min(content, key=lambda one: (not is_json(one), not is_text(one)))
    if is_text(media) and not is_json(media):
        return {"type": "string"}
    if not is_json(media):
        return None if "*" in media else _MEDIA
    return document.object_at(content[media]).get("schema")
