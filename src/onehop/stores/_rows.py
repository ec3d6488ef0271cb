"""Records and events as the values that a database keeps, by field name, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from onehop.errors import StoreError
from onehop.events import SOURCE, SecurityIssue, event_from_dict
from onehop.records import ExecutionRecord
from onehop.stores._kept import JSON_FIELDS, KeptEvent
from onehop.stores.base import StoredEvent

FIELDS: Final = tuple(ExecutionRecord.model_fields)


def record_values(record: ExecutionRecord, texts: Mapping[str, str]) -> dict[str, Any]:
    """Every field of ``record``, with ``texts`` for those that are kept as JSON."""
    return {name: texts[name] if name in texts else getattr(record, name) for name in FIELDS}


BARE: Final = {"output": "null", "logs": "[]", "context_data": "null"}
"""What stands for the fields that a brief record leaves out."""


def record_from(values: Mapping[Any, Any]) -> ExecutionRecord:
    """The inverse of ``record_values``.

    A record that somebody changed into something else comes back as it is, unchecked, so that
    the audit can say which one it is.
    """
    fields = _fields(values)
    try:
        return ExecutionRecord(**fields)
    except ValidationError:
        return ExecutionRecord.model_construct(**fields)


def unchecked_record_from(values: Mapping[Any, Any]) -> ExecutionRecord:
    """The same, for what takes any record as it is: to learn how to check one takes 10 ms."""
    return ExecutionRecord.known(**_fields(values))


def _fields(values: Mapping[Any, Any]) -> dict[str, Any]:
    fields = {name: values[name] for name in FIELDS}
    return {**fields, **{name: _parsed(fields[name]) for name in JSON_FIELDS}}


def _parsed(text: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return text


def event_values(kept: KeptEvent) -> dict[str, Any]:
    """The columns of an event."""
    event = kept.event
    issue = event if isinstance(event, SecurityIssue) else None
    return {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "timestamp": event.timestamp,
        "agent_id": event.agent_id,
        "channel_id": event.channel_id,
        "request_id": event.request_id,
        "code_hash": event.code_hash,
        "pattern": issue and issue.pattern,
        "severity": issue and issue.severity,
        "data": kept.data,
    }


def event_from(values: Mapping[Any, Any]) -> StoredEvent:
    """The inverse of ``event_values``. Raises StoreError for anything else."""
    try:
        event = event_from_dict(
            {
                "eventId": values["event_id"],
                "eventType": values["event_type"],
                "timestamp": values["timestamp"],
                "agentId": values["agent_id"],
                "channelId": values["channel_id"],
                "source": SOURCE,
                "data": json.loads(values["data"]),
            }
        )
    except ValueError as error:
        raise StoreError(f"event {values['sequence']} cannot be read: {error}") from None
    return StoredEvent(values["sequence"], event)
