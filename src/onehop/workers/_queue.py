"""A queue that serves agents in turn: one that asks a thousand times does not starve another that
asks once."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """First in, first out for each agent; round robin over agents."""

    def __init__(self) -> None:
        self._by_agent: OrderedDict[str, deque[T]] = OrderedDict()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, agent: str, item: T) -> None:
        """Put ``item`` behind the others of ``agent``."""
        self._by_agent.setdefault(agent, deque()).append(item)
        self._length += 1

    def waits(self, agent: str) -> bool:
        """Whether ``agent`` has an item here."""
        return agent in self._by_agent

    def agents(self) -> list[str]:
        """Those that have items here, in turn."""
        return list(self._by_agent)

    def turn(self, admits: Callable[[str], bool]) -> str | None:
        """The agent whose turn it is among those that may come in now."""
        return next((agent for agent in self._by_agent if admits(agent)), None)

    def first(self, agent: str) -> T:
        """The next item of ``agent``. Raises KeyError when it has none."""
        return self._by_agent[agent][0]

    def pop(self, agent: str) -> T:
        """Take the next item of ``agent``, whose next turn comes after all others'. Raises KeyError
        when it has none."""
        items = self._by_agent.pop(agent)
        item = items.popleft()
        if items:
            self._by_agent[agent] = items
        self._length -= 1
        return item

    def drop(self) -> T | None:
        """Take the newest item of the agent that has most, if one has more than one."""
        if self._length == len(self._by_agent):
            return None
        agent = max(self._by_agent, key=lambda name: len(self._by_agent[name]))
        self._length -= 1
        return self._by_agent[agent].pop()

    def displace(self, agent: str) -> T | None:
        """What leaves a full queue for ``agent``: the newest item of the agent that has most, if
        ``agent`` has nothing here; else nothing."""
        return None if self.waits(agent) else self.drop()

    def discard(self, agent: str, item: T) -> None:
        """Remove ``item`` if it still waits."""
        items = self._by_agent.get(agent)
        if items is None or item not in items:
            return
        items.remove(item)
        self._length -= 1
        if not items:
            del self._by_agent[agent]
