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

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from onehop.tools._brief import question_mark
from onehop.tools._declared import Declared
from onehop.tools._harmless import key, lines_of, literal
from onehop.tools._layout import block, comment
from onehop.tools._shapes import Definition, Shape, shape_of

_TOOLS: Final = "$Tools"
_SNIPPETS: Final = "$Snippets"
"""No type of a schema has such a name."""
_HTTP: Final = """\
type $Http<T> = T extends object
  ? T & { readonly $http: { status: number; headers: { [name: string]: string } } }
  : T;"""
"""What comes with the body of an HTTP operation's answer; text and numbers have no room for it."""
_LINES: Final = 12
_WORDS: Final = 1500
_ROUNDS: Final = 8


def declarations(tools: Iterable[Declared], constant: str = "tools") -> str:
    """Declarations of ``tools``: their types, then the ``constant`` whose members they are."""
    types, members = _Text({}).write(tools)
    return "\n\n".join([*types, f"declare const {constant}: {members};"]) + "\n"


def ambient(
    tools: Iterable[Declared],
    aliases: Mapping[str, Mapping[str, str]] | None = None,
    *,
    is_open: bool = False,
    snippets: Iterable[Declared] = (),
) -> str:
    """The same as a module that declares ``tools`` for all others, and none of its types. It
    ``is_open`` where there are other tools than those that are declared.

    ``snippets`` are the members of a constant of that name. ``aliases`` are other names by
    namespace, as ``Catalogue.names_json`` has them: those of the tools without a namespace, and of
    the namespaces themselves, under the empty name.
    """
    text = _Text(aliases or {}, is_open=is_open)
    _, members = text.write(tools)
    types, others = text.write(snippets)
    outside = (
        f"type {_TOOLS} = {members};\n\ntype {_SNIPPETS} = {others};\n\n"
        f"declare global {{\n  const tools: {_TOOLS};\n  const snippets: {_SNIPPETS};\n}}"
    )
    return "\n\n".join([*types, outside, "export {};\n"])


class _Text:
    """Declarations of several tools, in which a name means one type."""

    def __init__(self, aliases: Mapping[str, Mapping[str, str]], *, is_open: bool = False) -> None:
        self._aliases = aliases
        self._others = "[name: string]: any;" if is_open else None
        self._named: dict[str, Definition] = {}
        self._has_http = False

    def write(self, tools: Iterable[Declared]) -> tuple[list[str], str]:
        """The types, and the members of ``tools``."""
        spaces: dict[str, dict[str, list[str]]] = {"": {}}
        for tool in tools:
            indent = "    " if tool.namespace else "  "
            spaces.setdefault(tool.namespace, {})[tool.member] = [*self._method(tool, indent)]
        types = [_type(name, definition) for name, definition in self._named.items()]
        types += [_HTTP] if self._has_http else []
        return types, "\n".join(["{", *self._members(spaces), "}"])

    def _members(self, spaces: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
        for lines in spaces[""].values():
            yield from lines
        yield from self._other_names("", {**spaces, **spaces[""]}, "  ")
        if self._others:
            yield f"  {self._others}"
        for namespace, members in spaces.items():
            if namespace:
                yield f"  {key(namespace)}: {{"
                for lines in members.values():
                    yield from lines
                yield from self._other_names(namespace, members, "    ")
                if self._others:
                    yield f"    {self._others}"
                yield "  };"

    def _other_names(
        self, namespace: str, members: Mapping[str, object], indent: str
    ) -> Iterator[str]:
        place = f"{_TOOLS}[{literal(namespace)}]" if namespace else _TOOLS
        for alias, name in self._aliases.get(namespace, {}).items():
            if name in members:
                yield f"{indent}{key(alias)}: {place}[{literal(name)}];"

    def _method(self, tool: Declared, indent: str) -> Iterator[str]:
        arguments = self._shape(tool.input_schema, "Arguments")
        answer = self._shape(tool.output_schema, "Result")
        given, taken = block(arguments.type, indent), block(answer.type, indent)
        note = [tool.answer_note] if tool.answer_note else []
        yield from comment((*lines_of(tool.description, _LINES, _WORDS), *note), indent)
        if tool.has_http:
            self._has_http, taken = True, f"$Http<{taken}>"
        given = f"args{question_mark(arguments)}: {given}"
        yield f"{indent}{key(tool.member)}({given}): Promise<{taken}>;"

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
