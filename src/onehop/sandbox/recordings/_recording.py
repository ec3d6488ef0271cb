"""A whole run as it was recorded, in one piece: to be replayed, or kept as a test."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from onehop.errors import InvalidRequestError, SealedError
from onehop.sandbox.recordings._entries import Entry, read_entries, write_entries
from onehop.sandbox.recordings._program import Program
from onehop.sandbox.recordings._script import Script

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """The program of a run, and all that happened in it."""

    program: Program
    entries: tuple[Entry, ...]

    @property
    def script(self) -> Script:
        """For one replay."""
        return Script(self.entries)

    def to_dict(self) -> dict[str, Any]:
        """JSON data."""
        rows = json.loads(write_entries((1, 1), self.entries))[2]
        return {"version": _VERSION, "program": asdict(self.program), "entries": rows}


def recording_from(data: Any) -> Recording:
    """The inverse of ``Recording.to_dict``. Raises InvalidRequestError."""
    if isinstance(data, Recording):
        return data
    if not isinstance(data, Mapping) or data.get("version") != _VERSION:
        raise InvalidRequestError("recording", f"{data!r:.80}", "what Recording.to_dict gives")
    try:
        entries = read_entries(json.dumps([1, 1, data["entries"]]).encode()).entries
        return Recording(Program(**data["program"]), tuple(entries))
    except (SealedError, TypeError, KeyError, ValueError) as error:
        words = f"{error!r:.80}"
        raise InvalidRequestError("recording", words, "what Recording.to_dict gives") from None
