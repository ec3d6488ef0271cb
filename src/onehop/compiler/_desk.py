"""What is kept for one agent: its compiler, and the programs that it compiled last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from onehop.compiler._answers import Compiled, Refused
from onehop.compiler._process import Compiler

_MOST_KEPT = 64
_MOST_KEPT_CHARACTERS = 4 << 20
"""Of the programs, and of what was made of them."""


class Desk:
    """One agent's; nothing of it is ever another's."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        """A compiler answers one question at a time."""
        self.compiler: Compiler | None = None
        self.callers = 0
        """Who is at it, waiting or served."""
        self.holds_place = False
        """Whether its compiler, also one that is being started, counts among those allowed."""
        self.place_since = 0.0
        self.idle_timer: asyncio.TimerHandle | None = None
        self._known: OrderedDict[str, Compiled | Refused] = OrderedDict()
        self._characters = 0

    def recall(self, code: str, *, checked: bool) -> Compiled | Refused | None:
        """What became of ``code`` before: agents repeat themselves."""
        known = self._known.get(code)
        if known is None or (checked and isinstance(known, Compiled) and not known.is_checked):
            return None
        self._known.move_to_end(code)
        return known

    def remember(self, code: str, result: Compiled | Refused) -> None:
        """Keep it, and forget the oldest for room."""
        if code in self._known:
            self._characters -= _size(code, self._known.pop(code))
        self._known[code] = result
        self._characters += _size(code, result)
        while len(self._known) > _MOST_KEPT or self._characters > _MOST_KEPT_CHARACTERS:
            self._characters -= _size(*self._known.popitem(last=False))

    def keep_timer(self, timer: asyncio.TimerHandle | None) -> None:
        """Replace the timer that ends an idle compiler."""
        if self.idle_timer is not None:
            self.idle_timer.cancel()
        self.idle_timer = timer


def _size(code: str, result: Compiled | Refused) -> int:
    if isinstance(result, Compiled):
        return len(code) + len(result.code) + len(result.positions)
    return len(code) + len(result.message)
