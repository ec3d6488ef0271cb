"""Counts what was refused, so that asking in vain has a price too."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from onehop.server._errors import TooMuchAtOnceError

_MINUTE: Final = 60.0
_KNOWN: Final = 4096
"""Callers that are counted by themselves; further ones are counted together."""
_OTHERS: Final = "others"


@dataclass(slots=True)
class _Minute:
    began: float
    count: int = 0


class Refusals:
    """How often each caller was refused in this minute; in bounded memory."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._minutes: dict[str, _Minute] = {}
        self._full_until = 0.0

    def note(self, caller: str) -> None:
        """``caller`` was refused."""
        self._minute(caller).count += 1

    def check(self, caller: str, most: int) -> None:
        """Raise TooMuchAtOnceError for a caller that was refused ``most`` times in this minute."""
        minute = self._minutes.get(caller) or self._minutes.get(_OTHERS)
        if minute is None or minute.count < most:
            return
        wait = minute.began + _MINUTE - self._clock()
        if wait > 0:
            raise TooMuchAtOnceError(f"{minute.count} calls were refused within a minute", wait)

    def _minute(self, caller: str) -> _Minute:
        now = self._clock()
        if caller not in self._minutes and len(self._minutes) >= _KNOWN:
            self._make_room(now)
            caller = caller if len(self._minutes) < _KNOWN else _OTHERS
        minute = self._minutes.get(caller)
        if minute is None or minute.began <= now - _MINUTE:
            minute = self._minutes[caller] = _Minute(now)
        return minute

    def _make_room(self, now: float) -> None:
        """Forget minutes that are over; look only when one can be, for it costs a walk."""
        if now < self._full_until:
            return
        kept = {who: each for who, each in self._minutes.items() if each.began > now - _MINUTE}
        self._minutes = kept
        self._full_until = min((each.began for each in kept.values()), default=now) + _MINUTE


def address(host: str) -> str:
    """What stands for the machine that calls: of an IPv6 address the network, which it can change
    the rest of at will."""
    try:
        found = ip_address(host)
    except ValueError:
        return host
    return str(IPv6Address(int(found) >> 64 << 64)) if found.version == 6 else host
