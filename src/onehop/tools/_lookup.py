"""One question about tools, as it comes from outside the code: by MCP, by HTTP, from a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, get_args

from onehop.errors import ToolError
from onehop.tools._discovery import MOST, Discovery

Detail = Literal["brief", "signature", "schema"]
_DETAILS: Final = get_args(Detail)
_NAMES: Final = 50
"""Tools that one question may name."""


def look_up(
    discovery: Discovery,
    *,
    query: str | None = None,
    namespaces: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    detail: str = "signature",
    limit: int = 10,
) -> dict[str, Any]:
    """``{"tools": […]}`` that are named or fit ``query``, in so much ``detail``; without either the
    ``namespaces``, or the tools of those that are given.

    Raises ToolError for a wrong question.
    """
    if detail not in _DETAILS:
        expected = ", ".join(_DETAILS)
        raise ToolError("invalid_arguments", f"detail must be one of {expected}", field="detail")
    if names is not None:
        return {"tools": [_described(discovery, name, detail) for name in _few(names)]}
    if query is not None:
        hits = discovery.search(query, namespaces, limit)
        return {"tools": [_in_detail(discovery, hit, detail) for hit in hits]}
    if namespaces is None:
        return {"namespaces": discovery.list()}
    paths = (path for name in namespaces for path in discovery.list(name))
    return {"tools": [_described(discovery, str(path), detail) for path in _first(paths)]}


def _few(names: Sequence[str]) -> Sequence[str]:
    if len(names) > _NAMES:
        raise ToolError("invalid_arguments", f"name at most {_NAMES} tools", field="names")
    return names


def _first(paths: Iterable[Any]) -> list[Any]:
    return [path for path, _ in zip(paths, range(MOST), strict=False)]


def _described(discovery: Discovery, name: str, detail: str) -> dict[str, Any]:
    if detail == "schema":
        return discovery.describe(name)
    return _in_detail(discovery, discovery.hit(name), detail)


def _in_detail(discovery: Discovery, hit: dict[str, Any], detail: str) -> dict[str, Any]:
    if detail == "schema":
        return {"description": hit["description"], **discovery.describe(hit["path"])}
    if detail == "brief":
        return {name: value for name, value in hit.items() if name != "signature"}
    return hit
