"""Who is logged in: a random cookie stands for a key, in this process's memory only."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from onehop.stores.base import AgentRecord

_MOST: Final = 4096
"""Sessions that are kept; a new one ends the one that was used least recently."""
_EACH: Final = 64
"""Sessions of one key."""


@dataclass(slots=True)
class Session:
    """One login. The key itself is not kept: what the store knows of it is enough."""

    agent_id: str
    key_id: str
    key_hash: str = field(repr=False)
    ends: float
    used: float
    digest: str = field(repr=False)

    def is_of(self, agent: AgentRecord | None) -> bool:
        """Whether the key that opened it is still the agent's."""
        return (
            agent is not None
            and agent.revoked_at is None
            and hmac.compare_digest(agent.key_hash, self.key_hash)
        )


class Sessions:
    """Opens, finds and ends sessions. ``lifetime`` and ``idle`` are seconds; ``clock`` counts them.

    A token is 256 random bits. Only its hash is kept, so that a copy of this process's memory
    is worth as little as a copy of the store.
    """

    def __init__(
        self, lifetime: float, idle: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._lifetime = lifetime
        self._idle = idle
        self._clock = clock
        self._open: OrderedDict[str, Session] = OrderedDict()
        self._secret = secrets.token_bytes(32)

    def begin(self, agent: AgentRecord) -> str:
        """Open one for the holder of a key; gives the cookie's token."""
        self._sweep(agent.key_id)
        token, now = secrets.token_urlsafe(32), self._clock()
        digest = _digest(token)
        self._open[digest] = Session(
            agent_id=agent.agent_id,
            key_id=agent.key_id,
            key_hash=agent.key_hash,
            ends=now + self._lifetime,
            used=now,
            digest=digest,
        )
        return token

    def find(self, token: str) -> Session | None:
        """The session of a cookie, if it has not ended. To look for it counts as use."""
        session = self._open.get(_digest(token))
        if session is None:
            return None
        now = self._clock()
        if self._is_over(session, now):
            self.end(session)
            return None
        session.used = now
        self._open.move_to_end(session.digest)
        return session

    def end(self, session: Session) -> None:
        """Log it out."""
        self._open.pop(session.digest, None)

    def token_for(self, session: Session | None) -> str:
        """What a form must carry, so that no page elsewhere can send it."""
        about = session.digest if session else "nobody"
        return hmac.digest(self._secret, about.encode(), "sha256").hex()

    def _is_over(self, session: Session, now: float) -> bool:
        return now >= session.ends or now >= session.used + self._idle

    def _sweep(self, key_id: str) -> None:
        """Make room for one more of this key."""
        now = self._clock()
        for session in [each for each in self._open.values() if self._is_over(each, now)]:
            self.end(session)
        own = [each for each in self._open.values() if each.key_id == key_id]
        for session in own[: max(0, len(own) - _EACH + 1)]:
            self.end(session)
        while len(self._open) >= _MOST:
            self._open.popitem(last=False)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
