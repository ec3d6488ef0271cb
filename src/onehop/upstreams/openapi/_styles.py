"""How the value of a parameter is written into a request: the styles that OpenAPI has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal
from urllib.parse import quote

from onehop.errors import ToolError

Place = Literal["path", "query", "header", "cookie"]
Pair = tuple[str, str]
"""A name and a value, both encoded."""
PLACES: Final[tuple[Place, ...]] = ("path", "query", "header", "cookie")
STYLES: Final = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form", "cookie"),
}
_RESERVED: Final = ":/?[]@!$'()*,;"
"""Left as they are where a parameter says so; ``&``, ``=``, ``+`` and ``#`` would end the value."""
_DELIMITERS: Final = {"form": ",", "cookie": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}
_DEEPEST: Final = 10


@dataclass(frozen=True, slots=True)
class Style:
    """One way to write values. ``reserved`` leaves reserved characters as they are."""

    name: str
    explode: bool
    reserved: bool = False


def text_of(value: Any) -> str:
    """A scalar as it is written everywhere; an object or a list within one is JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def path_text(name: str, value: Any, style: Style) -> str:
    """Raises ToolError for what would lead to another path."""
    encode = _encoder(Style(style.name, style.explode))
    text = _MAKERS[style.name](encode(name), value, style.explode, encode)
    if not text or not text.strip(".;=") or _climbs(value):
        words = f"{name} stands in the path: it cannot be empty, and no part of it . or .."
        raise ToolError("invalid_arguments", words, field=name)
    return text


def _climbs(value: Any) -> bool:
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        return any(map(_climbs, parts))
    steps = text_of(value).replace("\\", "/").split("/")
    return any(step in (".", "..") for step in steps)


def query_pairs(name: str, value: Any, style: Style) -> list[Pair]:
    """For the query, a form or the cookies."""
    encode = _encoder(style)
    key = encode(name)
    if style.name == "deepObject":
        return list(_deep(key, value, encode, _DEEPEST))
    if isinstance(value, list):
        items = [encode(text_of(one)) for one in value]
        if style.explode or not items:
            return [(key, item) for item in items]
        return [(key, _DELIMITERS[style.name].join(items))]
    if isinstance(value, dict):
        pairs = _encoded(value, encode)
        if style.explode or not pairs:
            return pairs
        return [(key, _DELIMITERS[style.name].join(part for pair in pairs for part in pair))]
    return [(key, encode(text_of(value)))]


def header_text(name: str, value: Any, style: Style) -> str:
    """Raises ToolError for characters that a header cannot have."""
    text = _simple("", value, style.explode, str).strip(" \t")
    if not all(" " <= character <= "~" for character in text):
        words = f"{name} is sent as a header: it may have printable ASCII characters only"
        raise ToolError("invalid_arguments", words, field=name)
    return text


def _deep(key: str, value: Any, encode: Callable[[str], str], depth: int) -> Iterator[Pair]:
    if depth and isinstance(value, dict):
        for name, item in value.items():
            yield from _deep(f"{key}%5B{encode(name)}%5D", item, encode, depth - 1)
    elif depth and isinstance(value, list):
        for index, item in enumerate(value):
            step = index if isinstance(item, dict | list) else ""
            yield from _deep(f"{key}%5B{step}%5D", item, encode, depth - 1)
    else:
        yield key, encode(text_of(value))


Encode = Callable[[str], str]


def _encoder(style: Style) -> Encode:
    safe = _RESERVED if style.reserved else ""
    return lambda text: quote(text, safe=safe)


def _encoded(value: dict[str, Any], encode: Encode) -> list[Pair]:
    return [(encode(name), encode(text_of(item))) for name, item in value.items()]


def _simple(_: str, value: Any, explode: bool, encode: Encode) -> str:
    if isinstance(value, list):
        return ",".join(encode(text_of(one)) for one in value)
    if isinstance(value, dict):
        mark = "=" if explode else ","
        return ",".join(mark.join(pair) for pair in _encoded(value, encode))
    return encode(text_of(value))


def _label(_: str, value: Any, explode: bool, encode: Encode) -> str:
    mark = "." if explode else ","
    if isinstance(value, list):
        return "." + mark.join(encode(text_of(one)) for one in value)
    if isinstance(value, dict):
        inner = "=" if explode else ","
        return "." + mark.join(inner.join(pair) for pair in _encoded(value, encode))
    return "." + encode(text_of(value))


def _matrix(key: str, value: Any, explode: bool, encode: Encode) -> str:
    if isinstance(value, list):
        items = [encode(text_of(one)) for one in value]
        return "".join(f";{key}={one}" for one in items) if explode else f";{key}={','.join(items)}"
    if isinstance(value, dict):
        pairs = _encoded(value, encode)
        if explode:
            return "".join(f";{name}={item}" for name, item in pairs)
        return f";{key}={','.join(part for pair in pairs for part in pair)}"
    return f";{key}={encode(text_of(value))}"


_MAKERS: Final[dict[str, Callable[[str, Any, bool, Encode], str]]] = {
    "simple": _simple,
    "label": _label,
    "matrix": _matrix,
}
