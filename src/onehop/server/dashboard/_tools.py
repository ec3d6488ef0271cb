"""The tools that code may call: what they do, and how their latest calls went."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.events import Event, ToolCompleted, ToolDenied, ToolFailed
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.stores.base import EventQuery

_SHOWN: Final = 200
_FOUND: Final = 50
"""Tools that the page lists."""
_WINDOW: Final = 20_000
"""The latest events of any kind, among which those of tools are looked for."""
_EVENTS: Final = 5_000
_KINDS: Final = frozenset({"code:tool:completed", "code:tool:failed", "code:tool:denied"})


@dataclass(slots=True)
class Use:
    """How the latest calls of one tool went."""

    calls: int = 0
    failed: int = 0
    denied: int = 0
    durations: list[float] = field(default_factory=list)

    def percentile(self, percent: int) -> float | None:
        """By nearest rank, in ms."""
        if not self.durations:
            return None
        place = -(-len(self.durations) * percent // 100)
        return sorted(self.durations)[max(place, 1) - 1]

    def take(self, event: Event) -> None:
        """One more."""
        self.calls += 1
        if isinstance(event, ToolDenied):
            self.denied += 1
        if isinstance(event, ToolFailed):
            self.failed += 1
        if isinstance(event, ToolCompleted | ToolFailed):
            self.durations.append(event.duration)


async def look(visit: Visit) -> Page:
    """The catalogue, searched by the words of the address."""
    wanted = visit.asked.get("query", "")[:1000]
    discovery = visit.parts.executor.sandbox.toolbox.discovery
    spaces = [space for space in discovery.list() if isinstance(space, dict)]
    found = discovery.search(wanted, None, _FOUND) if wanted else _all(discovery, spaces)
    await visit.parts.executor.flush(FRESH)
    uses, number = await _uses(visit)
    known = {tool["path"] for tool in found}
    facts = {
        "query": wanted,
        "tools": [{**tool, "use": uses.get(tool["path"])} for tool in found],
        "gone": [] if wanted else sorted(set(uses) - known)[:_SHOWN],
        "uses": uses,
        "number": number,
        "total": sum(space["count"] for space in spaces),
        "spaces": spaces,
    }
    return Page("tools.html", facts)


def _all(discovery: Any, spaces: list[dict[str, Any]]) -> list[dict[str, Any]]:
    paths = [path for space in spaces for path in discovery.list(space["namespace"])]
    return [discovery.hit(path) for path in paths[:_SHOWN]]


async def _uses(visit: Visit) -> tuple[dict[str, Use], int]:
    """By tool, and how many calls they are made of."""
    store = visit.parts.store
    after = max(0, await store.last_event() - _WINDOW)
    found = await store.events(EventQuery(after=after, event_types=_KINDS, limit=_EVENTS))
    uses: dict[str, Use] = defaultdict(Use)
    for stored in found:
        if isinstance(stored.event, ToolCompleted | ToolFailed | ToolDenied):
            uses[stored.event.tool].take(stored.event)
    return dict(uses), len(found)
