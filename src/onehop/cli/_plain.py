"""The usual words of ``onehop run``, read without typer, which would take 40 ms for it.

What is not quite usual is left to typer, so that both read each command alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_TEXTS: Final[Mapping[str, str]] = {
    "-c": "code",
    "--code": "code",
    "--context": "context",
    "-l": "language",
    "--language": "language",
    "--session": "session",
    "--typecheck": "typecheck",
}
"""Options that take one text, and what it is."""
_FLAGS: Final[Mapping[str, tuple[str, bool]]] = {
    "--json": ("as_json", True),
    "--no-record": ("record", False),
    "--plan": ("plan", True),
    "--record": ("record", True),
}


def plain_call(words: Sequence[str]) -> dict[str, Any] | None:
    """What ``run_once`` takes, by name; None for words that typer has to read."""
    if words[:1] != ["run"] or "_ONEHOP_COMPLETE" in os.environ or not all(map(_is_text, words)):
        return None
    read: dict[str, Any] = {}
    rest = iter(words[1:])
    for word in rest:
        found = _next(word, rest)
        if found is None or found[0] in read:
            return None
        read[found[0]] = found[1]
    return {"source": None, "code": None, "context": None, "language": None, **_REST, **read}


_REST: Final = {"timeout": None, "memory": None}
"""Of ``read_call``: it has no defaults for them."""


def _next(word: str, rest: Iterator[str]) -> tuple[str, Any] | None:
    if word in _FLAGS:
        return _FLAGS[word]
    if word == "-" or not word.startswith("-"):
        return "source", word
    value = next(rest, "")
    if word not in _TEXTS or not value or value.startswith("-"):
        return None
    return _TEXTS[word], value


def _is_text(word: str) -> bool:
    """Whether it is text, and there is some."""
    try:
        return bool(word.encode())
    except UnicodeEncodeError:
        return False
