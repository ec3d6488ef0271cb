"""Change one block of a YAML file of plain blocks, and leave every other line as it is.

onehop has no YAML parser: what is not a plain block of the kind that programs write is refused.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from onehop.cli.edits import UneditableError

_STEP: Final = "  "
_BY_HAND: Final = "change it by hand: 'onehop mcp config' prints what to add"


def dump(path: tuple[str, ...], block: dict[str, Any], /) -> str:
    """A block below its keys."""
    lines = [f"{_STEP * depth}{key}:" for depth, key in enumerate(path)]
    inner = _STEP * len(path)
    # JSON is YAML too: each value is written on one line.
    return "\n".join([*lines, *(f"{inner}{key}: {json.dumps(block[key])}" for key in block)])


def put(text: str, path: tuple[str, ...], block: dict[str, Any]) -> str:
    """``text`` with ``block`` at ``path``, which is two keys. Raises UneditableError."""
    top, name = path
    if "\t" in text or re.search(r"^(?:---|\.\.\.)", text, re.MULTILINE):
        raise UneditableError(f"tabs or several documents: {_BY_HAND}")
    lines = text.splitlines()
    start = next((number for number, line in enumerate(lines) if _is(line, top)), None)
    whole = dump(path, block).split("\n")
    if start is None:
        return "\n".join([*lines, *whole, ""])
    if re.fullmatch(rf"{re.escape(top)}:\s*(?:\{{\s*\}}\s*)?(?:#.*)?", lines[start]) is None:
        raise UneditableError(f"line {start + 1}: {top} is not a plain block: {_BY_HAND}")
    end = _end(lines, start, 0)
    kept = _without(lines[start + 1 : end], name)
    return "\n".join(
        [*lines[:start], whole[0], *_aligned(whole[1:], kept), *kept, *lines[end:], ""]
    )


def _is(line: str, key: str) -> bool:
    return re.match(rf"[\"']?{re.escape(key)}[\"']?\s*:", line) is not None


def _end(lines: list[str], start: int, indent: int) -> int:
    """The first line behind a block that is not inside it."""
    for number in range(start + 1, len(lines)):
        line = lines[number]
        if line.strip() and len(line) - len(line.lstrip()) <= indent and not line.startswith("#"):
            return number
    return len(lines)


def _without(lines: list[str], name: str) -> list[str]:
    for number, line in enumerate(lines):
        if _is(line.lstrip(), name) and _depth(line) == _first_depth(lines):
            return lines[:number] + lines[_end(lines, number, _depth(line)) :]
    return lines


def _aligned(block: list[str], beside: list[str]) -> list[str]:
    """The block as deep as those beside it."""
    shift = " " * max(_first_depth(beside) - len(_STEP), 0)
    return [shift + line for line in block]


def _first_depth(lines: list[str]) -> int:
    named = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return _depth(named[0]) if named else len(_STEP)


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
