"""TypeScript types as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

Note = tuple[str, ...]
"""Lines of a comment."""


@dataclass(frozen=True, slots=True)
class Word:
    """A keyword or a literal."""

    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A type that is declared under a name."""

    name: str


@dataclass(frozen=True, slots=True)
class Union:
    """One of its members. Made by ``union``."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Intersection:
    """All of its members. Made by ``intersection``."""

    members: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class List:
    """Any number of items."""

    item: Type


@dataclass(frozen=True, slots=True)
class Tuple:
    """Items by place; those from ``required`` on may be missing."""

    items: tuple[Type, ...]
    required: int
    rest: Type | None

    @property
    def is_open(self) -> bool:
        """Whether its length varies."""
        return self.rest is not None or self.required < len(self.items)


@dataclass(frozen=True, slots=True)
class Member:
    """A property of an object."""

    name: str
    type: Type
    required: bool
    note: Note = ()


@dataclass(frozen=True, slots=True)
class Object:
    """Properties by name; ``others`` is the type of any property, where more are allowed."""

    members: tuple[Member, ...] = ()
    others: Type | None = None


Type = Word | Named | Union | Intersection | List | Tuple | Object

UNKNOWN: Final = Word("unknown")
NEVER: Final = Word("never")
NULL: Final = Word("null")
ANY_OBJECT: Final = Object(others=UNKNOWN)


def union(types: Iterable[Type]) -> Type:
    """One of ``types``, without repetitions; ``unknown`` takes in all others."""
    members = list(dict.fromkeys(part for type_ in types for part in _parts(type_, Union)))
    members = [member for member in members if member != NEVER]
    if UNKNOWN in members:
        return UNKNOWN
    if len(members) < 2:
        return members[0] if members else NEVER
    return Union(tuple(members))


def intersection(types: Iterable[Type]) -> Type:
    """All of ``types`` at once, without repetitions; ``unknown`` adds nothing."""
    members = list(dict.fromkeys(part for type_ in types for part in _parts(type_, Intersection)))
    members = [member for member in members if member != UNKNOWN]
    if NEVER in members:
        return NEVER
    if len(members) > 1:
        members = [member for member in members if member != ANY_OBJECT] or [ANY_OBJECT]
    if len(members) < 2:
        return members[0] if members else UNKNOWN
    return Intersection(tuple(members))


def _parts(type_: Type, kind: type[Union] | type[Intersection]) -> Sequence[Type]:
    return type_.members if isinstance(type_, kind) else (type_,)


def parts_of(type_: Type) -> Sequence[Type]:
    """The types that ``type_`` is made of."""
    if isinstance(type_, Union | Intersection):
        return type_.members
    if isinstance(type_, List):
        return (type_.item,)
    if isinstance(type_, Tuple):
        return (*type_.items, *([] if type_.rest is None else [type_.rest]))
    if isinstance(type_, Object):
        others = [] if type_.others is None else [type_.others]
        return (*(member.type for member in type_.members), *others)
    return ()
