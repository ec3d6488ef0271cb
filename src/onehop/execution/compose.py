"""Builds all parts of an executor by what the settings name, and takes them down in order."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from onehop.analytics import Aggregator
from onehop.backends.base import Backend
from onehop.config import (
    AnalyticsConfig,
    AuditConfig,
    CorrectionConfig,
    SandboxConfig,
    ValidationConfig,
)
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.inputs.languages import DEFAULT
from onehop.sandbox import Sandbox
from onehop.stores import open_store
from onehop.types import Language
from onehop.validation import Validator


@asynccontextmanager
async def open_executor(
    sandbox: SandboxConfig | None = None,
    validation: ValidationConfig | None = None,
    audit: AuditConfig | None = None,
    analytics: AnalyticsConfig | None = None,
    corrections: CorrectionConfig | None = None,
    *,
    backend: Backend | None = None,
    store_may_be_away: bool = False,
    first_language: Language = DEFAULT,
) -> AsyncIterator[Executor]:
    """An executor with its sandbox, store, journal, bus and rollups, all as configured.

    What is None comes from the environment and ``onehop.toml``; ``backend`` is workers on this
    machine, unless another one is given. With ``store_may_be_away`` a
    database server that does not answer yet is opened when it does; until then records wait in the
    journal. What the first program needs if it is in ``first_language`` starts beside the first
    worker. At the end runs in flight are ended and recorded. Raises ConfigError,
    StoreUnavailableError, AuditUnavailableError and SandboxUnavailableError.
    """
    rules = validation or ValidationConfig()
    kept = audit or AuditConfig()
    async with AsyncExitStack() as stack:
        store = await open_store(kept, may_be_away=store_may_be_away)
        stack.push_async_callback(store.aclose)
        bus = EventBus()
        stack.push_async_callback(bus.aclose)
        opened = Sandbox(
            sandbox, backend=backend, preload_analysis=True, first_language=first_language
        )
        executor = Executor(
            opened,
            Validator(rules),
            store,
            bus,
            audit=kept,
            corrections=corrections,
            level=rules.level,
        )
        stack.push_async_callback(executor.aclose)
        await executor.open()
        await stack.enter_async_context(Aggregator(store, analytics or AnalyticsConfig()))
        await stack.enter_async_context(opened)
        yield executor
