"""TypeScript declarations of tools, made from their JSON Schemas.

A tool is declared as a method of the constant ``tools``, after the types that its schemas name::

    type Person = {
      name: string;
    };

    declare const tools: {
      crm: {
        /** Finds people. */
        find_person(args: {name: string; limit?: number}): Promise<Person[]>;
      };
    };

The text is that of a module of its own: its types do not mix with those of a library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from onehop.tools._harmless import is_identifier, key, lines_of, literal
from onehop.tools._shapes import Definition, Shape, outline_of, shape_of
from onehop.tools._typescript import (
    Intersection,
    Named,
    Object,
    TooLongError,
    Type,
    Union,
    block,
    comment,
    line,
)

SIGNATURE: Final = 320
"""Characters of a signature, without the path."""
_DETAILS: Final = ((3, 3), (2, 2), (2, 1), (1, 1), (1, 0))
"""Levels of the arguments and of the answer that are tried; the first that fits is taken."""
_SPARSE: Final = ((1, 2), (1, 1), (1, 0), (0, 0))
"""The same for required arguments alone."""
_PARTS: Final = 300
"""Parts of a schema that are read for a signature."""
_LINES: Final = 12
_WORDS: Final = 1500
_ROUNDS: Final = 8


class Declared(Protocol):
    """What is declared of a tool."""

    @property
    def path(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def member(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def input_schema(self) -> Mapping[str, Any] | None: ...
    @property
    def output_schema(self) -> Mapping[str, Any] | None: ...


def signature(tool: Declared, most: int = SIGNATURE) -> str:
    """Path, arguments and answer on one line: ``crm.find(args: {name: string}): Promise<…>``.

    It has at most ``most`` characters after the path; what does not fit is ``object``, or a comment
    that counts what was left out.
    """
    return _dotted(tool) + call_of(tool, most)


def call_of(tool: Declared, most: int = SIGNATURE) -> str:
    """The signature without its path."""
    call = brief_call(tool, most)
    return f"({call.arguments and f'args{call.mark}: {call.arguments}'}): Promise<{call.answer}>"


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


def declarations(tools: Iterable[Declared]) -> str:
    """Declarations of ``tools``: their types, then ``declare const tools``."""
    types, members = _Text().write(tools)
    return "\n\n".join([*types, f"declare const tools: {members};"]) + "\n"


def ambient(tools: Iterable[Declared]) -> str:
    """The same as a module that declares ``tools`` for all others, and none of its types."""
    types, members = _Text().write(tools)
    outside = f"declare global {{\nconst tools: {members};\n}}\n\nexport {{}};\n"
    return "\n\n".join([*types, outside])


def _dotted(tool: Declared) -> str:
    """How the path is written after ``tools.``."""
    names = filter(None, (tool.namespace, tool.member))
    return "".join(map(step_to, names)).removeprefix(".")


def step_to(name: str) -> str:
    """How code goes on to a member of this name: ``.name`` or ``["name"]``."""
    return f".{name}" if is_identifier(name) else f"[{literal(name)}]"


# --- on one line ---


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
        return _mark(self._arguments)

    def _line(self, type_: Type, levels: int, shape: Shape) -> str:
        named = {name: definition.type for name, definition in shape.named.items()}
        return line(type_, levels, named, self._most)


def _required(type_: Type) -> tuple[Type, int]:
    """``type_`` without its optional members, and how many those are."""
    if not isinstance(type_, Object):
        return type_, 0
    needed = tuple(member for member in type_.members if member.required)
    return Object(needed, type_.others), len(type_.members) - len(needed)


def _mark(shape: Shape) -> str:
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


# --- on many lines ---


class _Text:
    """Declarations of several tools, in which a name means one type."""

    def __init__(self) -> None:
        self._named: dict[str, Definition] = {}

    def write(self, tools: Iterable[Declared]) -> tuple[list[str], str]:
        """The types, and the members of ``tools``."""
        spaces: dict[str, list[str]] = {}
        for tool in tools:
            indent = "    " if tool.namespace else "  "
            spaces.setdefault(tool.namespace, []).extend(self._method(tool, indent))
        types = [_type(name, definition) for name, definition in self._named.items()]
        return types, "\n".join(["{", *_members(spaces), "}"])

    def _method(self, tool: Declared, indent: str) -> Iterator[str]:
        arguments = self._shape(tool.input_schema, "Arguments")
        answer = self._shape(tool.output_schema, "Result")
        given, taken = block(arguments.type, indent), block(answer.type, indent)
        yield from comment((*lines_of(tool.description, _LINES, _WORDS),), indent)
        yield f"{indent}{key(tool.member)}(args{_mark(arguments)}: {given}): Promise<{taken}>;"

    def _shape(self, schema: object, root: str) -> Shape:
        taken: set[str] = set()
        for _ in range(_ROUNDS):
            shape = shape_of(schema, root, taken)
            clashes = {name for name, type_ in shape.named.items() if self._is_other(name, type_)}
            if not clashes:
                break
            taken |= clashes
        else:
            shape = shape_of(schema, root, {*self._named})
        self._named.update(shape.named)
        return shape

    def _is_other(self, name: str, definition: Definition) -> bool:
        return self._named.get(name, definition) != definition


def _type(name: str, definition: Definition) -> str:
    text = f"type {name} = {block(definition.type)};"
    return "\n".join([*comment(definition.note), text])


def _members(spaces: Mapping[str, list[str]]) -> Iterator[str]:
    yield from spaces.get("", ())
    for namespace, lines in spaces.items():
        if namespace:
            yield f"  {key(namespace)}: {{"
            yield from lines
            yield "  };"
