"""A simulated model: it says what it is told to, and takes the time that a real one would.

Tokens are counted over the texts that would really be exchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

_PER_MESSAGE = 4
"""Tokens that mark where a message begins and whose it is, about the same for all vendors."""
_SYSTEM = "You are an assistant. Use the tools to work out the answer, and give it in one sentence."


@dataclass(frozen=True)
class Speed:
    """How fast a model is."""

    first: float
    """Seconds from sending a request to the first token of the answer."""
    read: float
    """Tokens a second of input that is new to the model; what it has read is cached."""
    write: float
    """Tokens a second of output."""


@dataclass(frozen=True)
class Turn:
    """One request to the model and its answer."""

    total: int
    """Tokens of the whole conversation so far, which each request sends again."""
    new: int
    """Those of them that this request sends for the first time."""
    written: int

    def seconds(self, speed: Speed) -> float:
        """How long the model takes over it."""
        return speed.first + self.new / speed.read + self.written / speed.write


@dataclass
class Conversation:
    """What goes there and back, with its tokens."""

    count: Callable[[str], int]
    turns: list[Turn] = field(default_factory=list)
    _total: int = 0
    _new: int = 0

    def hears(self, text: str) -> None:
        """A message to the model: the task, the tools, the result of one."""
        tokens = self.count(text) + _PER_MESSAGE
        self._total += tokens
        self._new += tokens

    def says(self, *texts: str) -> Turn:
        """An answer of the model: its calls of tools, or its last words."""
        written = sum(map(self.count, texts)) + _PER_MESSAGE
        turn = Turn(self._total, self._new, written)
        self.turns.append(turn)
        self._total += written
        self._new = 0
        return turn


def begin(count: Callable[[str], int], tools: list[dict[str, Any]], task: str) -> Conversation:
    """A conversation in which the model has heard its role, its tools and its task."""
    conversation = Conversation(count)
    conversation.hears(_SYSTEM)
    conversation.hears(compact(tools))
    conversation.hears(task)
    return conversation


def compact(value: Any) -> str:
    """JSON without spaces, as tools are described and called."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def tokenizer() -> tuple[Callable[[str], int], str]:
    """A function that counts tokens, and its name."""
    try:
        library = import_module("bpe_openai")
    except ImportError:
        return lambda text: -(-len(text) // 4), "characters / 4, an estimate"
    encoding = library.get_encoding("o200k_base")
    return lambda text: len(encoding.encode(text)), "o200k_base, the tokenizer of GPT-4o and later"
