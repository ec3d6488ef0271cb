"""Snippets in this process's memory."""

from __future__ import annotations

from onehop.runs.saved import MOST_SNIPPETS, Snippet


class MemorySnippets:
    """Snippets of the store that keeps nothing on disk."""

    _snippets: dict[tuple[str, str], Snippet]

    async def snippets(self, agent_id: str | None = None) -> list[Snippet]:
        """By agent and name."""
        found = sorted(self._snippets.values(), key=lambda each: (each.agent_id, each.name))
        return [each for each in found if agent_id in (None, each.agent_id)][:MOST_SNIPPETS]

    async def snippet(self, agent_id: str, name: str) -> Snippet | None:
        """What is kept under a name."""
        return self._snippets.get((agent_id, name))

    async def keep_snippet(self, snippet: Snippet) -> bool:
        """Put it in the place of the version before."""
        key = snippet.agent_id, snippet.name
        kept = self._snippets.get(key)
        if snippet.version != (1 if kept is None else kept.version + 1):
            return False
        self._snippets[key] = snippet
        return True

    async def drop_snippet(self, agent_id: str, name: str) -> bool:
        """Forget it."""
        return self._snippets.pop((agent_id, name), None) is not None
