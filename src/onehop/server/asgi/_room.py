"""How many bytes of requests are held at once: of each agent, and of all."""

from __future__ import annotations

from collections import Counter

from onehop.server._errors import ServerBusyError, TooMuchAtOnceError

_WAIT = 1.0
"""Seconds after which a client may come back."""


class Room:
    """Bounds what is held; a body that is alone always fits."""

    def __init__(self, per_agent: int, in_all: int) -> None:
        self._per_agent = per_agent
        self._in_all = in_all
        self._used = 0
        self._by_agent: Counter[str] = Counter()

    def share(self, agent_id: str) -> Share:
        """Nothing yet, of this agent's."""
        return Share(self, agent_id)

    def take(self, agent_id: str, held: int, more: int) -> None:
        """Hold ``more`` bytes for a request that has ``held``.

        Raises TooMuchAtOnceError and ServerBusyError.
        """
        own, used = self._by_agent[agent_id], self._used
        if own > held and own + more > self._per_agent:
            raise TooMuchAtOnceError(
                f"other requests of this agent hold {own - held} bytes already; all of them "
                f"together may hold {self._per_agent}",
                _WAIT,
            )
        if used > held and used + more > self._in_all:
            raise ServerBusyError(
                f"other requests hold {used - held} bytes already; all of them together may hold "
                f"{self._in_all}",
                _WAIT,
            )
        self._used = used + more
        self._by_agent[agent_id] = own + more

    def give_back(self, agent_id: str, size: int) -> None:
        """``size`` bytes are held no longer."""
        self._used -= size
        self._by_agent[agent_id] -= size
        if not self._by_agent[agent_id]:
            del self._by_agent[agent_id]


class Share:
    """What one request holds. It grows while the body is read, and ends with the request."""

    def __init__(self, room: Room, agent_id: str) -> None:
        self._room = room
        self._agent_id = agent_id
        self._size = 0

    def grow_to(self, size: int) -> None:
        """Hold this much, if it is more. Raises what ``Room.take`` raises."""
        if size > self._size:
            self._room.take(self._agent_id, self._size, size - self._size)
            self._size = size

    def end(self) -> None:
        """Hold nothing."""
        size, self._size = self._size, 0
        self._room.give_back(self._agent_id, size)
