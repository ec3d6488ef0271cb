"""Signatures: a tool on one line, in as much detail as fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from onehop.tools._declared import Declared, dotted
from onehop.tools._layout import TooLongError, line
from onehop.tools._shapes import Definition, Shape, outline_of
from onehop.tools._typescript import (
    Intersection,
    Named,
    Object,
    Type,
    Union,
)

SIGNATURE: Final = 320
"""Characters of a signature, without the path."""
_DETAILS: Final = ((3, 3), (2, 2), (2, 1), (1, 1), (1, 0))
"""Levels of the arguments and of the answer that are tried; the first that fits is taken."""
_SPARSE: Final = ((1, 2), (1, 1), (1, 0), (0, 0))
"""The same for required arguments alone."""
_PARTS: Final = 300
"""Parts of a schema that are read for a signature."""


def signature(tool: Declared, most: int = SIGNATURE) -> str:
    """Path, arguments and answer on one line: ``crm.find(args: {name: string}): Promise<…>``.

    It has at most ``most`` characters after the path; what does not fit is ``object``, or a comment
    that counts what was left out.
    """
    return dotted(tool) + call_of(tool, most)


def call_of(tool: Declared, most: int = SIGNATURE) -> str:
    """The signature without its path."""
    call = brief_call(tool, most)
    answer = f"/* observed */ {call.answer}" if tool.answer_note else call.answer
    return f"({call.arguments and f'args{call.mark}: {call.arguments}'}): Promise<{answer}>"


@dataclass(frozen=True, slots=True)
class Call:
    """The types of a tool's argument and answer, each on one line."""

    arguments: str
    """Empty when it takes none."""
    mark: str
    """A question mark when the argument may be absent."""
    answer: str

    def __len__(self) -> int:
        return len(self.arguments) + len(self.answer)


def brief_call(tool: Declared, most: int = SIGNATURE) -> Call:
    """In as much detail as ``most`` characters allow."""
    return _Brief(tool, most).fit()


class _Brief:
    """A signature in less and less detail."""

    def __init__(self, tool: Declared, most: int) -> None:
        self._arguments = outline_of(tool.input_schema, "Arguments", _PARTS)
        self._answer = outline_of(tool.output_schema, "Result", _PARTS)
        self._most = most

    def fit(self) -> Call:
        """The first one that fits."""
        for attempt in self._attempts():
            with suppress(TooLongError):
                if len(call := attempt()) <= self._most:
                    return call
        return Call("object", self._mark(), "unknown")

    def _attempts(self) -> Iterator[Callable[[], Call]]:
        whole = self._arguments.type
        for levels, answer_levels in _DETAILS:
            yield partial(self._call, whole, "", levels, answer_levels)
        needed, left = _required(whole)
        more = f"/* {left} optional */" if left else ""
        for levels, answer_levels in _SPARSE:
            yield partial(self._call, needed, more, levels, answer_levels)

    def _call(self, arguments: Type, more: str, levels: int, answer_levels: int) -> Call:
        given = self._line(arguments, levels, self._arguments)
        if more and given.startswith("{"):
            given = f"{given[:-1]}{'; ' if len(given) > 2 else ''}{more}}}"
        answer = self._line(self._answer.type, answer_levels, self._answer)
        return Call("" if self._arguments.type == Object() else given, self._mark(), answer)

    def _mark(self) -> str:
        return question_mark(self._arguments)

    def _line(self, type_: Type, levels: int, shape: Shape) -> str:
        named = {name: definition.type for name, definition in shape.named.items()}
        return line(type_, levels, named, self._most)


def _required(type_: Type) -> tuple[Type, int]:
    """``type_`` without its optional members, and how many those are."""
    if not isinstance(type_, Object):
        return type_, 0
    needed = tuple(member for member in type_.members if member.required)
    return Object(needed, type_.others), len(type_.members) - len(needed)


def question_mark(shape: Shape) -> str:
    """For an argument that may be absent, as far as one can see."""
    return "?" if _may_be_absent(shape.type, shape.named) else ""


def _may_be_absent(type_: Type, named: Mapping[str, Definition], depth: int = 8) -> bool:
    """Whether ``{}`` has that type, as far as one can see."""
    if depth == 0:
        return True
    parts = [_may_be_absent(part, named, depth - 1) for part in _beside(type_, named)]
    if isinstance(type_, Union):
        return any(parts)
    own = not isinstance(type_, Object) or not any(member.required for member in type_.members)
    return own and all(parts)


def _beside(type_: Type, named: Mapping[str, Definition]) -> Sequence[Type]:
    if isinstance(type_, Named):
        return (named[type_.name].type,)
    return type_.members if isinstance(type_, Union | Intersection) else ()
