"""A bounded queue that serves agents in turn: one that asks a thousand times does not starve
another that asks once."""

from __future__ import annotations

from collections import OrderedDict, deque
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

    def pop(self) -> T:
        """Take the next item of the agent whose turn it is. Raises IndexError when empty."""
        if not self._by_agent:
            raise IndexError("the queue is empty")
        agent, items = self._by_agent.popitem(last=False)
        item = items.popleft()
        if items:
            self._by_agent[agent] = items
        self._length -= 1
        return item

    def discard(self, agent: str, item: T) -> None:
        """Remove ``item`` if it still waits."""
        items = self._by_agent.get(agent)
        if items is None or item not in items:
            return
        items.remove(item)
        self._length -= 1
        if not items:
            del self._by_agent[agent]
