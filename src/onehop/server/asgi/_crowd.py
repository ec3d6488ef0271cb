"""Who is connected: bounded, so that idle clients cannot use up the process's descriptors."""

from __future__ import annotations

import logging
import resource
import time
from collections.abc import Callable
from typing import Final, Protocol

_MOST: Final = 4096
_OTHERS: Final = 96
"""Descriptors that workers, store and journal need."""
_SILENCE: Final = 60.0
"""Seconds between two lines of the log about it."""

_log = logging.getLogger(__name__)


class Member(Protocol):
    """A connection."""

    def drop(self) -> None:
        """End it at once."""


def room_for_connections() -> int:
    """Half of the descriptors that the process may have, and less if they are few."""
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST
    return max(1, min(_MOST, soft // 2, soft - _OTHERS))


class Crowd:
    """Counts connections; one too many takes the place of the one that is idle the longest, or is
    refused when all are busy."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._all: set[Member] = set()
        self._idle: dict[Member, None] = {}
        self._told = float("-inf")
        self._dropped = 0

    def enter(self, member: Member) -> bool:
        """Whether there is room for it; it is idle at first."""
        if len(self._all) >= self._most and not self._make_room():
            return False
        self._all.add(member)
        self._idle[member] = None
        return True

    def busy(self, member: Member) -> None:
        """It has a request that is not answered."""
        self._idle.pop(member, None)

    def idle(self, member: Member) -> None:
        """It has none."""
        if member in self._all:
            self._idle[member] = None

    def leave(self, member: Member) -> None:
        """It is gone."""
        self._all.discard(member)
        self._idle.pop(member, None)

    def _make_room(self) -> bool:
        longest = next(iter(self._idle), None)
        self._tell("idle ones are closed for new ones" if longest else "new ones are refused")
        if longest is None:
            return False
        self.leave(longest)
        longest.drop()
        return True

    def _tell(self, what: str) -> None:
        self._dropped += 1
        if self._clock() - self._told < _SILENCE:
            return
        self._told = self._clock()
        _log.warning(
            "%d connections are open, the most there may be (ONEHOP_MAX_CONNECTIONS), and %s: "
            "%d so far",
            len(self._all),
            what,
            self._dropped,
        )
