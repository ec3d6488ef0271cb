"""The first line of a script, which names its interpreter; no engine reads it in a function."""

from __future__ import annotations

import re

_SHEBANG = re.compile("[\\s\ufeff]*+(#![^\n\r\u2028\u2029]*+)")


def without_shebang(code: str) -> str:
    """The text with blanks in place of such a line, so that every position stays what it was."""
    found = _SHEBANG.match(code) if "#!" in code[:1000] else None
    if found is None:
        return code
    return code[: found.start(1)] + " " * len(found[1]) + code[found.end() :]
