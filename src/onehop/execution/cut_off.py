"""What the store knows of a run whose server ended before it did.

A journal has the record that a run leaves if its process ends, written before the run began: it
names no call. A run that may wait for people has written down each write before it was sent, so
that its record can name them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from onehop.errors import SealedError

if TYPE_CHECKING:
    from onehop.execution.keeping import Keeper
    from onehop.records import ExecutionRecord
    from onehop.runs.kept import KeptRun

_log = logging.getLogger(__name__)


class CutOff:
    """Completes the records of runs that were cut off, by what ``keeper`` has of them."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    async def complete(self, record: ExecutionRecord) -> ExecutionRecord | None:
        """The record with the calls that the run had made; None if the run has not ended so: it
        waits for people, or another server has gone on with it. Raises StoreError."""
        kept = await self._keeper.store.kept_run(record.run_id or "")
        if kept is None or self._keeper.sealer is None:
            return record
        if kept.is_waiting or kept.fence > 1:
            return None
        details = {**record.details, **await self._known(kept)}
        return record.model_copy(update={"details": details})

    async def _known(self, kept: KeptRun) -> dict[str, Any]:
        """What is known of its calls; that they are missing, where its log cannot be read."""
        try:
            return await self._keeper.effects(kept)
        except SealedError as error:
            _log.warning("what the run %s had called is not known: %s", kept.run_id, error)
            return await self._keeper.effects_of(kept, None)
