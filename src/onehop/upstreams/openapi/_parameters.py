"""The parameters of one operation, in path, query, headers and cookies, as it declares them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from onehop.upstreams.openapi import _bounds
from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import SkippedError
from onehop.upstreams.openapi._styles import (
    PLACES,
    STYLES,
    Pair,
    Place,
    Style,
    header_text,
    path_text,
    query_pairs,
)

TEMPLATE: Final = re.compile(r"\{([^{}/]+)\}")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
_OURS: Final = frozenset(
    "accept authorization connection content-length content-type cookie expect host "
    "keep-alive proxy-authorization proxy-connection te trailer transfer-encoding upgrade "
    "accept-encoding".split()
)
"""Headers that are not parameters: OpenAPI says so of three, and onehop of the rest."""
_DEFAULT_STYLE: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of them. ``schema`` is the document's."""

    name: str
    place: Place
    required: bool
    schema: Any
    style: Style
    is_json: bool = False
    """Whether its value is written as JSON."""
    description: str = ""

    def path_text(self, value: Any) -> str:
        """Raises ToolError, as all of these."""
        return path_text(self.name, self._written(value), self.style)

    def pairs(self, value: Any) -> list[Pair]:
        """For the query or the cookies."""
        return query_pairs(self.name, self._written(value), self.style)

    def header(self, value: Any) -> str:
        """For a header."""
        return header_text(self.name, self._written(value), self.style)

    def _written(self, value: Any) -> Any:
        return json.dumps(value, separators=(",", ":")) if self.is_json else value


def without_schema(one: Parameter) -> Parameter:
    """As it is kept: the document's own schema is needed no more."""
    return replace(one, schema=None, description="")


def read_parameters(document: Document, path: str, shared: Any, own: Any) -> list[Parameter]:
    """Those of the path and of the operation, which goes before, in the order of their places; a
    name in the path that nobody declares is a text. Raises SkippedError."""
    found: dict[tuple[str, str], Parameter] = {}
    for given in [*_list(shared), *_list(own)]:
        if (one := _read(document.object_at(given))) is not None:
            found[one.place, one.name] = one
    named = TEMPLATE.findall(path)
    for name in named:
        style = Style("simple", explode=False)
        found.setdefault(("path", name), Parameter(name, "path", True, {"type": "string"}, style))
    kept = [one for one in found.values() if one.place != "path" or one.name in named]
    if len(kept) > _bounds.PARAMETERS:
        raise SkippedError(f"it has more than {_bounds.PARAMETERS} parameters")
    return sorted(kept, key=lambda one: PLACES.index(one.place))


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []


def _read(given: dict[str, Any]) -> Parameter | None:
    name, place = given.get("name"), given.get("in")
    if not isinstance(name, str) or not name or place not in PLACES:
        raise SkippedError(f"a parameter has no name, or is in {str(place)[:40]!r}")
    if place == "header" and name.lower() in _OURS:
        return None
    if place == "header" and not _TOKEN.fullmatch(name):
        raise SkippedError(f"a header cannot be called {name[:80]!r}")
    schema, is_json = given.get("schema"), False
    if isinstance(content := given.get("content"), dict) and content:
        media, inner = next(iter(content.items()))
        schema = inner.get("schema") if isinstance(inner, dict) else None
        is_json = "json" in media
    return Parameter(
        name,
        place,
        given.get("required") is True or place == "path",
        True if schema is None else schema,
        _style(given, place),
        is_json,
        str(given.get("description") or ""),
    )


def _style(given: dict[str, Any], place: str) -> Style:
    name = given.get("style") or _DEFAULT_STYLE[place]
    if name not in STYLES[place]:
        raise SkippedError(f"a parameter in {place} has the style {str(name)[:40]!r}")
    explode = given.get("explode")
    if not isinstance(explode, bool):
        explode = name in ("form", "cookie", "deepObject")
    return Style(name, explode, given.get("allowReserved") is True)


def filled(path: str, values: Iterable[tuple[Parameter, Any]]) -> str:
    """The path with what stands in it. Raises ToolError."""
    texts = {one.name: one.path_text(value) for one, value in values if one.place == "path"}
    return "".join(_pieces(path, texts))


def _pieces(path: str, texts: dict[str, str]) -> Iterator[str]:
    for index, piece in enumerate(TEMPLATE.split(path)):
        yield texts[piece] if index % 2 else quote(piece, safe="/:@!$&'()*+,;=~%.-_")
