"""Agents and their keys: who may call, as what, and how much.

A key is ``oh_ID_SECRET``. The store knows the id, and the hash of the secret, which is 256 random
bits; the key itself is shown once, by what makes it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from onehop.errors import (
    AgentChangedError,
    AgentExistsError,
    AgentNotFoundError,
    InvalidRequestError,
    StoreUnavailableError,
    UnauthorizedError,
)
from onehop.stores.base import AgentLimits, AgentRecord, Role, Store
from onehop.tools import Rule, read_rules, rules_to_json

NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}"
"""What an agent's id looks like."""
_NAME: Final = re.compile(NAME)
_KEY: Final = re.compile(r"oh_([0-9a-f]{16})_([0-9a-f]{64})")
_BELIEVED: Final = 0.8
"""Seconds that what the store said of a key is believed: a change is to count within a second."""
_RENEWED: Final = 0.4
"""Seconds after which the store is asked again about a key in use, in the background: a caller
that had to wait for the answer would wait longer than for all else that the server does."""
_IN_USE: Final = 60.0
"""Seconds that a key counts as in use after a call: a model thinks between two of them."""
_KEPT_FRESH: Final = 16
"""Keys about which the store is asked again though they were not used since it was asked."""
_REMEMBERED: Final = 4096
"""Keys that are remembered in this way."""
_PATIENCE: Final = 1.0
"""Seconds that the store has to say more about a key that is known already."""
_TOLD: Final = 20
"""Rules that the log names."""
_ROLES: Final[tuple[Role, ...]] = get_args(Role)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NewKey:
    """An agent and its new key, which cannot be shown again."""

    agent: AgentRecord
    key: str

    def __repr__(self) -> str:
        return f"NewKey(agent={self.agent!r}, key='oh_{self.agent.key_id}_***')"


@dataclass(slots=True)
class _Seen:
    """What the store said of a key, and when."""

    agent: AgentRecord
    at: float
    used: float
    """When a caller had it last."""


class Agents:
    """Makes, changes and recognises the agents in ``store``, which is open.

    A change takes effect within a second in every process that shares the store. While the store
    does not answer, a key that was good goes on working for ``grace`` seconds. ``clock`` counts
    seconds. Every method may raise StoreUnavailableError.
    """

    def __init__(
        self,
        store: Store,
        *,
        grace: float = 300.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._grace = grace
        self._clock = clock
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._asking: dict[str, asyncio.Task[AgentRecord | None]] = {}
        self._renewals: dict[str, asyncio.TimerHandle] = {}

    async def add(
        self,
        agent_id: str,
        role: Role = "agent",
        *,
        max_runs: int | None = None,
        max_rate: int | None = None,
        max_body: int | None = None,
        rules: Any = None,
    ) -> NewKey:
        """Make an agent; one whose key was revoked may be made anew. ``rules`` are for its calls of
        tools, as ``tools.read_rules`` takes them.

        Raises InvalidRequestError and AgentExistsError.
        """
        _check_name(agent_id)
        if role not in _ROLES:
            raise InvalidRequestError("role", repr(role)[:80], " or ".join(map(repr, _ROLES)))
        limits = {"max_runs": max_runs, "max_rate": max_rate, "max_body": max_body}
        for name, limit in limits.items():
            _check_limit(name, limit)
        key_id, secret = _mint()
        agent = AgentRecord(
            agent_id=agent_id,
            role=role,
            key_id=key_id,
            key_hash=_hash(secret),
            max_runs=max_runs,
            max_rate=max_rate,
            max_body=max_body,
            rules=rules_to_json(read_rules(rules)),
            created_at=_now(),
        )
        if not await self._store.add_agent(agent):
            raise AgentExistsError(agent_id)
        _log.info("agent %s was added with the role %s", agent_id, role)
        return NewKey(agent, _key(key_id, secret))

    async def list(self) -> list[AgentRecord]:
        """All agents, revoked ones too, by name."""
        return await self._store.agents()

    async def get(self, agent_id: str) -> AgentRecord:
        """One agent. Raises AgentNotFoundError, also for one whose key was revoked."""
        agent = await self._store.get_agent(agent_id)
        if agent is None or agent.revoked_at is not None:
            raise AgentNotFoundError(agent_id)
        return agent

    async def set_rules(self, agent_id: str, rules: Any) -> tuple[Rule, ...]:
        """Replace an agent's rules for its calls of tools; they count from its next run on.

        Raises InvalidRequestError for wrong rules, and AgentNotFoundError.
        """
        read = read_rules(rules)
        if not await self._store.set_rules(agent_id, rules_to_json(read)):
            raise AgentNotFoundError(agent_id)
        told = "; ".join(map(str, read[:_TOLD])) or "none"
        _log.info("agent %s has %d rules: %s", agent_id, len(read), told)
        return read

    async def set_limits(
        self,
        agent_id: str,
        changed: Mapping[str, int | None],
        *,
        was: AgentLimits | None = None,
        by: str,
    ) -> AgentRecord:
        """Change what an agent may ask for, by the names of AgentLimits; what is not named stays,
        and None is as the settings have it. With ``was``, only if its limits are still those. It
        counts at once here, and within a second in every other process. The log says who wanted
        it: ``by``.

        Raises InvalidRequestError, AgentNotFoundError and AgentChangedError.
        """
        for name, limit in changed.items():
            _check_limit(name, limit)
        known = (await self.get(agent_id)).limits
        wanted = replace(known, **changed)
        is_first = was in (None, known) and await self._store.set_limits(agent_id, wanted, known)
        agent = await self.get(agent_id)
        if not is_first:
            raise AgentChangedError(agent_id)
        self._forget(agent_id)
        _log.info(
            "%s has changed the limits of agent %s from %s to %s", by, agent_id, known, wanted
        )
        return agent

    async def rotate(self, agent_id: str) -> NewKey:
        """Give an agent a new key; the old one stops working. Raises AgentNotFoundError."""
        key_id, secret = _mint()
        changed = await self._store.rekey_agent(agent_id, key_id, _hash(secret), _now())
        agent = await self._store.find_agent(key_id) if changed else None
        if agent is None:
            raise AgentNotFoundError(agent_id)
        self._forget(agent_id)
        _log.info("agent %s has a new key", agent_id)
        return NewKey(agent, _key(key_id, secret))

    async def revoke(self, agent_id: str) -> None:
        """Let an agent's key open nothing more. Raises AgentNotFoundError."""
        if not await self._store.revoke_agent(agent_id, _now()):
            raise AgentNotFoundError(agent_id)
        self._forget(agent_id)
        _log.info("the key of agent %s was revoked", agent_id)

    async def authenticate(self, key: str) -> AgentRecord:
        """Whose key this is. Raises UnauthorizedError."""
        parts = _KEY.fullmatch(key)
        if parts is None:
            raise UnauthorizedError(sent=True)
        key_id, secret = parts.groups()
        agent = await self._find(key_id)
        known = agent.key_hash if agent is not None else _hash("")
        if not hmac.compare_digest(known, _hash(secret)) or agent is None:
            raise UnauthorizedError(sent=True)
        if agent.revoked_at is not None:
            raise UnauthorizedError(sent=True)
        return agent

    async def find(self, key_id: str) -> AgentRecord | None:
        """Who has the key of this id, revoked or not; believed as long as a key's check is."""
        return await self._find(key_id)

    def knows(self, key: str) -> bool:
        """Whether the store need not be asked about this key, right or wrong."""
        parts = _KEY.fullmatch(key)
        return parts is None or parts[1] in self._seen

    def rest(self) -> None:
        """Ask the store nothing more, until a key is used again."""
        renewals, self._renewals = self._renewals, {}
        for timer in renewals.values():
            timer.cancel()

    async def _find(self, key_id: str) -> AgentRecord | None:
        seen = self._seen.get(key_id)
        if seen is not None:
            seen.used = self._clock()
            if seen.used - seen.at < _BELIEVED:
                self._renew_later(key_id)
                return seen.agent
        question = self._asking.get(key_id) or self._ask(key_id)
        # Who is known need not wait for a database that hangs; others have no other way.
        await asyncio.wait([question], timeout=_PATIENCE if seen else None)
        if question.done() and not question.cancelled() and question.exception() is None:
            return question.result()
        if seen is not None and self._clock() - seen.at < self._grace:
            return seen.agent
        return await asyncio.shield(question)

    def _renew_later(self, key_id: str) -> None:
        if key_id not in self._renewals:
            loop = asyncio.get_running_loop()
            self._renewals[key_id] = loop.call_later(_RENEWED, self._renew, key_id)

    def _renew(self, key_id: str) -> None:
        del self._renewals[key_id]
        seen = self._seen.get(key_id)
        if seen is None or key_id in self._asking:
            return
        unused = self._clock() - seen.used
        if unused < _RENEWED or (unused < _IN_USE and len(self._renewals) < _KEPT_FRESH):
            self._ask(key_id)

    def _ask(self, key_id: str) -> asyncio.Task[AgentRecord | None]:
        """One question at a time about each key, however many wait for the answer."""
        question = asyncio.get_running_loop().create_task(self._look_up(key_id))
        self._asking[key_id] = question
        question.add_done_callback(lambda task: self._answered(key_id, task))
        return question

    async def _look_up(self, key_id: str) -> AgentRecord | None:
        asked = self._clock()
        agent = await self._store.find_agent(key_id)
        if agent is not None:  # others are not kept: anybody can make them up
            earlier = self._seen.get(key_id)
            self._seen[key_id] = _Seen(agent, asked, earlier.used if earlier else asked)
            self._seen.move_to_end(key_id)
            if len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)
            self._renew_later(key_id)
        else:
            self._seen.pop(key_id, None)
        return agent

    def _answered(self, key_id: str, question: asyncio.Task[AgentRecord | None]) -> None:
        self._asking.pop(key_id, None)
        error = None if question.cancelled() else question.exception()
        if error is not None and not isinstance(error, StoreUnavailableError):
            _log.error("a key could not be looked up", exc_info=error)

    def _forget(self, agent_id: str) -> None:
        gone = [key for key, seen in self._seen.items() if seen.agent.agent_id == agent_id]
        for key_id in gone:
            del self._seen[key_id]


def _mint() -> tuple[str, str]:
    return secrets.token_hex(8), secrets.token_hex(32)


def _key(key_id: str, secret: str) -> str:
    return f"oh_{key_id}_{secret}"


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _check_name(agent_id: Any) -> None:
    if not (isinstance(agent_id, str) and _NAME.fullmatch(agent_id)):
        allowed = "1 to 128 letters, digits and . _ : @ -, the first a letter or digit"
        raise InvalidRequestError("agent_id", repr(agent_id)[:80], allowed)


def _check_limit(name: str, limit: Any) -> None:
    if limit is not None and not (type(limit) is int and 1 <= limit <= 1 << 40):
        raise InvalidRequestError(name, repr(limit)[:80], "a whole number from 1 on, or nothing")
