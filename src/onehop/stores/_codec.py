"""Entries as JSON text, for the journal."""

from __future__ import annotations

from pydantic_core import from_json, to_json

from onehop.events import event_from_dict
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry


def encode_entry(entry: Entry) -> str:
    """JSON text of ``entry``."""
    record = "null" if entry.record is None else entry.record.model_dump_json(by_alias=True)
    events = to_json([event.to_dict() for event in entry.events]).decode()
    return f'{{"record":{record},"events":{events}}}'


def decode_entry(text: str) -> Entry:
    """The inverse of ``encode_entry``."""
    wire = from_json(text)
    record = None if wire["record"] is None else ExecutionRecord.model_validate(wire["record"])
    return Entry(record, tuple(event_from_dict(event) for event in wire["events"]))
