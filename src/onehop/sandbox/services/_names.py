"""Names and types of files, as hostile code gives them, in a form that is safe to pass on."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["text", "bytes", "json"]

_LONGEST: Final = 120
"""Characters of a name."""
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,62}/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}")
_BARE: Final = "application/octet-stream"
_USUAL: Final[dict[Kind, str]] = {
    "text": "text/plain",
    "bytes": _BARE,
    "json": "application/json",
}
_ENDINGS: Final = {
    "text/plain": "txt",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "application/json": "json",
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "image/webp": "webp",
    "image/svg+xml": "svg",
}
_BEGINNINGS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
_RESERVED: Final = frozenset('<>:"|?*\\/')
"""What some system does not take in the name of a file."""


def type_of(given: str, kind: Kind, data: bytes) -> str:
    """The media type, in lower case and without parameters; of bytes of no type, by how they
    begin."""
    named = given.partition(";")[0].strip().lower()
    if _TYPE.fullmatch(named):
        return named
    return sniffed(data) if kind == "bytes" else _USUAL[kind]


def sniffed(data: bytes) -> str:
    """The media type of bytes, by how they begin."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((type_ for head, type_ in _BEGINNINGS if data.startswith(head)), _BARE)


def name_of(title: str, type_: str, number: int) -> str:
    """A name for a file: of printable characters, without a path, and never empty."""
    last = title.replace("\\", "/").rpartition("/")[2]
    name = "".join(c if c.isprintable() and c not in _RESERVED else "_" for c in last)
    name = " ".join(name.split()).strip(". ")[:_LONGEST]
    return name or f"artifact-{number}.{_ENDINGS.get(type_, 'bin')}"
