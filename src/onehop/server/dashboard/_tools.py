"""The tools that code may call: what they do, and how their latest calls went."""

from __future__ import annotations

from typing import Any, Final

from onehop.analytics import MAX_LIMIT
from onehop.server.dashboard._spans import SPANS, now_ms, span_of
from onehop.server.dashboard._visit import FRESH, Page, Visit

_SHOWN: Final = 200
_FOUND: Final = 50
"""Tools that the page lists."""


async def look(visit: Visit) -> Page:
    """The catalogue, searched by the words of the address, with the calls of a span."""
    wanted, span = visit.asked.get("query", "")[:1000], span_of(visit.asked, "7d")
    discovery = visit.parts.executor.sandbox.toolbox.discovery
    spaces = [space for space in discovery.list() if isinstance(space, dict)]
    found = discovery.search(wanted, None, _FOUND) if wanted else _all(discovery, spaces)
    await visit.parts.executor.flush(FRESH)
    stats = await visit.parts.analytics.get_tool_stats(None, span.since(now_ms()), MAX_LIMIT)
    uses = {each.tool: each for each in stats}
    known = {tool["path"] for tool in found}
    upstreams = visit.parts.executor.sandbox.toolbox.upstreams()
    facts = {
        "upstreams": upstreams,
        "query": wanted,
        "span": span,
        "spans": SPANS.values(),
        "tools": [{**tool, "use": uses.get(tool["path"])} for tool in found],
        "gone": [] if wanted else sorted(set(uses) - known)[:_SHOWN],
        "total": sum(space["count"] for space in spaces),
    }
    return Page("tools.html", facts)


def _all(discovery: Any, spaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    paths = [path for space in spaces for path in discovery.list(space["namespace"])]
    return [discovery.hit(path) for path in paths[:_SHOWN]]
