"""Media of a run's answers: kept on the host until the code asks for their bytes."""

from __future__ import annotations

import base64
import secrets
from typing import Any, Final

from onehop.errors import ToolError

MEDIA: Final = "$media"
"""The field of a value that has an id; the guest puts a function in its place."""


class MediaShelf:
    """Of one run, with room for ``room`` bytes."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._kept: dict[str, bytes] = {}

    def keep(self, data: bytes) -> str:
        """The id of ``data``. Without room, the oldest go: the code has not asked for them yet."""
        used = sum(map(len, self._kept.values()))
        while self._kept and used + len(data) > self._room:
            used -= len(self._kept.pop(next(iter(self._kept))))
        name = secrets.token_hex(8)
        self._kept[name] = data
        return name

    def base64(self, name: str, most: int) -> str:
        """What was kept. Raises ToolError for what is not there, or more than ``most`` bytes."""
        if (data := self._kept.get(name)) is None:
            raise ToolError("unavailable", "these bytes are not kept any more", "bytes")
        if len(data) > most:
            words = f"there are {len(data)} bytes, and an answer may have {most}"
            raise ToolError("too_large", words, "bytes")
        return base64.b64encode(data).decode()


def without_ids(value: Any) -> Any:
    """A value as it is where no code can ask for the bytes: after a direct call."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and isinstance(one.get(MEDIA), str):
            del one[MEDIA]
    return value
