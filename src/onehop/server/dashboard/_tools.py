"""The tools that code may call: what they do, and how their latest calls went."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from onehop.sandbox.snippets import SPACE
from onehop.server.dashboard._counted import AGAIN, Counted
from onehop.server.dashboard._spans import SPANS, span_of
from onehop.server.dashboard._visit import FRESH, Page, Visit

_SHOWN: Final = 200
_FOUND: Final = 50
"""Tools that the page lists."""


class Tools:
    """The page. ``counted`` is what it counts of a span."""

    def __init__(self, counted: Counted) -> None:
        self._counted = counted

    async def look(self, visit: Visit) -> Page:
        """The catalogue, searched by the words of the address, with the calls of a span."""
        wanted, span = visit.asked.get("query", "")[:1000], span_of(visit.asked, "7d")
        toolbox = visit.parts.executor.sandbox.toolbox
        spaces = [space for space in toolbox.discovery.list() if isinstance(space, dict)]
        found = _found(toolbox.discovery, spaces, wanted)
        await visit.parts.executor.flush(FRESH)
        stats = await self._counted.figures(span)
        uses = {each.tool: each for each in (stats.answer.tools if stats.answer else ())}
        known = {tool["path"] for tool in found}
        facts = {
            "upstreams": toolbox.upstreams(),
            "query": wanted,
            "span": span,
            "spans": SPANS.values(),
            "tools": [{**tool, "use": uses.get(tool["path"])} for tool in found],
            "gone": [] if wanted else _gone(set(uses) - known),
            "total": sum(space["count"] for space in spaces),
            "counting": stats.answer is None,
            "refresh": AGAIN if stats.late else 0,
        }
        return Page("tools.html", facts)


def _gone(paths: Iterable[str]) -> list[str]:
    """Those that no tool has; snippets have a page of their own."""
    return sorted(path for path in paths if not path.startswith(f"{SPACE}."))[:_SHOWN]


def _found(discovery: Any, spaces: list[dict[str, Any]], wanted: str) -> Any:
    return discovery.search(wanted, None, _FOUND) if wanted else _all(discovery, spaces)


def _all(discovery: Any, spaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    paths = [path for space in spaces for path in discovery.list(space["namespace"])]
    return [discovery.hit(path) for path in paths[:_SHOWN]]
