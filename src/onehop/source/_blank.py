"""Overwrite the types of a program where another process says that they are.

That process reads the texts of strangers and is believed in nothing: it can have parts of a
program blanked, put one of three brackets and marks, and no more.
"""

from __future__ import annotations

import re

from onehop.source._tree import decode, encode

_KEEP = b"x"
_MARKS = b" ;()"
_KNOWN = _KEEP + _MARKS
_STAYS = bytes.maketrans(_KNOWN, b"\xff" + bytes(len(_MARKS)))
_BECOMES = bytes.maketrans(_KEEP, b"\0")
_LINE_ENDS = "\n\r\u2028\u2029"
_HALF = re.compile("[\ud800-\udfff]")
_MAY_BE_TYPED = re.compile(
    r"[:<!@\\]|-->|\?\s*[,)(;=]|(?<![\w$.])0[\d_]"
    r"|\b(?:abstract|accessor|as|declare|enum|implements|interface|module|namespace|override"
    r"|private|protected|public|readonly|satisfies|type|with)\b"
)
"""No TypeScript is without any of these, unless it is JavaScript."""
_DIFFERENT = ("<!--", "-->", "use strict")
"""Comments to V8, not to the compiler; and a directive, which may no semicolon precede."""


def may_be_typed(code: str) -> bool:
    """Whether TypeScript ``code`` may be anything but JavaScript."""
    return _MAY_BE_TYPED.search(code) is not None


def may_lose_types(code: str) -> bool:
    """Whether ``code`` may be judged by its text alone, wherever its types are."""
    return not any(text in code for text in _DIFFERENT)


def blank(code: str, mask: bytes) -> str | None:
    """``code`` with parts overwritten; None when ``mask`` is none.

    It says for each UTF-16 unit what becomes of it: ``x``, it stays; a space, ``;``, ``(`` or
    ``)``, it becomes that. No line end and no half of a character is overwritten.
    """
    data = code.encode("ascii") if code.isascii() else encode(code)
    width = 1 if code.isascii() else 2
    if len(mask) * width != len(data) or mask.translate(None, _KNOWN):
        return None
    stays, becomes = mask.translate(_STAYS), mask.translate(_BECOMES)
    if width == 2:
        stays, becomes = _interleave(stays, stays), _interleave(becomes, bytes(len(becomes)))
    # On numbers of that many digits, this is quicker than going from part to part.
    merged = (_number(data) & _number(stays) | _number(becomes)).to_bytes(len(data), "big")
    return _read(merged, code, width)


def _read(data: bytes, code: str, width: int) -> str | None:
    text = data.decode("ascii") if width == 1 else decode(data)
    if any(text.count(end) != code.count(end) for end in _LINE_ENDS):
        return None
    return None if width == 2 and _HALF.search(text) else text


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _interleave(even: bytes, odd: bytes) -> bytes:
    both = bytearray(2 * len(even))
    both[::2], both[1::2] = even, odd
    return bytes(both)
