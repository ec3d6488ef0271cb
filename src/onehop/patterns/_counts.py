"""How often which shapes of failures came, and what is said of it.

An agent is taught by its own runs, and by those of all once three agents failed alike. What is
kept is bounded, in memory, and closed: see ``_shapes``.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, TypeVar

from onehop.patterns._advice import ADVICE, CONSTRUCT_WORDS, KIND_WORDS
from onehop.patterns._shapes import NOT_THE_CODE, known

AGENTS_ALIKE: Final = 3
"""Distinct agents that must have failed alike before others hear of it."""
WINDOW: Final = 50
"""Runs of an agent that its failure rate is about."""
_MAX_HINTS: Final = 3
_HABIT: Final = 3
"""Failures of one shape from which it is called a habit."""
_FOREIGN: Final = "Error:other:none"
"""What stands for a shape that is not ours, such as one that a store has altered."""

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class AgentHistory:
    """How an agent has fared, for the risk of its next run."""

    failure_rate: float = 0.0
    """Share of failures among its last 50 runs."""
    errors: int = 0
    """Failures among them."""
    repeats_failure: bool = False
    """Whether the agent's last run of this very code failed by the code's own doing."""


@dataclass(slots=True)
class _Agent:
    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    shapes: OrderedDict[str, int] = field(default_factory=OrderedDict)
    codes: OrderedDict[str, bool] = field(default_factory=OrderedDict)
    """By hash, whether the last run failed."""


@dataclass(slots=True)
class _Everyone:
    count: int = 0
    agents: set[bytes] = field(default_factory=set)


class Patterns:
    """Counts the shapes of failures; the least recently used agents and entries go first."""

    def __init__(self, max_agents: int = 1000, max_entries: int = 200) -> None:
        self._max_agents = max_agents
        self._max_entries = max_entries
        self._agents: OrderedDict[bytes, _Agent] = OrderedDict()
        self._everyone: OrderedDict[str, _Everyone] = OrderedDict()

    def observe(self, agent_id: str, code_hash: str, shape: str | None) -> None:
        """Learn from a run that has ended; ``shape`` is None when it succeeded.

        Runs that were cancelled, or failed by our own doing, teach nothing.
        """
        if shape is not None and not known(shape):
            shape = _FOREIGN
        if shape is not None and _kind(shape) in NOT_THE_CODE:
            return
        key = _key(agent_id)
        agent = _touch(self._agents, key, _Agent(), self._max_agents)
        agent.failed.append(shape is not None)
        agent.codes.pop(code_hash[:64], None)
        _touch(agent.codes, code_hash[:64], shape is not None, self._max_entries)
        if shape is not None:
            _touch(agent.shapes, shape, 0, self._max_entries)
            agent.shapes[shape] += 1
            self._count_for_everyone(key, shape)

    def hints(self, agent_id: str, shape: str) -> list[str]:
        """What earlier runs say to an agent that has just failed with ``shape``.

        At most three sentences: its own failures of this shape, those of all agents, and what it
        fails with most besides. Empty the first time. The run itself is observed afterwards.
        """
        if not known(shape) or _kind(shape) in NOT_THE_CODE:
            return []
        own = self._agents.get(_key(agent_id))
        told = [
            *(_own(own, shape) if own else ()),
            *_others(self._everyone.get(shape), shape),
            *(_habit(own, shape) if own else ()),
        ]
        return told[:_MAX_HINTS]

    def history(self, agent_id: str, code_hash: str) -> AgentHistory:
        """How the agent's last runs ended, and its last run of this code."""
        agent = self._agents.get(_key(agent_id))
        if agent is None:
            return AgentHistory()
        errors, runs = sum(agent.failed), len(agent.failed)
        repeats = agent.codes.get(code_hash[:64], False)
        return AgentHistory(errors / runs if runs else 0.0, errors, repeats)

    def _count_for_everyone(self, key: bytes, shape: str) -> None:
        seen = _touch(self._everyone, shape, _Everyone(), self._max_agents)
        seen.count += 1
        if len(seen.agents) < self._max_agents:
            seen.agents.add(key)


def _own(agent: _Agent, shape: str) -> list[str]:
    count = agent.shapes.get(shape, 0)
    if not count:
        return []
    times = "once" if count == 1 else f"{count} times"
    return [f"Your code has failed like this {times} before: {_words(shape)}. {_advice(shape)}"]


def _others(seen: _Everyone | None, shape: str) -> list[str]:
    if seen is None or len(seen.agents) < AGENTS_ALIKE:
        return []
    agents = len(seen.agents)
    return [f"{agents} agents failed {seen.count} times by {_words(shape)}. {_advice(shape)}"]


def _habit(agent: _Agent, shape: str) -> list[str]:
    other = Counter({each: count for each, count in agent.shapes.items() if each != shape})
    if not other:
        return []
    most, count = other.most_common(1)[0]
    if count < _HABIT:
        return []
    return [f"Your code also failed {count} times by {_words(most)}. {_advice(most)}"]


def _words(shape: str) -> str:
    _, kind, construct = shape.split(":")
    place = CONSTRUCT_WORDS.get(construct)
    return f"{KIND_WORDS[kind]} ({place})" if place else KIND_WORDS[kind]


def _advice(shape: str) -> str:
    return ADVICE[_kind(shape)]


def _kind(shape: str) -> str:
    return shape.split(":")[1]


def _key(agent_id: str) -> bytes:
    """A name of fixed length, so that long ones cost no memory."""
    return hashlib.blake2b(agent_id.encode(errors="replace"), digest_size=8).digest()


def _touch(kept: OrderedDict[K, V], key: K, default: V, most: int) -> V:
    """The entry of ``key``, made if need be, as the latest; the oldest goes if it is full."""
    value = kept.setdefault(key, default)
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
    return value
