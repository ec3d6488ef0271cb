"""Words of the language that are spelt with one letter too many, too few, wrong or out of place."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

_WORDS: Final = tuple(
    "async await break catch class const continue default export extends finally function import "
    "instanceof return switch throw typeof while yield".split()
)
_SHORT: Final = ("case", "else")
"""Of which other words are a letter away: only two letters in the wrong order count."""
_NAMES: Final = (
    "Array JSON Math Number Object Promise String console context false null true undefined".split()
)
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_LONGEST: Final = max(map(len, _WORDS)) + 1


def meant_by(word: str) -> str | None:
    """The word of the language that ``word`` is one slip away from; None if it is none."""
    if not 4 <= len(word) <= _LONGEST or not word.isascii():
        return None
    return _slips().get(word)


def swapped(name: str) -> str | None:
    """The word or global name of which ``name`` has two letters in the wrong order, or capitals
    that it does not have; None if it is none. Other slips may be names of their own."""
    return _swapped().get(name)


@cache
def _swapped() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in (*_WORDS, *_SHORT, *_NAMES):
        found |= dict.fromkeys((*_swaps(word), word.upper(), word.capitalize()), word)
    return {slip: word for slip, word in found.items() if slip != word and slip not in _TAKEN}


_TAKEN: Final = frozenset((*_WORDS, *_SHORT, *_NAMES))


@cache
def _slips() -> dict[str, str]:
    found: dict[str, str] = {}
    for word in _WORDS:
        for slip in _slips_of(word):
            found.setdefault(slip, word)
    for word in _SHORT:
        found |= dict.fromkeys(_swaps(word), word)
    for word in _WORDS:
        found.pop(word, None)
    return found


def _slips_of(word: str) -> Iterator[str]:
    yield from _swaps(word)
    for at in range(len(word) + 1):
        head, tail = word[:at], word[at:]
        yield head + tail[1:]
        for letter in _LETTERS:
            yield head + letter + tail
            yield head + letter + tail[1:]
    yield word.capitalize()
    yield word.upper()


def _swaps(word: str) -> list[str]:
    return [
        word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        for at in range(len(word) - 1)
        if word[at] != word[at + 1]
    ]
