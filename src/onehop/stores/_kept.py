"""What a store keeps of an entry: the same on every database, decided before it is hashed.

Text columns cannot hold everything that Python's text can: PostgreSQL refuses NUL, and a lone
surrogate has no UTF-8. There both become U+FFFD. Inside output, logs, context and details, and in
an event's data, they survive, since those are kept as JSON of ASCII characters.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from onehop.errors import RecordRejectedError
from onehop.events import Event, event_from_dict
from onehop.records import ExecutionRecord
from onehop.stores.base import Entry

JSON_FIELDS: Final = ("output", "logs", "context_data", "details")
"""Fields of a record that are kept as JSON text."""
MAX_BYTES: Final = 15 << 20
"""Of one record or event: MongoDB takes documents up to 16 MB."""
MAX_NAME_BYTES: Final = 1024
"""Of an indexed text: PostgreSQL takes index entries up to 2,704 bytes."""

_NAMES: Final = ("request_id", "agent_id", "channel_id", "code_hash", "run_id")
_TEXTS: Final = (*_NAMES, "code_snippet", "error", "description")
_NUMBERS: Final = ("execution_time", "timeout", "memory_usage")
_INTEGERS: Final = ("code_length", "executed_at", "created_at")
_UNKEEPABLE: Final = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    """``text`` as a text column holds it: with U+FFFD for NUL and lone surrogates."""
    return _UNKEEPABLE.sub("\ufffd", text)


def json_text(value: Any) -> str:
    """ASCII JSON. Raises ValueError, TypeError or RecursionError for anything else."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """A record as it is kept, before it has its place in the chain."""

    record: ExecutionRecord
    texts: dict[str, str]
    """JSON text of each of JSON_FIELDS."""
    given_id: str
    """The request id as it was given."""

    def changed(self, *, repeat_of: int, details: dict[str, Any]) -> KeptRecord:
        """The same as a repeat of an earlier run."""
        changes = {"repeat_of": repeat_of, "details": details}
        record = self.record.model_copy(update=changes)
        texts = {**self.texts, "details": json_text(details)}
        return dataclasses.replace(self, record=record, texts=texts)

    def chained(self, sequence: int, previous: str, key: bytes | None) -> ExecutionRecord:
        """The record at its place. Raises RecordRejectedError if it cannot be hashed."""
        try:
            return self.record.chained(sequence, previous, key)
        except (ValueError, TypeError, RecursionError) as error:
            raise RecordRejectedError(self.given_id, str(error)) from None


@dataclass(frozen=True, slots=True)
class KeptEvent:
    """An event as it is kept."""

    event: Event
    data: str
    """JSON text of its envelope's data."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything of some entries, in order, each record and event once."""

    records: tuple[KeptRecord, ...]
    events: tuple[KeptEvent, ...]


def kept(entries: Sequence[Entry]) -> Batch:
    """What to keep of ``entries``. Raises RecordRejectedError for the first that cannot be kept."""
    records: dict[object, KeptRecord] = {}
    events: dict[str, KeptEvent] = {}
    for entry in entries:
        if entry.record is not None:
            record = _kept_record(entry.record)
            records.setdefault(_identity(record.record), record)
        for announced in entry.events:
            event = _kept_event(announced)
            events.setdefault(event.event.event_id, event)
    return Batch(tuple(records.values()), tuple(events.values()))


def _identity(record: ExecutionRecord) -> object:
    return record.run_id or (record.agent_id, record.request_id, record.executed_at)


def _kept_record(record: ExecutionRecord) -> KeptRecord:
    try:
        texts = {name: json_text(getattr(record, name)) for name in JSON_FIELDS}
        changes: dict[str, Any] = {name: json.loads(text) for name, text in texts.items()}
    except (ValueError, TypeError, RecursionError) as error:
        raise RecordRejectedError(record.request_id, f"it holds no JSON data: {error}") from None
    for name in _TEXTS:
        value = getattr(record, name)
        changes[name] = None if value is None else clean_text(value)
    # Adding zero makes the negative one positive, as SQLite would.
    changes.update({name: float(getattr(record, name)) + 0.0 for name in _NUMBERS})
    clean = record.model_copy(update=changes)
    _check(record.request_id, clean, [*texts.values(), *(changes[name] or "" for name in _TEXTS)])
    _check_integers(record.request_id, clean)
    return KeptRecord(clean, texts, record.request_id)


def _kept_event(event: Event) -> KeptEvent:
    clean = dataclasses.replace(
        event,
        event_id=clean_text(event.event_id),
        request_id=clean_text(event.request_id),
        agent_id=clean_text(event.agent_id),
        channel_id=clean_text(event.channel_id),
        code_hash=clean_text(event.code_hash),
    )
    try:
        wire = clean.to_dict()
        data = json_text(wire["data"])
        clean = event_from_dict({**wire, "data": json.loads(data)})
    except (ValueError, TypeError, RecursionError) as error:
        reason = f"its event {event.event_type} holds no JSON data: {error}"
        raise RecordRejectedError(event.request_id, reason) from None
    _check(event.request_id, clean, [data])
    return KeptEvent(clean, data)


def _check(request_id: str, item: ExecutionRecord | Event, texts: list[str]) -> None:
    size = sum(_size(text) for text in texts)
    if size > MAX_BYTES:
        raise RecordRejectedError(request_id, f"it has {size} bytes; {MAX_BYTES} is the most")
    for name in (*_NAMES, *(("event_id",) if isinstance(item, Event) else ())):
        if _size(getattr(item, name, None) or "") > MAX_NAME_BYTES:
            raise RecordRejectedError(request_id, f"{name} has more than {MAX_NAME_BYTES} bytes")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _check_integers(request_id: str, record: ExecutionRecord) -> None:
    for name in _INTEGERS:
        if not -(1 << 63) <= getattr(record, name) < 1 << 63:
            raise RecordRejectedError(request_id, f"{name} does not fit 64 bits")
