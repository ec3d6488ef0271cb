"""The names that people give to the two languages, for every door: one table, no guesses."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from onehop.types import Language

DEFAULT: Final[Language] = "javascript"
"""What a call means that names no language; null is as if it were left out."""

LANGUAGES: Final[dict[str, Language]] = {
    **dict.fromkeys(
        "javascript js jsx mjs cjs node nodejs node.js ecmascript es6 esm".split(), "javascript"
    ),
    **dict.fromkeys("typescript ts tsx mts cts deno".split(), "typescript"),
}
"""Every name in lower case, with the language that is meant by it."""

_SUFFIXES: Final = frozenset(".js .jsx .mjs .cjs .ts .tsx .mts .cts".split())
_LONGEST: Final = 20


def language_named(name: Any) -> Language | None:
    """The language that goes by ``name``, in capitals or not; None when it is not one of ours."""
    if not isinstance(name, str) or len(name) > _LONGEST:
        return None
    return LANGUAGES.get(name.strip().lower())


def language_of_file(path: str | None) -> Language | None:
    """What the suffix of a file's name says, if it says one."""
    suffix = "" if path is None else PurePath(path).suffix.lower()
    return LANGUAGES.get(suffix.removeprefix(".")) if suffix in _SUFFIXES else None
