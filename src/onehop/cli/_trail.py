"""Questions of the command line to the audit trail that the settings name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, Protocol, runtime_checkable

from onehop import audit
from onehop.audit.recorder import make_recorder
from onehop.cli import _trail_pages
from onehop.cli._exits import ExitCode
from onehop.config import AnalyticsConfig, AuditConfig, RecordingConfig
from onehop.errors import ConfigError, StoreError
from onehop.records import ExecutionRecord
from onehop.stores import open_store
from onehop.stores.base import HistoryQuery, Store

_DELIVERY: Final = 30.0
"""Seconds that delivering them may take: what was cut off is completed first."""


def ask(question: Callable[[Trail], Awaitable[ExitCode]]) -> ExitCode:
    """Put ``question`` to the trail. Raises ConfigError and StoreError."""
    return asyncio.run(_ask(question))


async def _ask(question: Callable[[Trail], Awaitable[ExitCode]]) -> ExitCode:
    config = AuditConfig()
    store = await open_store(config)
    try:
        await deliver(store, config)
        return await question(Trail(store, config))
    finally:
        await store.aclose()


async def deliver(store: Store, config: AuditConfig) -> None:
    """What processes that are gone have left in their journals belongs to the answer."""
    recorder = make_recorder(store, config)
    recorder.complete_by(partial(_completed, store))
    await recorder.open()
    await recorder.flush(_DELIVERY)
    await recorder.aclose()


async def _completed(store: Store, record: ExecutionRecord) -> ExecutionRecord | None:
    """The record of a run that was cut off, with the calls that it had made, if they are known."""
    from onehop.execution.cut_off import CutOff  # few runs are
    from onehop.execution.keeping import Keeper

    keeper = Keeper(store, RecordingConfig().replace(runs="all"), 0)
    try:
        return await CutOff(keeper).complete(record)
    except ConfigError:  # of the key: what the log has, ``show`` says once it can be opened
        return record


@runtime_checkable
class Compactable(Protocol):
    """A store that keeps the room of what was deleted until it is compacted."""

    async def compact(self) -> tuple[int, int]:
        """Bytes before and after."""


class Trail:
    """The records of an open store, printed."""

    def __init__(self, store: Store, config: AuditConfig) -> None:
        self._store = store
        self._config = config

    async def stats(self, agent_id: str | None, *, utc: bool, as_json: bool) -> ExitCode:
        """Statistics as of now."""
        keep_days = AnalyticsConfig().retention_days
        await self._store.roll_up(time.time_ns() // 1_000_000, keep_days)
        await _trail_pages.print_stats(self._store, agent_id, utc=utc, as_json=as_json)
        return ExitCode.SUCCESS

    async def history(self, query: HistoryQuery, *, utc: bool, as_json: bool) -> ExitCode:
        """The latest runs."""
        await _trail_pages.print_history(self._store, query, utc=utc, as_json=as_json)
        return ExitCode.SUCCESS

    async def show(self, request_id: str, *, utc: bool, as_json: bool) -> ExitCode:
        """One run."""
        return await _trail_pages.print_record(self._store, request_id, utc=utc, as_json=as_json)

    async def compact(self, *, as_json: bool) -> ExitCode:
        """Give room back to the file system. Raises StoreError for a store that does so itself."""
        if not isinstance(self._store, Compactable):
            raise StoreError("this store gives room back itself")
        before, after = await self._store.compact()
        _trail_pages.print_compacted(before, after, as_json=as_json)
        return ExitCode.SUCCESS

    async def verify(self, expect: str | None, *, as_json: bool) -> ExitCode:
        """Whether the chain holds."""
        key = self._config.key.get_secret_value().encode() if self._config.key else None
        report = await audit.verify(self._store, key, expect)
        return _trail_pages.print_audit(report, as_json=as_json)
