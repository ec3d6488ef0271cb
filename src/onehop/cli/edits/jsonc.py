"""Change one value in JSON with comments, and leave every other character as it is."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.cli.edits import UneditableError

_SPACE: Final = re.compile(r"(?:\s|\ufeff|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_SCALAR: Final = re.compile(r"-?\d[\d.eE+-]*|true|false|null")
_COMMENT: Final = re.compile(r'"(?:[^"\\]|\\.)*"|(//|/\*)')
_DEEPEST: Final = 100


@dataclass(slots=True)
class _Node:
    """A value, and where in the text it is."""

    start: int
    end: int
    value: Any
    members: dict[str, _Node] = field(default_factory=dict)
    """Of an object."""
    items: list[_Node] = field(default_factory=list)
    """Of a list."""
    comma: bool = False
    """Whether a comma follows the last member or item."""


def load(text: str) -> Any:
    """The value of JSON with comments and commas at the end. Raises UneditableError."""
    return _parse(text).value if text.strip() else {}


def put(text: str, path: tuple[str, ...], value: Any) -> str:
    """``text`` with ``value`` at ``path``; objects on the way are made. Raises UneditableError."""
    if not text.strip():
        return _dump(_nested(path, value), "") + "\n"
    node = _parse(text)
    for depth, key in enumerate(path):
        if not isinstance(node.value, dict):
            raise UneditableError(f"{'.'.join(path[:depth]) or 'the file'} is not an object")
        if key not in node.members:
            member = f"{json.dumps(key)}: "
            return _insert(text, node, member, _nested(path[depth + 1 :], value))
        node = node.members[key]
    return text if node.value == value else _replace(text, node, value, path)


def append(text: str, path: tuple[str, ...], item: dict[str, Any]) -> str:
    """``text`` with ``item`` at the end of the list at ``path``, unless one has its ``id``."""
    node = _parse(text) if text.strip() else _Node(0, 0, {})
    for key in path:
        if key not in node.members:
            return put(text, path, [item])
        node = node.members[key]
    if not isinstance(node.value, list):
        raise UneditableError(f"{'.'.join(path)} is not a list")
    if any(isinstance(each, dict) and each.get("id") == item["id"] for each in node.value):
        return text
    return _insert(text, node, "", item)


def _nested(path: tuple[str, ...], value: Any) -> Any:
    for key in reversed(path):
        value = {key: value}
    return value


def _insert(text: str, parent: _Node, start: str, value: Any) -> str:
    """``value`` as the last part of an object or a list."""
    close = parent.end - 1
    outer = _indent(text, parent.start)
    parts = [*parent.members.values(), *parent.items]
    inner = _indent(text, parts[0].start) if parts else ""
    inner = inner if len(inner) > len(outer) else outer + _step(text)
    end = len(text[:close].rstrip())
    body = f"\n{inner}{start}{_dump(value, inner)}\n{outer}"
    if not parts or parent.comma:
        return text[:end] + body + text[close:]
    last = parts[-1].end
    return text[:last] + "," + text[last:end] + body + text[close:]


def _replace(text: str, node: _Node, value: Any, path: tuple[str, ...]) -> str:
    old = text[node.start : node.end]
    if any(found[1] for found in _COMMENT.finditer(old)):
        name = ".".join(path)
        raise UneditableError(f"{name} has comments, which would be lost: change it by hand")
    return text[: node.start] + _dump(value, _indent(text, node.start)) + text[node.end :]


def _dump(value: Any, indent: str) -> str:
    lines = json.dumps(value, indent=2, ensure_ascii=False).split("\n")
    return f"\n{indent}".join(lines)


def _indent(text: str, place: int) -> str:
    line = text[text.rfind("\n", 0, place) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _step(text: str) -> str:
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found and set(found[1]) == {"\t"} else "  "


def _parse(text: str) -> _Node:
    start = _skip(text, 0)
    node = _value(text, start, 0)
    end = _skip(text, node.end)
    if end != len(text):
        raise _error(text, end, "text after the end")
    return node


def _skip(text: str, place: int) -> int:
    found = _SPACE.match(text, place)
    return found.end() if found else place


def _value(text: str, place: int, depth: int) -> _Node:
    if depth > _DEEPEST:
        raise _error(text, place, "too deeply nested")
    sign = text[place : place + 1]
    if sign == "{":
        return _object(text, place, depth)
    if sign == "[":
        return _list(text, place, depth)
    found = (_STRING if sign == '"' else _SCALAR).match(text, place)
    if found is None:
        raise _error(text, place, "a value is expected")
    try:
        return _Node(place, found.end(), json.loads(found[0]))
    except ValueError:
        raise _error(text, place, "this is not a JSON value") from None


def _object(text: str, start: int, depth: int) -> _Node:
    node = _Node(start, start, {})
    place = _skip(text, start + 1)
    while text[place : place + 1] != "}":
        key, place = _key(text, place)
        if key in node.members:
            raise _error(text, place, f"{key!r} is there twice")
        node.members[key] = member = _value(text, place, depth + 1)
        node.value[key] = member.value
        place, node.comma = _after(text, member.end, "}")
    node.end = place + 1
    return node


def _list(text: str, start: int, depth: int) -> _Node:
    node = _Node(start, start, [])
    place = _skip(text, start + 1)
    while text[place : place + 1] != "]":
        item = _value(text, place, depth + 1)
        node.items.append(item)
        node.value.append(item.value)
        place, node.comma = _after(text, item.end, "]")
    node.end = place + 1
    return node


def _key(text: str, place: int) -> tuple[str, int]:
    found = _STRING.match(text, place)
    if found is None:
        raise _error(text, place, "a name in quotes or } is expected")
    colon = _skip(text, found.end())
    if text[colon : colon + 1] != ":":
        raise _error(text, colon, "a colon is expected")
    try:
        return json.loads(found[0]), _skip(text, colon + 1)
    except ValueError:
        raise _error(text, place, "this is not a JSON string") from None


def _after(text: str, place: int, close: str) -> tuple[int, bool]:
    """The place behind a member, and whether a comma was there."""
    place = _skip(text, place)
    if text[place : place + 1] == ",":
        return _skip(text, place + 1), True
    if text[place : place + 1] == close:
        return place, False
    raise _error(text, place, f"a comma or {close} is expected")


def _error(text: str, place: int, reason: str) -> UneditableError:
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    return UneditableError(f"{reason} at line {line}, column {column}")
