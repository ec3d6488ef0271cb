"""Names of snippets: what code writes behind `snippets.`, and nothing the language asks for."""

from __future__ import annotations

import re
from typing import Any, Final

from onehop.errors import InvalidRequestError

_LONGEST: Final = 64
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_TAKEN: Final = frozenset(
    "then constructor prototype toString toLocaleString valueOf toJSON hasOwnProperty "
    "isPrototypeOf propertyIsEnumerable".split()
)
"""What the language asks any object for."""
NAME_SCHEMA: Final[dict[str, Any]] = {
    "pattern": f"^[A-Za-z][A-Za-z0-9_]{{0,{_LONGEST - 1}}}$",
    "maxLength": _LONGEST,
    "not": {"enum": sorted(_TAKEN)},
}
"""JSON Schema of a name, beside that it is a string."""
_LETTERS: Final = (
    "a letter, and then only letters A to Z, digits and _, such as weekly_report: code writes it "
    "behind `snippets.`"
)


def checked_name(name: Any) -> str:
    """``name``, if a snippet may be called so. Raises InvalidRequestError that says why not."""
    if not isinstance(name, str) or not name:
        raise _refused(name, _LETTERS)
    if len(name) > _LONGEST:
        raise _refused(name, f"at most {_LONGEST} characters; it has {len(name)}")
    if _NAME.fullmatch(name) is None:
        raise _refused(name, _LETTERS)
    if name in _TAKEN:
        raise _refused(name, "another name: JavaScript asks every object for this one")
    return name


def _refused(name: Any, allowed: str) -> InvalidRequestError:
    return InvalidRequestError("name", ascii(name)[:80], allowed)
