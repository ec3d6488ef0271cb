"""Entries as JSON text, for the journal."""

from __future__ import annotations

from pydantic_core import from_json, to_json

from onehop.events import event_from_dict
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry


def encode_entry(entry: Entry) -> str:
    """JSON text of ``entry``."""
    record = None if entry.record is None else entry.record.to_dict()
    wire = {"record": record, "events": [event.to_dict() for event in entry.events]}
    return to_json(wire, inf_nan_mode="null").decode()


def decode_entry(text: str) -> Entry:
    """The inverse of ``encode_entry``."""
    wire = from_json(text)
    record = None if wire["record"] is None else ExecutionRecord.model_validate(wire["record"])
    return Entry(record, tuple(event_from_dict(event) for event in wire["events"]))
