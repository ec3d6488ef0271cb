"""Questions put to a store by the contract's names, and the task that keeps trends up to date."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import fields
from reprlib import repr as shortened
from types import TracebackType
from typing import Any, Final, Self

from pydantic.alias_generators import to_camel

from onehop.answers import (
    AgentCount,
    AgentStats,
    CodeLengthBucket,
    Failure,
    FailureCause,
    LanguageCount,
    PausedRun,
    PauseStats,
    RepeatedCode,
    ResourceUse,
    SecurityCount,
    TimelinePoint,
    ToolStats,
    TrendPoint,
    WaitingCall,
)
from onehop.config import AnalyticsConfig
from onehop.errors import InvalidRequestError, StoreUnavailableError
from onehop.records import ExecutionRecord
from onehop.stores._trusted import STEP, TrustedTime
from onehop.stores._waiting import waiting_runs
from onehop.stores.base import RETENTION_SECONDS, HistoryQuery, Store
from onehop.stores.leases import Leases
from onehop.types.shown.markup import Shown

Answer = (
    AgentCount
    | AgentStats
    | CodeLengthBucket
    | Failure
    | FailureCause
    | LanguageCount
    | PausedRun
    | PauseStats
    | RepeatedCode
    | ResourceUse
    | SecurityCount
    | TimelinePoint
    | ToolStats
    | TrendPoint
    | WaitingCall
    | ExecutionRecord
)

MAX_LIMIT: Final = 1000
"""The most that one question may ask for."""
_LATEST: Final = 253_402_300_799_999
"""The end of the year 9999, in ms since the epoch."""
_STEPS: Final = 50_000
"""Steps of one timeline."""
_HASH: Final = re.compile("[0-9a-f]{16}")
_PRUNE_EVERY: Final = 3600.0
_LOOKED: Final = 5.0
"""Seconds between two looks whether another process still keeps the rollups."""
UPKEEP: Final = "upkeep"
"""The lease of the process that does."""
_FAREWELL: Final = 2.0
"""Seconds that closing waits for what is under way."""

_log = logging.getLogger(__name__)


class Analytics:
    """What agents ran and what came of it, asked of ``store``, which is open.

    ``agent_id`` None means all agents; ``since`` is ms since the epoch, None means all that is
    kept. Each method raises InvalidRequestError, naming the argument, before the store is asked,
    and StoreUnavailableError when the store does not answer. ``to_dict`` makes JSON of an answer.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get_agent_stats(self, agent_id: str | None, since: int | None = None) -> AgentStats:
        """Counts, rates and times."""
        return await self._store.agent_stats(_agent(agent_id), _since(since))

    async def get_history(
        self, agent_id: str | None = None, limit: int = 20
    ) -> list[ExecutionRecord]:
        """Records, newest first."""
        query = HistoryQuery(agent_id=_agent(agent_id), limit=_limit(limit))
        return Shown(await self._store.history(query))

    async def get_paused(self, agent_id: str | None = None, limit: int = 20) -> list[PausedRun]:
        """Runs that wait for people now, newest first: what they wait for, and since when. They
        have no record until they end."""
        query = HistoryQuery(agent_id=_agent(agent_id), limit=_limit(limit))
        return Shown(await waiting_runs(self._store, query))

    async def get_pause_stats(
        self, agent_id: str | None = None, since: int | None = None
    ) -> PauseStats:
        """Runs that waited for people, and what came of it; ``get_agent_stats`` counts only what
        has ended."""
        return await self._store.pause_stats(_agent(agent_id), _since(since))

    async def find_by_code_hash(self, code_hash: str, limit: int = 10) -> list[ExecutionRecord]:
        """All agents' runs of one piece of code, newest first, without output and logs."""
        query = HistoryQuery(code_hash=_code_hash(code_hash), limit=_limit(limit))
        found = await self._store.history(query)
        return Shown(record.model_copy(update={"output": None, "logs": []}) for record in found)

    async def get_recent_failures(self, agent_id: str | None, limit: int = 20) -> list[Failure]:
        """Newest first."""
        return Shown(await self._store.recent_failures(_agent(agent_id), _limit(limit)))

    async def get_trends(
        self, agent_id: str | None = None, since: int | None = None
    ) -> list[TrendPoint]:
        """By day (UTC) and language, ascending, as of the last rollup; the day that ``since``
        belongs to is counted whole."""
        return Shown(await self._store.trends(_agent(agent_id), _since(since)))

    async def get_timeline(
        self, agent_id: str | None = None, since: int | None = None, step: int = 60_000
    ) -> list[TimelinePoint]:
        """Runs by steps of ``step`` ms (1000 or more), ascending; empty steps are left out. At
        most 50,000 steps fit between ``since`` and now."""
        begin = max(_since(since) or 0, _now() - RETENTION_SECONDS * 1000)
        least = max(1000, (_now() - begin) // _STEPS)
        if type(step) is not int or not least <= step <= _LATEST:
            allowed = f"a whole number of ms, {least} or more for this time"
            raise InvalidRequestError("step", shortened(step), allowed)
        return Shown(await self._store.timeline(_agent(agent_id), _since(since), step))

    async def get_failure_causes(
        self, agent_id: str | None = None, since: int | None = None
    ) -> list[FailureCause]:
        """Failures by error type, most first."""
        return Shown(await self._store.failure_causes(_agent(agent_id), _since(since)))

    async def get_agent_counts(
        self, limit: int = 100, since: int | None = None
    ) -> list[AgentCount]:
        """Runs by agent, most first."""
        return Shown(await self._store.agent_counts(_since(since), _limit(limit)))

    async def get_resource_use(
        self, agent_id: str | None = None, since: int | None = None
    ) -> ResourceUse:
        """What runs used."""
        return await self._store.resource_use(_agent(agent_id), _since(since))

    async def get_code_lengths(
        self, agent_id: str | None = None, since: int | None = None
    ) -> list[CodeLengthBucket]:
        """Runs by the length of their code, the empty buckets too."""
        return Shown(await self._store.code_lengths(_agent(agent_id), _since(since)))

    async def get_repeated_code(
        self, limit: int = 10, agent_id: str | None = None, since: int | None = None
    ) -> list[RepeatedCode]:
        """Code that ran more than once, most often first."""
        return Shown(
            await self._store.repeated_code(_agent(agent_id), _since(since), _limit(limit))
        )

    async def get_slowest(
        self, limit: int = 10, agent_id: str | None = None, since: int | None = None
    ) -> list[ExecutionRecord]:
        """By execution time, descending; without output, logs and context."""
        return Shown(await self._store.slowest(_agent(agent_id), _since(since), _limit(limit)))

    async def get_tool_stats(
        self,
        agent_id: str | None = None,
        since: int | None = None,
        limit: int = 10,
        *,
        by_agent: bool = False,
    ) -> list[ToolStats]:
        """Calls of tools by tool, or by tool and agent: most calls first."""
        asked = _agent(agent_id), _since(since), _limit(limit)
        return Shown(await self._store.tool_stats(*asked, by_agent))

    async def get_security_profile(
        self, agent_id: str | None = None, since: int | None = None
    ) -> list[SecurityCount]:
        """Security issues by pattern and severity, most first."""
        return Shown(await self._store.security_profile(_agent(agent_id), _since(since)))


def to_dict(answer: Answer) -> dict[str, Any]:
    """The wire JSON of an answer, camelCase; a record's leaves out its output and logs."""
    if isinstance(answer, ExecutionRecord):
        # A record that was tampered with is shown as it is.
        return answer.model_dump(by_alias=True, exclude={"output", "logs"}, warnings=False)
    return {to_camel(item.name): _wire(getattr(answer, item.name)) for item in fields(answer)}


def _wire(value: Any) -> Any:
    """``value``; languages, and the calls that a run waits for, are answers themselves."""
    if type(value) is dict:
        return {name: to_dict(each) for name, each in value.items()}
    return [to_dict(each) for each in value] if type(value) is list else value


def _agent(agent_id: Any) -> str | None:
    if agent_id is None or isinstance(agent_id, str):
        return agent_id
    raise InvalidRequestError("agent_id", shortened(agent_id), "a text, or None for all agents")


def _since(since: Any) -> int | None:
    if since is None or (type(since) is int and 0 <= since <= _LATEST):
        return since
    allowed = f"a whole number of ms since 1970, from 0 to {_LATEST}, or None"
    raise InvalidRequestError("since", shortened(since), allowed)


def _limit(limit: Any) -> int:
    if type(limit) is int and 1 <= limit <= MAX_LIMIT:
        return limit
    raise InvalidRequestError("limit", shortened(limit), f"a whole number from 1 to {MAX_LIMIT}")


def _code_hash(code_hash: Any) -> str:
    if isinstance(code_hash, str) and _HASH.fullmatch(code_hash):
        return code_hash
    raise InvalidRequestError("code_hash", shortened(code_hash), "16 lower-case hex digits")


def _now() -> int:
    return time.time_ns() // 1_000_000


class Aggregator:
    """Keeps the rollups of ``store`` up to date, and drops what is past its retention.

    ``async with`` it, or ``open`` and ``aclose``. It rolls up at once and then every
    ``aggregation_interval``; it prunes at once and then every hour, by the time that all clocks
    agree on, and at most a day of the trail each time. While the store is away it says so once and
    goes on trying. ``clock`` gives the time in ms since the epoch. With ``leases``, one of the
    processes that share the store does this; if it dies, another goes on within half a minute.
    """

    def __init__(
        self,
        store: Store,
        config: AnalyticsConfig | None = None,
        *,
        clock: Callable[[], int] = _now,
        leases: Leases | None = None,
    ) -> None:
        self._store = store
        self._leases = leases
        self._config = config or AnalyticsConfig()
        self._clock = clock
        self._trusted = TrustedTime(store, clock)
        self._closing = asyncio.Event()
        self._away = False
        self._prune_at = 0.0
        self._ahead = 0
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Start; the first rollup is made in the background."""
        self._closing.clear()
        self._task = asyncio.get_running_loop().create_task(self._run(), name="onehop.aggregator")

    async def aclose(self) -> None:
        """Stop. Gives up what is under way after two seconds: it is done again another time."""
        task, self._task = self._task, None
        if task is None:
            return
        self._closing.set()
        _done, late = await asyncio.wait([task], timeout=_FAREWELL)
        if late:
            task.cancel()
            await asyncio.wait(late, timeout=_FAREWELL)

    async def _run(self) -> None:
        interval = self._config.aggregation_interval / 1000
        while not self._closing.is_set():
            # Pruning comes second: what goes should have been counted.
            if await self._has_turn():
                if await self._attempt(self._roll_up) and self._is_mine():
                    await self._attempt(self._prune)
                await self._pause(interval)
            else:
                await self._pause(min(interval, _LOOKED))
        if self._leases is not None:
            self._leases.drop([UPKEEP])

    async def _has_turn(self) -> bool:
        return self._leases is None or (await self._attempt(self._take_turn) and self._is_mine())

    async def _take_turn(self) -> None:
        if self._leases is not None and await self._leases.take(UPKEEP) is None:
            _log.debug("another process keeps the rollups and prunes")

    def _is_mine(self) -> bool:
        """Whether it is this process that goes on now."""
        is_ours = self._leases is None or self._leases.holds(UPKEEP)
        return is_ours and not self._closing.is_set()

    async def _attempt(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Whether the store was there."""
        try:
            await work()
        except StoreUnavailableError as error:
            self._went_away(error)
            return False
        except Exception:  # a mistake of ours today must not end the trends of all days to come
            _log.exception("the trends were not brought up to date")
        self._away = False
        return True

    def _went_away(self, error: StoreUnavailableError) -> None:
        if not self._away:
            self._away = True
            _log.warning("trends wait until the store is back: %s", error)

    async def _roll_up(self) -> None:
        if time.monotonic() >= self._prune_at:  # trends are dropped by the same time as records
            self._ahead = self._clock() - await self._trusted.now()
        await self._store.roll_up(self._clock() - self._ahead, self._config.retention_days)

    async def _prune(self) -> None:
        if time.monotonic() < self._prune_at:
            return
        step = await self._trusted.step()
        dropped = await self._store.prune(step.until) if step is not None else 0
        self._prune_at = time.monotonic() + _PRUNE_EVERY
        if dropped:
            _log.info("%d records were past their retention and are gone", dropped)
        if step is not None and step.behind and dropped:
            _log.warning(
                "more than a day of the trail is past its retention: %d records are gone, and "
                "another %.1f days go, one each hour. If that is wrong, the clock is: stop onehop",
                dropped,
                step.behind / STEP,
            )

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until it closes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._closing.wait()
