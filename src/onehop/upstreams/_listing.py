"""The tools that a server lists: those that were wanted, each bounded, with what it does."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, ClassVar, Final

from onehop.tools import Effect, Tool
from onehop.upstreams import _bounds
from onehop.upstreams._options import UpstreamOptions

if TYPE_CHECKING:
    import mcp_types as types

_log = logging.getLogger(__name__)

_NEEDED: Final = {"name", "description", "inputSchema", "outputSchema", "annotations"}
_HINTS: Final = ("readOnlyHint", "destructiveHint")
_STRICTEST: Final = "2025-11-25"
"""The protocol whose form of a tool all others accept."""

MakeCall = Callable[[str, Effect], Callable[..., Any]]
"""The function that calls the tool of this name and effect."""


class UpstreamTool(Tool):
    """A tool of a server. Its time begins when the server is asked, not while it waits."""

    starts_itself: ClassVar[bool] = True


def sift(result: dict[str, Any]) -> dict[str, Any]:
    """An answer; if it lists tools, without those that the SDK would refuse together with all."""
    listed = result.get("tools")
    if isinstance(listed, list):
        result["tools"] = [one for one in listed if _is_tool(one)]
    return result


def _is_tool(given: Any) -> bool:
    """Whether it has the form of a tool, once what is not needed of it is gone. A schema that is
    ``true`` or absent takes any object."""
    if not isinstance(given, dict):
        return False
    if given.get("inputSchema") in (None, True):
        given["inputSchema"] = {}
    if isinstance(given["inputSchema"], dict):
        given["inputSchema"].setdefault("type", "object")
    for name in given.keys() - _NEEDED:
        del given[name]
    if not isinstance(given.get("description"), str):
        given.pop("description", None)
    given["annotations"] = _hints(given.get("annotations"))
    if len(json.dumps(given)) > _bounds.TOOL:
        return False
    if not _is_valid(given):
        given.pop("outputSchema", None)
    return _is_valid(given)


def _hints(given: Any) -> dict[str, bool]:
    said = given if isinstance(given, dict) else {}
    return {name: said[name] for name in _HINTS if isinstance(said.get(name), bool)}


def _is_valid(tool: dict[str, Any]) -> bool:
    from mcp_types.methods import validate_server_result

    try:
        validate_server_result("tools/list", _STRICTEST, {"tools": [tool]})
    except ValueError:
        return False
    return True


def tools_of(
    listed: Iterable[types.Tool], options: UpstreamOptions, make_call: MakeCall
) -> Iterator[Tool]:
    """What the options take of a listing."""
    for one in listed:
        if not _is_wanted(one.name, options):
            continue
        chosen = _chosen_effect(one.name, options)
        effect = chosen or _hinted_effect(one)
        yield UpstreamTool(
            one.name,
            make_call(one.name, effect),
            (one.description or "")[: _bounds.DESCRIPTION],
            one.input_schema,
            one.output_schema,
            effect,
            is_hint=chosen is None,
        )


def _chosen_effect(name: str, options: UpstreamOptions) -> Effect | None:
    """By its name, else by the first glob."""
    if name in options.effects:
        return options.effects[name]
    return next((e for glob, e in options.effects.items() if fnmatchcase(name, glob)), None)


def _hinted_effect(tool: types.Tool) -> Effect:
    """By what the server says, the worse of two; else it writes."""
    said = tool.annotations
    if said is not None and said.destructive_hint:
        return "destructive"
    return "read" if said is not None and said.read_only_hint else "write"


def _is_wanted(name: str, options: UpstreamOptions) -> bool:
    return _matches(name, options.include) and not _matches(name, options.exclude)


def _matches(name: str, globs: Iterable[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)
