"""How often which shapes of failures came, and the hints about them.

A conversation is taught by its own runs alone, and only about the error that it has just met: that
others failed, and by what, is theirs. What is kept is bounded, in memory, and closed: see
``_shapes``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from onehop.patterns._advice import ADVICE, CONSTRUCT_WORDS, KIND_WORDS
from onehop.patterns._shapes import NOT_THE_CODE, VAGUE, known

WINDOW: Final = 50
"""Runs of an agent that its failure rate is about."""
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


class Talk(NamedTuple):
    """One conversation: whose it is, and which."""

    agent_id: str
    channel_id: str = ""
    conversation: str = ""


@dataclass(slots=True)
class _Agent:
    failed: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    codes: OrderedDict[str, bool] = field(default_factory=OrderedDict)
    """By hash, whether the last run failed."""


class Patterns:
    """Counts the shapes of failures; the least recently used agents and entries go first."""

    def __init__(self, max_agents: int = 1000, max_entries: int = 200) -> None:
        self._max_agents = max_agents
        self._max_entries = max_entries
        self._agents: OrderedDict[bytes, _Agent] = OrderedDict()
        self._talks: OrderedDict[bytes, OrderedDict[str, int]] = OrderedDict()

    def observe(self, talk: Talk, code_hash: str, shape: str | None) -> None:
        """Learn from a run that has ended; ``shape`` is None when it succeeded.

        Runs that were cancelled, or failed by our own doing, teach nothing. Code that was refused
        has not run, so it has not failed either: it is not part of the agent's history.
        """
        if shape is not None and not known(shape):
            shape = _FOREIGN
        if shape is not None and _kind(shape) in NOT_THE_CODE:
            return
        if shape is None or not _is_refusal(shape):
            self._count_for_agent(talk.agent_id, code_hash, failed=shape is not None)
        if shape is not None:
            self._count_for_talk(talk, shape)

    def hints(self, talk: Talk, shape: str) -> list[str]:
        """What earlier runs say to a conversation that has just met ``shape``.

        Its own failures of this shape; nothing of other shapes, conversations or agents. Empty the
        first time, and where the shape does not tell which error it was. The run itself is
        observed afterwards.
        """
        if not known(shape) or _kind(shape) in NOT_THE_CODE | VAGUE:
            return []
        own = self._talks.get(_key(*talk))
        count = own.get(shape, 0) if own is not None else 0
        return _own(count, shape)

    def history(self, agent_id: str, code_hash: str) -> AgentHistory:
        """How the agent's last runs ended, and its last run of this code."""
        agent = self._agents.get(_key(agent_id))
        if agent is None:
            return AgentHistory()
        errors, runs = sum(agent.failed), len(agent.failed)
        repeats = agent.codes.get(code_hash[:64], False)
        return AgentHistory(errors / runs if runs else 0.0, errors, repeats)

    def _count_for_agent(self, agent_id: str, code_hash: str, *, failed: bool) -> None:
        agent = _touch(self._agents, _key(agent_id), _Agent(), self._max_agents)
        agent.failed.append(failed)
        agent.codes.pop(code_hash[:64], None)
        _touch(agent.codes, code_hash[:64], failed, self._max_entries)

    def _count_for_talk(self, talk: Talk, shape: str) -> None:
        shapes = _touch(self._talks, _key(*talk), OrderedDict[str, int](), self._max_agents)
        _touch(shapes, shape, 0, self._max_entries)
        shapes[shape] += 1


def _own(count: int, shape: str) -> list[str]:
    if not count:
        return []
    times = "once" if count == 1 else f"{count} times"
    return [f"Your code has failed like this {times} before: {_words(shape)}. {_advice(shape)}"]


def _words(shape: str) -> str:
    _, kind, construct = shape.split(":")
    place = CONSTRUCT_WORDS.get(construct)
    return f"{KIND_WORDS[kind]} ({place})" if place else KIND_WORDS[kind]


def _advice(shape: str) -> str:
    return ADVICE[_kind(shape)]


def _kind(shape: str) -> str:
    return shape.split(":")[1]


def _is_refusal(shape: str) -> bool:
    return _kind(shape).startswith("validation")


def _key(*names: str) -> bytes:
    """A name of fixed length, so that long ones cost no memory."""
    text = "\0".join(names)
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=8).digest()


def _touch(kept: OrderedDict[K, V], key: K, default: V, most: int) -> V:
    """The entry of ``key``, made if need be, as the latest; the oldest goes if it is full."""
    value = kept.setdefault(key, default)
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
    return value
