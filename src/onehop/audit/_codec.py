"""Entries as JSON text, for the journal."""

from __future__ import annotations

from typing import Final

from pydantic_core import from_json, to_json

from onehop.events import event_from_dict
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry

VERSION: Final = 2
"""Of the text. 1, which does not say so, had no names of runs: its entries are read as they are."""


class UnreadableEntryError(ValueError):
    """A text that is not an entry, or one of a version that is not known here."""


def encode_entry(entry: Entry) -> str:
    """JSON text of ``entry``."""
    record = "null" if entry.record is None else entry.record.model_dump_json(by_alias=True)
    events = to_json([event.to_dict() for event in entry.events]).decode()
    return f'{{"version":{VERSION},"record":{record},"events":{events}}}'


def decode_entry(text: str | bytes) -> Entry:
    """The inverse of ``encode_entry``. Raises UnreadableEntryError."""
    try:
        return _decoded(text)
    except UnreadableEntryError:
        raise
    except Exception as error:  # whatever stands there, it is not an entry
        raise UnreadableEntryError(f"{type(error).__name__}: {error}"[:300]) from error


def _decoded(text: str | bytes) -> Entry:
    wire = from_json(text)
    version = wire.get("version", 1)
    if version not in range(1, VERSION + 1):
        raise UnreadableEntryError(
            f"it has version {version!r:.20}, and this onehop reads versions up to {VERSION}"
        )
    record = None if wire["record"] is None else ExecutionRecord.model_validate(wire["record"])
    return Entry(record, tuple(event_from_dict(event) for event in wire["events"]))
