"""What a schema says beside its type, as the lines of a JSDoc comment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from onehop.tools._harmless import in_comment, lines_of, one_line
from onehop.tools._typescript import Note

_LINES: Final = 8
_WORDS: Final = 500
"""Characters of a description."""
_VALUE: Final = 100
"""Characters of a value."""
_BOUNDS: Final = (
    "minimum exclusiveMinimum maximum exclusiveMaximum multipleOf minLength maxLength pattern "
    "format contentEncoding contentMediaType minItems maxItems uniqueItems minProperties "
    "maxProperties"
).split()
_VALUES: Final = 50
_VALUES_TEXT: Final = 1500
"""Characters of all texts in an enumeration."""


def is_long(values: list[Any]) -> bool:
    """Whether an enumeration is shown in part, in a comment, and not in the type."""
    if len(values) > _VALUES:
        return True
    return sum(len(value) for value in values if isinstance(value, str)) > _VALUES_TEXT


def note_of(schema: Any) -> Note:
    """Its description, then its default and its bounds as tags."""
    if not isinstance(schema, Mapping):
        return ()
    words = lines_of(schema.get("description"), _LINES, _WORDS)
    return (*words, *map(in_line, _tags(schema)))


def in_line(tag: tuple[str, str]) -> str:
    """A tag and its value in one line that ends no comment."""
    name, value = tag
    return f"@{name} {in_comment(value)}".rstrip()


def _tags(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if "default" in schema:
        yield "default", shown(schema["default"])
    for name in _BOUNDS:
        if isinstance(schema.get(name), str | int | float) and schema[name] is not False:
            yield name, _plain(schema[name])
    values = schema.get("enum")
    if isinstance(values, list) and is_long(values):
        yield "enum", f"{len(values)} values, among them {shown(values[:5])}"
    examples = schema.get("examples")
    if isinstance(examples, list) and examples:
        yield "example", shown(examples[0])
    if schema.get("deprecated") is True:
        yield "deprecated", ""


def _plain(value: str | float) -> str:
    return one_line(value, _VALUE) if isinstance(value, str) else shown(value)


def shown(value: Any) -> str:
    """``value`` as JSON, bounded."""
    try:
        return one_line(json.dumps(value, ensure_ascii=False), _VALUE)
    except (TypeError, ValueError, RecursionError):
        return "?"
