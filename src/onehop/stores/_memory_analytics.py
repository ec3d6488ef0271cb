"""The questions of analytics, answered from lists."""

from __future__ import annotations

from typing import Any

from onehop.records import ExecutionRecord
from onehop.stores.base import StoredEvent


class MemoryAnalytics:
    """Questions put to the store that keeps nothing on disk."""

    _records: list[ExecutionRecord]
    """In chain order."""
    _events: list[StoredEvent]
    _rollups: dict[Any, Any]
