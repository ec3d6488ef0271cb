"""Builds all parts of an executor by what the settings name, and takes them down in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from onehop.analytics import Aggregator
from onehop.backends.base import Backend
from onehop.calls import Layer, Wanted
from onehop.config import (
    AnalyticsConfig,
    AuditConfig,
    CorrectionConfig,
    SandboxConfig,
    ToolsConfig,
    ValidationConfig,
)
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.inputs.languages import DEFAULT
from onehop.sandbox import Sandbox
from onehop.stores import open_store
from onehop.tools import Rule, ToolLimits, Tools, load_tools, read_rules
from onehop.types import Language
from onehop.upstreams import configured_upstreams
from onehop.validation import Validator
from onehop.watching import Watcher


@asynccontextmanager
async def open_executor(
    sandbox: SandboxConfig | None = None,
    validation: ValidationConfig | None = None,
    audit: AuditConfig | None = None,
    analytics: AnalyticsConfig | None = None,
    corrections: CorrectionConfig | None = None,
    *,
    backend: Backend | None = None,
    tools: Wanted | ToolsConfig | None = None,
    rules: Layer = (),
    store_may_be_away: bool = False,
    first_language: Language = DEFAULT,
    watchers: Sequence[Watcher] = (),
) -> AsyncIterator[Executor]:
    """An executor with its sandbox, store, journal, bus and rollups, all as configured.

    What is None comes from the environment and ``onehop.toml``; ``backend`` is workers on this
    machine, unless another one is given. ``tools`` are what the code may call, under ``rules``:
    those that the settings name, unless others are given. With ``store_may_be_away`` a
    database server that does not answer yet is opened when it does; until then records wait in the
    journal. What the first program needs if it is in ``first_language`` starts beside the first
    worker. ``watchers`` hear of each stage of each run. At the end runs in flight are ended and
    recorded. Raises ConfigError, StoreUnavailableError, AuditUnavailableError and
    SandboxUnavailableError.
    """
    validated = validation or ValidationConfig()
    kept = audit or AuditConfig()
    async with AsyncExitStack() as stack:
        store = await open_store(kept, may_be_away=store_may_be_away)
        stack.push_async_callback(store.aclose)
        bus = EventBus()
        stack.push_async_callback(bus.aclose)
        opened = Sandbox(
            sandbox,
            backend=backend,
            preload_analysis=True,
            first_language=first_language,
            watchers=watchers,
            **granted(tools, rules),
        )
        executor = Executor(
            opened,
            Validator(validated),
            store,
            bus,
            audit=kept,
            corrections=corrections,
            level=validated.level,
        )
        stack.push_async_callback(executor.aclose)
        await executor.open()
        await stack.enter_async_context(Aggregator(store, analytics or AnalyticsConfig()))
        await stack.enter_async_context(opened)
        yield executor


def granted(tools: Wanted | ToolsConfig | None, rules: Layer) -> dict[str, Any]:
    """What a sandbox takes of tools: those that the settings name, unless others are given. Raises
    ConfigError."""
    if tools is not None and not isinstance(tools, ToolsConfig):
        return {"tools": tools, "rules": rules}
    config = tools or ToolsConfig()
    named = [Rule("deny", glob) for glob in config.deny] + [
        Rule("ask", glob) for glob in config.ask
    ]
    return {
        "tools": Tools(load_tools(config.files), **configured_upstreams(config.mcp_servers)),
        "rules": [*named, *read_rules(rules)],
        "tool_limits": ToolLimits(calls=config.max_calls, timeout=config.call_timeout),
    }
