"""Records and events as MongoDB's documents, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from bson.datetime_ms import DatetimeMS
from bson.int64 import Int64
from pydantic.alias_generators import to_camel

from onehop.records import ExecutionRecord
from onehop.stores._kept import KeptEvent
from onehop.stores._rows import FIELDS, event_from, event_values, record_from, record_values
from onehop.stores._tool_calls import tool_run
from onehop.stores.base import ChainAnchor, StoredEvent

REPEAT: Final = "repeat"
"""The field that lets a run be a repeat: without it, one of an agent and request id is unique."""
BARE: Final = {"output": "null", "logs": "[]", "contextData": "null"}
"""What stands for the fields that a brief record leaves out."""
CALLED: Final = "calledTools"
"""The field of a record whose run called tools."""
_DATES: Final = frozenset({"executed_at", "created_at", "timestamp"})
_EVENT_FIELDS: Final = (
    "sequence",
    "event_id",
    "event_type",
    "timestamp",
    "agent_id",
    "channel_id",
    "request_id",
    "code_hash",
    "pattern",
    "severity",
    "data",
)


def record_document(record: ExecutionRecord, texts: Mapping[str, str]) -> dict[str, Any]:
    """A document of the collection ``executions``; what is unique there is absent if unknown."""
    document = _document(record_values(record, texts))
    if record.run_id is None:
        del document["runId"]
    if record.repeat_of is not None:
        document[REPEAT] = document["sequence"]
    return document | called(record)


def called(record: ExecutionRecord) -> dict[str, Any]:
    """What statistics need of a record's calls of tools, beside its own fields."""
    run = tool_run(record)
    if run is None:
        return {}
    sums = {"calls": run.calls, "turns": run.avoided_turns, "tokens": run.avoided_tokens}
    listed = [_document(asdict(call)) for call in run.listed]
    return {CALLED: True, "toolSums": _document(sums), "toolCalls": listed}


def event_document(kept: KeptEvent, sequence: int) -> dict[str, Any]:
    """A document of the collection ``events``."""
    return _document({"sequence": sequence, **event_values(kept)})


def record_of(document: Mapping[str, Any]) -> ExecutionRecord:
    """The inverse of ``record_document``; what was tampered with comes back as it is."""
    return record_from({name: _plain(document.get(to_camel(name))) for name in FIELDS})


def event_of(document: Mapping[str, Any]) -> StoredEvent:
    """The inverse of ``event_document``. Raises StoreError for anything else."""
    return event_from({name: _plain(document.get(to_camel(name))) for name in _EVENT_FIELDS})


def anchor_document(anchor: ChainAnchor) -> dict[str, Any]:
    """A document of the collection ``chain_anchors``."""
    return {
        "sequence": Int64(anchor.sequence),
        "hash": anchor.hash,
        "executedAt": DatetimeMS(anchor.executed_at),
        "times": [Int64(time) for time in anchor.times],
    }


def anchor_of(document: Mapping[str, Any]) -> ChainAnchor:
    """The inverse of ``anchor_document``."""
    times = tuple(int(time) for time in document["times"])
    executed_at = int(document["executedAt"])
    return ChainAnchor(int(document["sequence"]), document["hash"], executed_at, times)


def _document(values: Mapping[str, Any]) -> dict[str, Any]:
    return {to_camel(name): _bson(name, value) for name, value in values.items()}


def _bson(name: str, value: Any) -> Any:
    if name in _DATES:
        return DatetimeMS(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return Int64(value)
    return value


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, DatetimeMS | Int64) else value
