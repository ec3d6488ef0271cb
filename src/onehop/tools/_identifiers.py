"""Words of names and of sentences, so that ``findPeople``, ``find-person``, "find people" meet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

_RUN: Final = re.compile(r"[A-Za-z0-9]+|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
"""Letters and digits; a character of a script without spaces stands alone."""
_PART: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SKIPPED: Final = frozenset(
    "a an and any are as at be by can do does for from has have how i if in into is it its let me "
    "my need of on or our please s so some that the their them then there these this to us use "
    "using want was we what when where which who will with you your".split()
)
_KIN: Final = (
    "find search query lookup look locate",
    "get fetch read retrieve show view load see display",
    "list enumerate all show browse every",
    "create add new make insert register book schedule",
    "delete remove drop erase destroy cancel",
    "update edit change modify set patch rename",
    "send post publish notify write",
    "run execute start invoke trigger launch",
    "stop cancel end abort kill pause",
    "repo repository",
    "dir directory folder",
    "db database table",
    "img image picture photo",
    "doc document page",
    "mail email",
    "org organization organisation company",
    "config configuration setting preference",
    "auth authentication login",
    "info information detail",
    "msg message",
    "person people user contact member",
    "ticket issue bug",
    "meeting event appointment calendar",
    "buy purchase order",
    "pay payment charge",
    "price cost quote rate",
)
"""Words that names of tools use for one another."""
_VOWEL: Final = re.compile(r"[aeiouy]")


def words_of(text: str) -> Iterator[str]:
    """The words of ``text`` in their basic form, without those that say nothing.

    Identifiers are split, and also count as a whole: ``GitHub`` is git, hub and github.
    """
    for run in _RUN.findall(text):
        parts = _PART.findall(run) if run.isascii() else [run]
        if len(parts) > 1:
            parts.append(run)
        for part in parts:
            if (word := part.lower()) not in _SKIPPED:
                yield stem(word)


def kin_of(word: str) -> tuple[str, ...]:
    """The groups of words that ``word`` (in its basic form) is one of, as words of their own."""
    return _groups().get(word, ())


@lru_cache(maxsize=50_000)
def stem(word: str) -> str:
    """``word`` without the commonest English endings: ``creates``, ``creating``, ``creation``."""
    if len(word) < 4 or not word.isascii():
        return word
    word = _singular(word)
    for ending in ("ing", "ion", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) > 2 and _VOWEL.search(root):
            word = _without_double(root)
            break
    return word.removesuffix("e") if len(word) > 3 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _without_double(root: str) -> str:
    doubled = len(root) > 3 and root[-1] == root[-2] and root[-1] not in "lsz"
    return root[:-1] if doubled else root


@lru_cache(maxsize=1)
def _groups() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for number, group in enumerate(_KIN):
        for word in group.split():
            found[stem(word)] = (*found.get(stem(word), ()), f"={number}")
    return found
