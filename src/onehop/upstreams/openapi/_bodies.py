"""The body of a request: which of its media types is sent, and how its fields are written."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from onehop.errors import ToolError
from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._styles import Pair, Style, query_pairs, text_of

Kind = Literal["json", "form", "multipart", "text", "bytes"]
Part = tuple[str, tuple[str | None, bytes, str]]
"""A field of a multipart body: its name, the name of a file, the bytes, and their type."""
BYTES: Final = {
    "type": "object",
    "properties": {"$bytes": {"type": "string", "contentEncoding": "base64"}},
    "required": ["$bytes"],
    "additionalProperties": False,
}
FILE: Final = {
    "description": "A text, bytes (Uint8Array), or {data, name, type} of a file.",
    "anyOf": [
        {"type": "string"},
        BYTES,
        {
            "type": "object",
            "properties": {
                "data": {"anyOf": [{"type": "string"}, BYTES]},
                "name": {"type": "string"},
                "type": {"type": "string"},
            },
            "required": ["data"],
            "additionalProperties": False,
        },
    ],
}
"""What a file may be given as."""
_UNFLAT: Final = ("oneOf", "anyOf", "not", "if", "patternProperties", "enum", "const")


@dataclass(frozen=True, slots=True)
class Body:
    """What an operation is sent. Its fields are arguments by themselves where its schema is an
    object and nothing else; otherwise the whole is one argument."""

    media: str
    kind: Kind
    required: bool
    schema: Any
    fields: Mapping[str, Any] | None
    """The schemas of its fields; None where the whole is one argument."""
    needed: frozenset[str] = frozenset()
    """The fields that must be there."""
    encodings: Mapping[str, Any] = field(default_factory=dict)

    def argument_schema(self, schema: Any) -> Any:
        """Of a field or of the whole: as the document has it, or FILE."""
        if self.kind == "text":
            return {"type": "string"}
        if self.kind == "bytes":
            return FILE
        if self.kind == "multipart" and isinstance(schema, dict):
            if _is_file(schema):
                return FILE
            if isinstance(items := schema.get("items"), dict) and _is_file(items):
                return {"type": "array", "items": FILE}
        return schema

    def without_schemas(self) -> Body:
        """As it is kept: of the fields only which are files."""
        schemas = {name: self.argument_schema(one) for name, one in (self.fields or {}).items()}
        kept = {name: one if _has_file(one) else None for name, one in schemas.items()}
        return replace(self, schema=None, fields=None if self.fields is None else kept)

    def encoded(self, value: Any) -> bytes | list[Part]:
        """As bytes, or as the parts of a multipart body. Raises ToolError."""
        if self.kind == "json":
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        if self.kind == "text":
            return text_of(value).encode()
        if self.kind == "bytes":
            return _file("body", value)[1][1]
        if not isinstance(value, dict):
            raise ToolError("invalid_arguments", "the body must be an object", field="body")
        if self.kind == "form":
            return "&".join("=".join(pair) for pair in self._pairs(value)).encode()
        return [part for name, item in value.items() for part in self._parts(name, item)]

    def _pairs(self, value: dict[str, Any]) -> Iterator[Pair]:
        for name, item in value.items():
            style = _style_of(self.encodings.get(name))
            if style is None:
                item = text_of(item) if isinstance(item, dict) else item
                style = Style("form", explode=True)
            yield from query_pairs(name, item, style)

    def _parts(self, name: str, value: Any) -> Iterator[Part]:
        schema = (self.fields or {}).get(name)
        schema = self.argument_schema(schema)
        if isinstance(value, list):
            is_files = isinstance(schema, dict) and schema.get("items") is FILE
            for one in value:
                yield _file(name, one) if is_files else self._text_part(name, one)
        elif schema is FILE:
            yield _file(name, value)
        else:
            yield self._text_part(name, value)

    def _text_part(self, name: str, value: Any) -> Part:
        encoding = self.encodings.get(name)
        said = encoding.get("contentType") if isinstance(encoding, dict) else None
        kind = "application/json" if isinstance(value, dict | list) else "text/plain; charset=utf-8"
        if isinstance(said, str) and "," not in said and "*" not in said:
            kind = said
        return name, (None, text_of(value).encode(), _header_safe(kind))


def _style_of(encoding: Any) -> Style | None:
    """As the document says for the field; else a list is repeated, and an object is JSON."""
    if not isinstance(encoding, dict) or not encoding.keys() & {"style", "explode"}:
        return None
    name = encoding.get("style", "form")
    if name not in ("form", "spaceDelimited", "pipeDelimited", "deepObject"):
        return None
    explode = encoding.get("explode")
    is_exploded = explode if isinstance(explode, bool) else name == "form"
    return Style(name, is_exploded, encoding.get("allowReserved") is True)


def _file(name: str, value: Any) -> Part:
    """Raises ToolError for bytes that are not base64."""
    given = value if isinstance(value, dict) else {}
    data = given.get("data", value)
    file_name, kind = given.get("name", name), given.get("type", "application/octet-stream")
    return name, (str(file_name), _bytes(name, data), _header_safe(str(kind)))


def _bytes(name: str, data: Any) -> bytes:
    if not isinstance(data, dict):
        return text_of(data).encode()
    try:
        return base64.b64decode(data["$bytes"], validate=True)
    except (binascii.Error, ValueError, KeyError):
        raise ToolError("invalid_arguments", f"{name} is not base64", field=name) from None


def _header_safe(text: str) -> str:
    return "".join(c for c in text if " " <= c <= "~")[:200] or "application/octet-stream"


def read_body(document: Document, given: Any) -> Body | None:
    """Raises SkippedError."""
    if given is None:
        return None
    request = document.object_at(given)
    content = request.get("content")
    if not isinstance(content, dict) or not content:
        return None
    media = min(content, key=_rank)
    kind, inner = _kind_of(media), document.object_at(content[media])
    schema = inner.get("schema", True)
    required = request.get("required") is True
    fields, needed = (
        _fields(document, schema) if kind in ("json", "form", "multipart") else (None, ())
    )
    encodings = inner.get("encoding")
    return Body(
        _sent(media),
        kind,
        required,
        schema,
        fields,
        frozenset(needed) if required else frozenset(),
        encodings if isinstance(encodings, dict) else {},
    )


def _rank(media: str) -> int:
    """The smallest is taken: JSON of a value, then of a change to one, then forms."""
    name = media.partition(";")[0].strip().lower()
    ranks = {
        "application/json": 0,
        "application/merge-patch+json": 2,
        "application/x-www-form-urlencoded": 5,
        "multipart/form-data": 6,
    }
    if name in ranks:
        return ranks[name]
    if name in ("*/*", "application/*"):
        return 1
    if name.endswith("+json"):
        return 4 if "patch" in name else 3
    return 7 if name.startswith("text/") or name.endswith("xml") else 8


def _kind_of(media: str) -> Kind:
    rank = _rank(media)
    if rank < 5:
        return "json"
    kinds: dict[int, Kind] = {5: "form", 6: "multipart", 7: "text"}
    return kinds.get(rank, "bytes")


def _sent(media: str) -> str:
    if _rank(media) == 1:
        return "application/json"
    name = _header_safe(media)
    return "application/octet-stream" if "*" in name else name


def _has_file(schema: Any) -> bool:
    return schema is FILE or (isinstance(schema, dict) and schema.get("items") is FILE)


def _is_file(schema: dict[str, Any]) -> bool:
    """3.0 says binary; 3.1 says nothing of the type, or of what the bytes are."""
    if schema.get("format") == "binary":
        return True
    said = schema.get("contentMediaType")
    return isinstance(said, str) and schema.get("type", "string") == "string"


def _fields(document: Document, schema: Any) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The fields of an object and which of them are needed; no fields where the schema says more
    of it than that."""
    fields: dict[str, Any] = {}
    needed: list[str] = []
    pending, looked = [schema], 0
    while pending:
        part = document.followed(pending.pop(0))
        looked += 1
        if looked > _bounds.HOPS or not isinstance(part, dict) or not _is_flat(part):
            return None, ()
        for name, inner in part.get("properties", {}).items():
            if not isinstance(inner, Mapping) or inner.get("readOnly") is not True:
                fields.setdefault(name, inner)
        needed += [name for name in part.get("required") or [] if isinstance(name, str)]
        pending += part.get("allOf") or []
    if not fields or len(fields) > _bounds.PARAMETERS:
        return None, ()
    return fields, tuple(name for name in needed if name in fields)


def _is_flat(part: dict[str, Any]) -> bool:
    if any(key in part for key in _UNFLAT) or part.get("nullable") is True:
        return False
    lists = all(isinstance(part.get(key, []), list) for key in ("allOf", "required"))
    is_object = part.get("type", "object") == "object" and isinstance(
        part.get("properties", {}), dict
    )
    is_closed = part.get("additionalProperties", False) is False
    return lists and is_object and is_closed
