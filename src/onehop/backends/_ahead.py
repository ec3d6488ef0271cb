"""A worker that reads a large context while the host still checks it: they take about as long."""

from __future__ import annotations

from typing import Final

from onehop.workers import Pool, Worker

_LARGE: Final = 64 * 1024
"""Bytes of JSON; the check of fewer is over before a worker would have begun."""


class LocalAhead:
    """See Ahead. Nothing of the call runs before its check has passed: the worker has no job."""

    def __init__(self, pool: Pool, agent: str) -> None:
        self._pool = pool
        self._agent = agent
        self._worker: Worker | None = None

    def read(self, context_json: bytes) -> None:
        """See Ahead. Without a worker that is ready, the context comes with the job."""
        if len(context_json) >= _LARGE:
            self.begin(context_json)

    def begin(self, context_json: bytes) -> None:
        """Have a worker wake up, and read the context, of any size."""
        if self._worker is None:
            self._worker = self._pool.take(self._agent)
            if self._worker is not None:
                self._worker.read_ahead(context_json)

    def take(self) -> Worker | None:
        """The worker, for the caller to hand back; None when there is none, or it was taken."""
        worker, self._worker = self._worker, None
        return worker

    def close(self) -> None:
        """See Ahead. A worker that has read something serves no other call."""
        worker = self.take()
        if worker is not None:
            self._pool.hand_back(worker)
