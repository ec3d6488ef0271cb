"""Text of upstream servers, made harmless where it stands in declarations or in a description.

An upstream writes its names and descriptions itself. Nothing of it may end a comment, begin a line,
hide in invisible characters, or be longer than its place.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, Final

_ENOUGH: Final = 8
"""Times the bound that are looked at: most of a text may be white space."""
_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\Z")
_SPECIAL: Final = frozenset(("new", "get", "set", "constructor"))
"""Names that begin another kind of member in a type when they are not quoted."""
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_HIDDEN: Final = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Variants of the character before: a row of them hides a message."""


def one_line(text: object, most: int) -> str:
    """``text`` in one line of at most ``most`` characters, without control characters."""
    if not isinstance(text, str):
        return ""
    cut = text[: most * _ENOUGH]
    plain = cut.isascii() and cut.isprintable()
    line = " ".join((cut if plain else "".join(map(_visible, cut))).split())
    if len(line) <= most and len(cut) == len(text):
        return line
    return line[: most - 1].rstrip() + "…"


def first_sentence(text: object, most: int) -> str:
    """The beginning of ``text`` up to the end of its first sentence or paragraph, in one line."""
    if not isinstance(text, str):
        return ""
    paragraph = text.lstrip()[: most * _ENOUGH].partition("\n\n")[0]
    sentence = re.split(r"(?<=[.!?])\s+(?=[^a-z])", paragraph, maxsplit=1)[0]
    return one_line(sentence, most).removesuffix(".")


def lines_of(text: object, most_lines: int, most: int) -> Iterator[str]:
    """The lines of ``text`` for a comment, at most ``most_lines`` and ``most`` characters."""
    if not isinstance(text, str):
        return
    lines = text[:most].strip().splitlines()
    for line in lines[:most_lines]:
        yield in_comment(one_line(line, most))
    if len(lines) > most_lines or len(text) > most:
        yield "…"


def in_comment(line: str) -> str:
    """``line`` so that it neither ends a comment nor begins with a tag or directive of its own."""
    safe = line.replace("*/", "*\\/").replace("/*", "/\\*")
    return re.sub(r"^([\s/*]*)@", r"\1\\@", safe)


def literal(value: Any) -> str:
    """A string, number, boolean or null as a literal of TypeScript."""
    return _escape(json.dumps(value, ensure_ascii=False))


def key(name: str) -> str:
    """``name`` as a property of a type: quoted unless it is a plain identifier."""
    if _IDENTIFIER.match(name) and name not in _SPECIAL:
        return name
    return literal(name)


def is_identifier(name: str) -> bool:
    """Whether ``name`` can follow a dot."""
    return _IDENTIFIER.match(name) is not None


def _visible(character: str) -> str:
    if character.isascii():
        return character if " " <= character <= "~" else " "
    category = unicodedata.category(character)
    if category == "Cf" or _HIDDEN.match(character):
        return ""
    if category not in _UNSEEN:
        return character
    return "\ufffd" if category == "Cs" else " "


def _escape(text: str) -> str:
    """Characters that one does not see, as escapes. All of them stand inside of quotes."""
    if text.isascii() and "\x7f" not in text:
        return text
    return "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character != "\x7f" and unicodedata.category(character) not in _UNSEEN:
        return character
    return json.dumps(character, ensure_ascii=True)[1:-1] if character != "\x7f" else "\\u007f"
