"""Types that contain themselves, in the forms that TypeScript understands.

It works an intersection with a union out at once, and looks into members that both sides have.
Where such a member leads back to the type that is being worked out, it calls the type circular. It
does the same with lists in items that may be missing or may repeat. So inside of a circle an
intersection keeps only the parts without alternatives, and a tuple whose length varies becomes a
list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from onehop.tools._typescript import (
    UNKNOWN,
    Intersection,
    List,
    Member,
    Named,
    Object,
    Tuple,
    Type,
    Union,
    intersection,
    parts_of,
    union,
)


def untangled(types: Mapping[str, Type]) -> dict[str, Type]:
    """``types`` by name, each one as wide as before or wider."""
    circles = _Circles(types)
    return {name: circles.open(name) for name in types}


class _Circles:
    def __init__(self, types: Mapping[str, Type]) -> None:
        self._types = types
        self._next = {name: frozenset(_names(type_)) for name, type_ in types.items()}
        self._reached = {name: self._reach(name) for name in types}

    def _reach(self, name: str) -> set[str]:
        reached: set[str] = set()
        ahead = [*self._next[name]]
        while ahead:
            if (found := ahead.pop()) not in reached:
                reached.add(found)
                ahead += self._next.get(found, ())
        return reached

    def open(self, name: str) -> Type:
        """The type called ``name``, without what TypeScript would call circular."""
        if name not in self._reached[name]:
            return self._types[name]
        circle = {other for other in self._reached[name] if name in self._reached.get(other, ())}
        return self._opened(self._types[name], circle)

    def _opened(self, type_: Type, circle: set[str]) -> Type:
        if isinstance(type_, Intersection):
            parts = type_.members
            if not circle.isdisjoint(_names(type_)):
                parts = tuple(part for part in parts if not self._has_choices(part))
            return intersection([self._opened(part, circle) for part in parts])
        if isinstance(type_, Union):
            return union([self._opened(part, circle) for part in type_.members])
        return self._opened_parts(type_, circle)

    def _opened_parts(self, type_: Type, circle: set[str]) -> Type:
        if isinstance(type_, List):
            return List(self._opened(type_.item, circle))
        if isinstance(type_, Tuple):
            return self._opened_tuple(type_, circle)
        if isinstance(type_, Object):
            return self._opened_object(type_, circle)
        return type_

    def _opened_tuple(self, type_: Tuple, circle: set[str]) -> Type:
        if type_.is_open and not circle.isdisjoint(_names(type_)):
            return List(self._opened(union(parts_of(type_)), circle))
        items = tuple(self._opened(item, circle) for item in type_.items)
        return Tuple(items, type_.required, self._opened_or_none(type_.rest, circle))

    def _opened_object(self, type_: Object, circle: set[str]) -> Object:
        members = tuple(
            Member(member.name, self._opened(member.type, circle), member.required, member.note)
            for member in type_.members
        )
        return Object(members, self._opened_or_none(type_.others, circle))

    def _opened_or_none(self, type_: Type | None, circle: set[str]) -> Type | None:
        return None if type_ is None else self._opened(type_, circle)

    def _has_choices(self, type_: Type) -> bool:
        seen: set[str] = set()
        ahead = [type_]
        while ahead:
            found = ahead.pop()
            if isinstance(found, Union):
                return True
            if isinstance(found, Intersection):
                ahead += found.members
            elif isinstance(found, Named) and found.name not in seen:
                seen.add(found.name)
                ahead.append(self._types.get(found.name, UNKNOWN))
        return False


def _names(type_: Type) -> Iterator[str]:
    ahead = [type_]
    while ahead:
        found = ahead.pop()
        if isinstance(found, Named):
            yield found.name
        ahead += parts_of(found)
