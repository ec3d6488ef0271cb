"""What the command line says of runs that have not ended, or whose server died first.

Their calls are in the log that is kept of them, sealed, until somebody opens it with its key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onehop.answers import PausedRun
from onehop.config import RecordingConfig
from onehop.errors import ConfigError, MissingExtraError, SealedError
from onehop.records import ExecutionRecord
from onehop.runs.kept import KeptRun
from onehop.stores import waiting_run
from onehop.stores.base import Store


@dataclass(frozen=True)
class Unended:
    """A run without a record, or with one that nobody could finish."""

    kept: KeptRun
    paused: PausedRun | None
    """When it waits for people."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What its log says of its calls, as the details of a record have it."""
    sealed: str | None = None
    """Why the log cannot be read."""


async def find_unended(
    store: Store, request_id: str, record: ExecutionRecord | None
) -> Unended | None:
    """What is kept of the run of this name, unless it has a record that somebody has finished.
    Raises StoreError."""
    if record is None:
        kept = await _latest(store, request_id)
        paused = await waiting_run(store, request_id)
    elif record.was_interrupted and record.run_id and "toolCalls" not in record.details:
        kept, paused = await store.kept_run(record.run_id), None
    else:
        return None
    return None if kept is None else await _opened(store, kept, paused)


async def _latest(store: Store, request_id: str) -> KeptRun | None:
    found = await store.kept_runs(request_id=request_id, limit=1)
    return found[0] if found else None


async def _opened(store: Store, kept: KeptRun, paused: PausedRun | None) -> Unended:
    from onehop.execution.keeping import Keeper  # most runs have ended

    keeper = Keeper(store, RecordingConfig().replace(runs="all"), 0)
    try:
        return Unended(kept, paused, await keeper.effects(kept))
    except (SealedError, ConfigError, MissingExtraError) as error:
        return Unended(kept, paused, sealed=str(error))
