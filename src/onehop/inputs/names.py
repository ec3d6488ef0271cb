"""What names may stand somewhere, and which of them was meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

_LONGEST: Final = 80
"""Characters of what was given that are compared."""


def choice(allowed: Iterable[str], given: Any = None) -> str:
    """What may stand there, and which of it was probably meant."""
    names = list(allowed)
    return f"one of {', '.join(names)}{_meant(names, given)}"


def _meant(names: list[str], given: Any) -> str:
    if not isinstance(given, str):
        return ""
    from difflib import get_close_matches  # only for those that err

    near = get_close_matches(given[:_LONGEST], names, 1)
    return f" (did you mean {near[0]}?)" if near else ""
