"""Change one table of a TOML file, and leave every other line as it is."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from onehop.cli.edits import UneditableError


def dump(path: tuple[str, ...], table: dict[str, Any], /) -> str:
    """A table with its header."""
    lines = [f"[{'.'.join(path)}]", *(f"{key} = {json.dumps(table[key])}" for key in table)]
    return "\n".join(lines)


def put(text: str, path: tuple[str, ...], table: dict[str, Any]) -> str:
    """``text`` with ``table`` at ``path``. Raises UneditableError when that cannot be done without
    touching something else."""
    before = _load(text)
    if _at(before, path) == table:
        return text
    rest = _without(text, path).rstrip()
    changed = f"{rest}\n\n{dump(path, table)}\n" if rest else f"{dump(path, table)}\n"
    expected = _replaced(before, path, table)
    try:
        same = tomllib.loads(changed) == expected
    except tomllib.TOMLDecodeError:
        same = False
    if not same:
        name = ".".join(path)
        raise UneditableError(f"{name} is not a table of its own: change it by hand")
    return changed


def _load(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UneditableError(f"this is not valid TOML: {error}") from None


def _at(document: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _replaced(document: Any, path: tuple[str, ...], table: dict[str, Any]) -> Any:
    if not path:
        return table
    inner = document.get(path[0], {}) if isinstance(document, dict) else {}
    return {**document, path[0]: _replaced(inner, path[1:], table)}


def _without(text: str, path: tuple[str, ...]) -> str:
    """Without the table at ``path`` and the tables in it, from each header to the next."""
    name = r"\s*\.\s*".join(rf"[\"']?{re.escape(key)}[\"']?" for key in path)
    ours = re.compile(rf"\s*\[\s*{name}\s*(?:\.[^\]]*)?\]")
    kept, dropping = [], False
    for line in text.splitlines(keepends=True):
        if re.match(r"\s*\[", line):
            dropping = ours.match(line) is not None
        if not dropping:
            kept.append(line)
    return "".join(kept)
