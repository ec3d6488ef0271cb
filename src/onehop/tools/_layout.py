"""How a TypeScript type is written: on one line, or on several with comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from onehop.tools._harmless import key
from onehop.tools._typescript import (
    UNKNOWN,
    Intersection,
    List,
    Member,
    Named,
    Note,
    Object,
    Tuple,
    Type,
    Union,
    Word,
    parts_of,
)

_WIDE: Final = 72
"""Characters up to which a type without comments stays on one line."""


class TooLongError(Exception):
    """A line would have more parts than it may."""


def line(
    type_: Type,
    depth: int = 100,
    named: Mapping[str, Type] | None = None,
    most: int = 100_000,
) -> str:
    """On one line, without comments.

    Objects below ``depth`` are written ``object``. A name that is in ``named`` is written as the
    type that it stands for, except inside of that type. Raises TooLongError after ``most`` parts.
    """
    return _Line(named or {}, most).write(type_, depth)


class _Line:
    def __init__(self, named: Mapping[str, Type], most: int) -> None:
        self._named = named
        self._left = most
        self._open: list[str] = []

    def write(self, type_: Type, depth: int) -> str:
        self._left -= 1
        if self._left < 0:
            raise TooLongError
        if isinstance(type_, Word):
            return type_.text
        if isinstance(type_, Named):
            return self._name(type_.name, depth)
        if isinstance(type_, Object):
            return self._object(type_, depth)
        return self._compound(type_, depth)

    def _name(self, name: str, depth: int) -> str:
        if not self._stands_for_a_type(name):
            return name
        self._open.append(name)
        text = self.write(self._named[name], depth)
        self._open.pop()
        return text

    def _stands_for_a_type(self, name: str) -> bool:
        return name in self._named and name not in self._open

    def _compound(self, type_: Union | Intersection | List | Tuple, depth: int) -> str:
        if isinstance(type_, List):
            return f"{self._inner(type_.item, depth)}[]"
        if isinstance(type_, Tuple):
            return self._tuple(type_, depth)
        sign = " | " if isinstance(type_, Union) else " & "
        return sign.join(dict.fromkeys(self._inner(part, depth) for part in type_.members))

    def _inner(self, type_: Type, depth: int) -> str:
        text = self.write(type_, depth)
        return f"({text})" if isinstance(self._shown(type_), Union | Intersection) else text

    def _shown(self, type_: Type) -> Type:
        """The type that is written for ``type_``: what a name stands for."""
        for _ in self._named:
            if not isinstance(type_, Named) or not self._stands_for_a_type(type_.name):
                break
            type_ = self._named[type_.name]
        return type_

    def _tuple(self, type_: Tuple, depth: int) -> str:
        parts = [
            self._inner(item, depth) + ("" if place < type_.required else "?")
            for place, item in enumerate(type_.items)
        ]
        if type_.rest is not None:
            parts.append(f"...{self._inner(type_.rest, depth)}[]")
        return f"[{', '.join(parts)}]"

    def _object(self, type_: Object, depth: int) -> str:
        if depth <= 0 and (type_.members or type_.others not in (None, UNKNOWN)):
            return "object"
        parts = [self._member(member, depth - 1) for member in type_.members]
        if type_.others is not None:
            parts.append(f"[name: string]: {self.write(type_.others, depth - 1)}")
        return "{" + "; ".join(parts) + "}"

    def _member(self, member: Member, depth: int) -> str:
        mark = "" if member.required else "?"
        return f"{key(member.name)}{mark}: {self.write(member.type, depth)}"


def block(type_: Type, indent: str = "") -> str:
    """On several lines where it is long or has comments; further lines begin with ``indent``."""
    if not _has_notes(type_):
        text = line(type_)
        if len(text) + len(indent) <= _WIDE:
            return text
    if isinstance(type_, Object):
        return "\n".join(["{", *_members(type_, indent + "  "), indent + "}"])
    if isinstance(type_, List):
        return f"{_inner_block(type_.item, indent)}[]"
    if isinstance(type_, Union | Intersection):
        sign = "|" if isinstance(type_, Union) else "&"
        deeper = indent + "  "
        parts = (f"\n{deeper}{sign} {_inner_block(part, deeper)}" for part in type_.members)
        return "".join(dict.fromkeys(parts))
    if isinstance(type_, Tuple):
        return _tuple_block(type_, indent)
    return line(type_)


def _inner_block(type_: Type, indent: str) -> str:
    text = block(type_, indent)
    return f"({text})" if isinstance(type_, Union | Intersection) else text


def _tuple_block(type_: Tuple, indent: str) -> str:
    deeper = indent + "  "
    parts = [
        _inner_block(item, deeper) + ("" if place < type_.required else "?")
        for place, item in enumerate(type_.items)
    ]
    if type_.rest is not None:
        parts.append(f"...{_inner_block(type_.rest, deeper)}[]")
    return "[" + ",".join(f"\n{deeper}{part}" for part in parts) + f"\n{indent}]"


def _members(type_: Object, indent: str) -> Iterator[str]:
    for member in type_.members:
        yield from comment(member.note, indent)
        mark = "" if member.required else "?"
        yield f"{indent}{key(member.name)}{mark}: {block(member.type, indent)};"
    if type_.others is not None:
        yield f"{indent}[name: string]: {block(type_.others, indent)};"


def comment(note: Note, indent: str = "") -> Iterator[str]:
    """``note`` as the lines of a JSDoc comment."""
    if len(note) == 1:
        yield f"{indent}/** {note[0]} */"
    elif note:
        yield f"{indent}/**"
        yield from (f"{indent} * {text}".rstrip() for text in note)
        yield f"{indent} */"


def _has_notes(type_: Type) -> bool:
    if isinstance(type_, Object) and any(member.note for member in type_.members):
        return True
    return any(map(_has_notes, parts_of(type_)))
