"""The rules of an agent, as its record has them when it calls."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from onehop.errors import InvalidRequestError, StoreError, StoreUnavailableError

if TYPE_CHECKING:
    from onehop.stores.base import Store
    from onehop.tools import Rule

_BELIEVED: Final = 0.8
"""Seconds that what the store said of an agent's rules is believed, as of its key: a change is to
count within a second, and to ask costs a millisecond of a run."""
_GRACE: Final = 300.0
"""Seconds that what is known of an agent's rules holds while the store does not answer: as long as
its key works then."""
_PATIENCE: Final = 1.0
"""Seconds that the store has to answer about an agent whose rules are known already."""
_REMEMBERED: Final = 4096
"""Agents whose rules are known while the store is away."""

_log = logging.getLogger(__name__)


class AgentRules:
    """Asks the store, so that a change counts within a second on every server, and at once on one
    that hears of it by ``forget``. ``clock`` counts seconds."""

    def __init__(self, store: Store | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, tuple[Rule, ...]]] = OrderedDict()
        """By agent: when the store was asked, and what it said."""
        self._changes = 0

    async def of(self, agent_id: str) -> tuple[Rule, ...]:
        """The rules of this agent; none for one that has no record.

        Raises StoreUnavailableError when the store does not answer and nothing is known, and
        StoreError for rules that this onehop cannot read: without them, nothing may be called.
        """
        if self._store is None or not agent_id:
            return ()
        known = self._known.get(agent_id)
        if known is not None and self._clock() - known[0] < _BELIEVED:
            return known[1]
        asked_at, changes = self._clock(), self._changes
        try:
            async with asyncio.timeout(_PATIENCE if known else None):
                agent = await self._store.get_agent(agent_id)
        except (StoreUnavailableError, TimeoutError) as error:
            if known is None or self._clock() - known[0] >= _GRACE:
                if isinstance(error, StoreUnavailableError):
                    raise
                reason = f"it did not give the rules of an agent within {_PATIENCE:g} s"
                raise StoreUnavailableError(self._store.url, reason) from None
            _log.info("the rules of %s are those that were last known: %s", agent_id, error)
            return known[1]
        rules = self._read(agent_id, None if agent is None else agent.rules)
        if changes == self._changes:  # else the answer may be older than the change
            self._note(agent_id, rules, asked_at)
        return rules

    async def is_revoked(self, agent_id: str) -> bool:
        """Whether this agent may run nothing any more. Raises StoreError."""
        if self._store is None or not agent_id:
            return False
        agent = await self._store.get_agent(agent_id)
        return agent is not None and agent.revoked_at is not None

    def forget(self, agent_id: str) -> None:
        """They are others from now on."""
        self._changes += 1
        self._known.pop(agent_id, None)

    def _read(self, agent_id: str, text: str | None) -> tuple[Rule, ...]:
        if text is None:
            return ()
        from onehop.tools import rules_from_json

        try:
            return rules_from_json(text)
        except InvalidRequestError as error:
            raise StoreError(
                f"the rules of the agent {agent_id!r} cannot be used ({error}), so that it may "
                "call no tool: onehop agents rules sets them anew"
            ) from None

    def _note(self, agent_id: str, rules: tuple[Rule, ...], asked_at: float) -> None:
        self._known[agent_id] = asked_at, rules
        self._known.move_to_end(agent_id)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
