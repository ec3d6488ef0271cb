"""Builds all parts of an executor by what the settings name, and takes them down in order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from onehop._extras import needed_for
from onehop.config import (
    AnalyticsConfig,
    AuditConfig,
    CorrectionConfig,
    RecordingConfig,
    SandboxConfig,
    ToolsConfig,
    ValidationConfig,
    WebhookConfig,
    upstream_tables,
)
from onehop.errors import ConfigError, InvalidRequestError
from onehop.events import CODE_APPROVAL_DECIDED, CODE_APPROVAL_REQUESTED
from onehop.execution.bus import EventBus
from onehop.execution.executor import Executor
from onehop.inputs.languages import DEFAULT
from onehop.sandbox import Sandbox
from onehop.stores import is_light, is_shared, open_store
from onehop.validation import Validator

if TYPE_CHECKING:  # what a run without tools does without is loaded where it is needed
    from onehop.backends.base import Backend
    from onehop.backends.begun import Begun
    from onehop.execution.keeping import Keeper
    from onehop.runs.watching import Watcher
    from onehop.sandbox.approvals import Approvals
    from onehop.sandbox.calls import Layer, Wanted
    from onehop.stores.base import Store
    from onehop.stores.leases import Leases
    from onehop.tools import Action, Rule
    from onehop.types import Language

_APPROVALS: Final = (CODE_APPROVAL_REQUESTED, CODE_APPROVAL_DECIDED)


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
    recording: RecordingConfig | None = None,
    resumes: bool = False,
    store_may_be_away: bool = False,
    first_language: Language = DEFAULT,
    first_is_checked: bool = False,
    watchers: Sequence[Watcher] = (),
    webhook: WebhookConfig | None = None,
    brief: bool = False,
    begun: Begun | None = None,
) -> AsyncIterator[Executor]:
    """An executor with its sandbox, store, journal, bus and rollups, all as configured.

    What is None comes from the environment and ``onehop.toml``; ``backend`` is workers on this
    machine, unless another one is given. ``tools`` are what the code may call, under ``rules``:
    those that the settings name, unless others are given. With ``store_may_be_away`` a database
    server that does not answer yet is opened when it does; until then records wait in the journal.
    What the first program needs if it is in ``first_language`` starts beside the first worker, and
    so does a checker if it ``first_is_checked``. ``watchers`` hear of each stage of each run.
    ``webhook`` hears of calls that wait for a person. Runs that may have to wait for people are
    kept as ``recording`` says; with ``resumes``, this executor goes on with those that are paused,
    whichever process has begun them. ``brief`` is for one run: then a store that has nothing to
    tidy up is not looked through, and what tools need is loaded only if there are some. ``begun``
    are processes that were started for it already. At the end runs in flight are ended and
    recorded.

    Raises ConfigError, StoreUnavailableError, AuditUnavailableError and SandboxUnavailableError.
    """
    validated = validation or ValidationConfig()
    kept = audit or AuditConfig()
    async with AsyncExitStack() as stack:
        store = await open_store(kept, may_be_away=store_may_be_away, brief=brief)
        stack.push_async_callback(store.aclose)
        leases = await _share(stack, store)
        bus = EventBus()
        await _open_webhook(stack, webhook or WebhookConfig(), store, bus)
        stack.push_async_callback(bus.aclose)
        opened = Sandbox(
            sandbox,
            backend=backend,
            preload_analysis=True,
            first_language=first_language,
            first_is_checked=first_is_checked,
            watchers=watchers,
            begun=begun,
            **granted(tools, rules, store, brief=brief),
        )
        executor = Executor(
            opened,
            Validator(validated),
            store,
            bus,
            audit=kept,
            corrections=corrections,
            level=validated.level,
            leases=leases,
            keeper=_keeper(store, recording, tools, opened),
            resumes=resumes,
        )
        stack.push_async_callback(executor.aclose)

        async def records() -> None:
            await executor.open()
            if not is_light(store):
                await _tidy(stack, store, analytics, leases)

        await _open_beside(opened, records())
        stack.push_async_callback(opened.aclose)
        executor.resume_paused()
        yield executor


async def _open_beside(sandbox: Sandbox, others: Coroutine[Any, Any, None]) -> None:
    """Open it while the ``others`` wait for the disk. Raises what they raise, and what it raises;
    then it is not open."""
    opening = asyncio.create_task(sandbox.open())
    try:
        await others
        await opening
    except BaseException:
        opening.cancel()
        await asyncio.wait([opening])
        if not opening.cancelled() and opening.exception() is None:
            await sandbox.aclose()
        raise


async def _share(stack: AsyncExitStack, store: Store) -> Leases | None:
    """What tells the servers of one store apart, where there may be several."""
    if not is_shared(store):
        return None
    from onehop.stores.leases import Leases

    return await stack.enter_async_context(Leases(store))


async def _tidy(
    stack: AsyncExitStack, store: Store, config: AnalyticsConfig | None, leases: Leases | None
) -> None:
    """Keep its rollups up to date, and drop what is past its retention."""
    from onehop.stores.analytics import Aggregator

    aggregator = Aggregator(store, config or AnalyticsConfig(), leases=leases)
    await stack.enter_async_context(aggregator)


async def _open_webhook(
    stack: AsyncExitStack, config: WebhookConfig, store: Store, bus: EventBus
) -> None:
    """Have it hear of approvals, if one is set."""
    if config.url is None:
        return
    with needed_for("a webhook"):
        from onehop.execution.webhooks import open_webhook  # most never need it
    webhook = await stack.enter_async_context(open_webhook(config, store))
    bus.subscribe(webhook.hear, types=_APPROVALS, name="webhook")


def configured_rules(
    deny: Sequence[str] = (), ask: Sequence[str] = (), rules: Sequence[str] = ()
) -> list[Rule]:
    """The rules that settings name. Raises ConfigError that names the setting."""
    from onehop.tools import read_rules, rule_from_text

    globs: tuple[tuple[Action, Sequence[str]], ...] = (("deny", deny), ("ask", ask))
    try:
        named = [rule for action, of in globs for rule in read_rules({action: list(of)}, "tools")]
        texts = enumerate(rules)
        return [*named, *(rule_from_text(text, f"tools.rules[{n}]") for n, text in texts)]
    except InvalidRequestError as error:
        raise ConfigError(error.field, f"got {error.got}; it must be {error.allowed}") from None


def granted(
    tools: Wanted | ToolsConfig | None,
    rules: Layer,
    store: Store | None = None,
    *,
    brief: bool = False,
) -> dict[str, Any]:
    """What a sandbox takes of tools: those that the settings name, unless others are given. What
    waits for a person is kept in ``store``; without one, nobody can be asked. With ``brief``
    nothing is taken where nothing is named. Raises ConfigError.
    """
    if tools is not None and not isinstance(tools, ToolsConfig):
        return {"tools": tools, "rules": rules, "approvals": _approvals(ToolsConfig(), store)}
    config = tools or ToolsConfig()
    if brief and not (rules or _names_tools(config)):
        return {}
    from onehop.tools import ToolLimits, Tools, load_tools, read_rules
    from onehop.upstreams import configured_upstreams

    return {
        "tools": Tools(load_tools(config.files), **configured_upstreams(config.mcp_servers)),
        "rules": [
            *configured_rules(config.deny, config.ask, config.rules),
            *read_rules(rules),
        ],
        "approvals": _approvals(config, store),
        "tool_limits": ToolLimits(calls=config.max_calls, timeout=config.call_timeout),
    }


def _names_tools(config: ToolsConfig) -> bool:
    """Whether the settings name tools, or servers of some, or say anything of them."""
    said = config.files or config.mcp_servers or config.deny or config.ask or config.rules
    return bool(said or upstream_tables(os.environ))


def _keeper(
    store: Store,
    recording: RecordingConfig | None,
    tools: Wanted | ToolsConfig | None,
    sandbox: Sandbox,
) -> Keeper | None:
    """Keeps runs, where the settings want that."""
    config = recording or RecordingConfig()
    is_wanted = config.runs == "all" or (config.runs == "asks" and sandbox.approver is not None)
    if not is_wanted:
        return None
    from onehop.execution.keeping import Keeper

    asked = tools if isinstance(tools, ToolsConfig) else ToolsConfig()
    return Keeper(store, config, asked.decide_within / 1000)


def _approvals(config: ToolsConfig, store: Store | None) -> Approvals | bool:
    if store is None or not config.approvals:
        return False
    from onehop.sandbox.approvals import Approvals

    return Approvals(store, config.hold / 1000, clients_decide=config.elicitation)
