"""Names of tools and namespaces: which may be, how code writes them, and which are close."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final

from onehop.errors import ConfigError

_LONGEST: Final = 128
LONGEST_PATH: Final = 2 * _LONGEST + 1
"""Characters of a namespace, a dot and a tool."""
_CANDIDATES: Final = 100
_CLOSE: Final = 0.4
"""Likeness, from 0 to 1, below which a name is not worth naming."""


def checked(name: str, what: str, place: str) -> str:
    """``name``, if it may be. Raises ConfigError that names ``place``."""
    if not name:
        raise ConfigError(place, f"{what} has an empty name")
    if len(name) > _LONGEST:
        raise ConfigError(place, f"the name of {what} is longer than {_LONGEST} characters")
    if name.startswith("$"):
        raise ConfigError(place, f"{what} is named {name!r}; names with $ in front are onehop's")
    if name != name.strip() or any(not character.isprintable() for character in name):
        raise ConfigError(place, f"{what} is named {name!r}, with what cannot be seen")
    return name


def checked_namespace(name: str) -> str:
    """As ``checked``; a dot ends the namespace in a path. Raises ConfigError."""
    place = f"tools.{name}"
    checked(name, "a namespace", place)
    if "." in name or name == "then":
        raise ConfigError(place, f"a namespace is named {name!r}; use another name")
    return name


def reached_as(name: str) -> str:
    """How code reaches a tool of this name: `await` looks for a method `then` in each object."""
    return "then_" if name == "then" else name


def alias_of(name: str) -> str:
    """The name as an identifier: other characters are replaced by ``_``."""
    made = re.sub(r"\W", "_", name)
    return f"_{made}" if made[0].isdigit() else made


@dataclass(frozen=True, slots=True)
class Spellings:
    """Names of one place, and the aliases that are not names themselves."""

    names: frozenset[str]
    aliases: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, names: Iterable[str]) -> Spellings:
        """Aliases with all that they may stand for, in the order of the names."""
        taken = tuple(names)
        exact = frozenset(taken)
        aliases: dict[str, tuple[str, ...]] = {}
        for name in taken:
            alias = alias_of(name)
            if alias not in exact and alias != "then":
                aliases[alias] = (*aliases.get(alias, ()), name)
        return cls(exact, aliases)

    def find(self, name: str) -> tuple[str, ...]:
        """What is meant by ``name``: nothing, one, or several."""
        return (name,) if name in self.names else self.aliases.get(name, ())

    @property
    def unique(self) -> dict[str, str]:
        """The aliases that stand for one name."""
        return {alias: names[0] for alias, names in self.aliases.items() if len(names) == 1}


class Likeness:
    """Finds the paths that are close to one: by pairs of letters first, so that thousands of
    tools are looked through in some ms."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._pairs = [(path, _pairs(path), _pairs(_member(path))) for path in paths]

    def nearest(self, path: str, most: int) -> list[str]:
        """The closest first."""
        wanted, member = _pairs(path[:_LONGEST]), _pairs(_member(path)[:_LONGEST])
        scored = (
            (max(_share(wanted, all_of_it), _share(member, last)), name)
            for name, all_of_it, last in self._pairs
        )
        candidates = (name for _, name in nlargest(_CANDIDATES, scored))
        liked = [(_likeness(path, name), name) for name in candidates]
        close = sorted((-score, name) for score, name in liked if score >= _CLOSE)
        return [name for _, name in close[:most]]


def _member(path: str) -> str:
    return path.rpartition(".")[2]


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text[: 2 * _LONGEST].lower()))


def _pairs(text: str) -> frozenset[str]:
    folded = _folded(text)
    return frozenset(folded[at : at + 2] for at in range(max(1, len(folded) - 1)))


def _share(some: frozenset[str], others: frozenset[str]) -> float:
    return 2 * len(some & others) / ((len(some) + len(others)) or 1)


def _likeness(path: str, name: str) -> float:
    """Of the whole, or nearly as good, of the last part."""
    return max(_like(path, name), 0.95 * _like(_member(path), _member(name)))


def _like(one: str, other: str) -> float:
    return SequenceMatcher(None, _folded(one), _folded(other), autojunk=False).ratio()
