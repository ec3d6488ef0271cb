"""One run with its console lines as they are printed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import Final

from pydantic_core import from_json

from onehop.client._connection import Call, Connection
from onehop.client._feed import Put
from onehop.client._wire import decode
from onehop.errors import ExecutionNotFoundError
from onehop.types import ExecutionResult, LogEntry, Progress

_SOON: Final = 0.02
"""Seconds until the stream of a run is asked for again that the server did not know yet."""
_MAX_WAIT: Final = 0.5

_log = logging.getLogger(__name__)

Item = LogEntry | Progress | ExecutionResult


class LiveRun:
    """Runs ``execute`` and puts its console lines, then its result.

    The result is what counts: lines that the stream did not bring come from it.
    """

    def __init__(
        self, connection: Connection, execute: Call, patience: float, stream: Call
    ) -> None:
        self._connection = connection
        self._execute = execute
        self._patience = patience
        self._stream = stream
        self._seen: Counter[tuple[str, str, float]] = Counter()

    async def follow(self, put: Put[Item], begun: asyncio.Event) -> None:
        """Put everything. Raises what ``AgentClient.execute`` raises."""
        begun.set()
        watching = asyncio.ensure_future(self._watch(put))
        try:
            result = await self._connection.run(
                self._execute, self._patience, partial(decode, ExecutionResult)
            )
        finally:
            await _end(watching)
        for entry in result.log_entries:
            if self._is_new(entry):
                await put(entry)
        await put(result)

    async def _watch(self, put: Put[Item]) -> None:
        wait = _SOON
        while True:
            with suppress(ExecutionNotFoundError):
                return await self._read(put)
            await asyncio.sleep(wait)
            wait = min(_MAX_WAIT, wait * 2)

    async def _read(self, put: Put[Item]) -> None:
        async with self._connection.stream(self._stream) as source:
            async for sent in source:
                if sent.event == "progress":
                    await put(decode(Progress, from_json(sent.data)))
                elif sent.event == "log":
                    entry = decode(LogEntry, from_json(sent.data))
                    await put(entry)
                    self._seen[_key(entry)] += 1

    def _is_new(self, entry: LogEntry) -> bool:
        known = self._seen[_key(entry)] > 0
        self._seen[_key(entry)] -= known
        return not known


def _key(entry: LogEntry) -> tuple[str, str, float]:
    return entry.level, entry.message, entry.time


async def _end(watching: asyncio.Future[None]) -> None:
    """The lines are a convenience: if their stream fails, the run has not failed."""
    watching.cancel()
    await asyncio.wait([watching])
    if not watching.cancelled() and (error := watching.exception()) is not None:
        _log.info("the stream of a run's console lines failed: %s", error)
