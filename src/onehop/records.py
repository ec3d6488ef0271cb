"""The record of one execution, as the audit trail keeps it, and its place in the hash chain."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any, Final

from pydantic import Field

from onehop.types import ErrorType, Language, Wire
from onehop.types.shown.notebook import record_columns, record_html

SNIPPET_LENGTH: Final = 500
"""Characters of the code that a record keeps."""
INTERRUPTED: Final = "the onehop process ended before this run did"
"""The error of a record that nobody could finish."""
GIVEN_UP: Final = "cancelled"
"""The error type of a run whose caller has left, so that nothing came of it. Its request id is free
again, unless it had called a tool that writes: a client whose connection broke asks for the run,
not for the news that it was ended, but nothing may be written twice."""
GENESIS: Final = "0" * 64
"""What stands for the hash before the first record's."""
_LATER: Final = ("runId", "repeatOf")
"""Fields that records have not always had."""


def _may_have_written(call: Any) -> bool:
    if not isinstance(call, dict):
        return True
    return call.get("effect") != "read" and call.get("change") != "none"


class ExecutionRecord(Wire):
    """What ran, for whom, and what came of it. Immutable once written."""

    request_id: str
    """Names one run of an agent, unless ``repeat_of`` says otherwise."""
    agent_id: str
    channel_id: str
    language: Language
    code_hash: str
    code_length: int
    """Characters."""
    code_snippet: str
    success: bool
    output: Any = None
    logs: list[str] = Field(default_factory=list)
    error: str | None = None
    error_type: ErrorType | None = None
    execution_time: float
    """ms"""
    timeout: float
    """The deadline that the run had, in ms."""
    memory_usage: float
    """MB (2^20 bytes)"""
    timeout_occurred: bool
    context_data: Any = None
    description: str | None = None
    executed_at: int
    """When it started, in ms since the epoch."""
    created_at: int
    """When this record was made, in ms since the epoch."""
    details: dict[str, Any] = Field(default_factory=dict)
    """What else the result said, in wire form: errorInfo, enforcement, corrections, cpuTime, …"""
    run_id: str | None = None
    """The run's own name, unique in a store; None in records from before onehop gave such names."""
    repeat_of: int | None = None
    """The sequence of the first run under the same request id, if this run was not the first: two
    servers had the request at once, or the store was away when it came again."""
    sequence: int | None = None
    """Place in the store's chain, from 1; None until a store has taken the record."""
    previous_hash: str | None = None
    hash: str | None = None

    @property
    def was_interrupted(self) -> bool:
        """Whether its process was lost before it ended, so that nobody could finish the record."""
        details: Any = self.details  # which may have been tampered with
        return isinstance(details, dict) and details.get("interrupted") is True

    @property
    def frees_its_name(self) -> bool:
        """Whether the request id may run again: see GIVEN_UP."""
        if self.error_type != GIVEN_UP:
            return False
        details: Any = self.details  # which may have been tampered with
        calls = details.get("toolCalls") if isinstance(details, dict) else None
        return not any(map(_may_have_written, calls if isinstance(calls, list) else ()))

    def to_dict(self) -> dict[str, Any]:
        """The wire JSON, camelCase."""
        return self.model_dump(by_alias=True)

    def columns(self) -> dict[str, Any]:
        """What of it a table of several records shows."""
        return record_columns(self)

    def _repr_html_(self) -> str:
        return record_html(self)

    def chained(
        self, sequence: int, previous_hash: str, key: bytes | None = None
    ) -> ExecutionRecord:
        """This record with its place in a chain."""
        placed = self.model_copy(update={"sequence": sequence, "previous_hash": previous_hash})
        return placed.model_copy(update={"hash": placed.compute_hash(key)})

    def compute_hash(self, key: bytes | None = None) -> str:
        """The hash that its fields, its place and the hash before it demand.

        SHA-256 in hex, or HMAC-SHA-256 with a key, over the canonical JSON of every other field.
        """
        content = self.model_dump(by_alias=True, exclude={"hash"})
        for name in _LATER:  # absent where None, so that the hashes of older records hold
            if content[name] is None:
                del content[name]
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
        if key is None:
            return hashlib.sha256(text.encode()).hexdigest()
        return hmac.digest(key, text.encode(), "sha256").hex()
