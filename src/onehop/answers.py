"""Answers to the questions about what ran: shared by stores, server and client."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Final, Literal

from onehop.types import Effect, ErrorType, Language, Severity
from onehop.types.shown.markup import pairs
from onehop.types.shown.notebook import stats_html

CODE_LENGTH_EDGES: Final = (0, 100, 500, 1_000, 5_000, 100_000)
"""Lower edges of the buckets of code length, in characters; the last one is open above."""


@dataclass(frozen=True, slots=True)
class LanguageCount:
    """Runs in one language."""

    total: int
    successful: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStats:
    """Answers ``get_agent_stats``. Times are ms; rates 0 to 1; without a run all are 0."""

    agent_id: str | None
    """None: all agents."""
    total_executions: int = 0
    successful_executions: int = 0
    failed_executions: int = 0
    success_rate: float = 0
    average_execution_time: float = 0
    p50_execution_time: float = 0
    """Percentiles by nearest rank: the value at place ceil(p * n) of the sorted times."""
    p95_execution_time: float = 0
    p99_execution_time: float = 0
    timeout_count: int = 0
    language_breakdown: dict[str, LanguageCount] = field(default_factory=dict)
    tool_calls: int = 0
    """Calls of tools that the code made."""
    avoided_turns: int = 0
    """Turns of the model that were not needed because code called the tools, by the formula that
    each result has."""
    avoided_tokens: int = 0

    def _repr_html_(self) -> str:
        return stats_html(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One of an agent's recent failures."""

    request_id: str
    code_hash: str
    language: Language
    error: str | None
    error_type: ErrorType | None
    execution_time: float
    executed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCall:
    """A call of a tool that waits for a person. Times are ms since the epoch."""

    call_id: str
    """What a decision names."""
    tool: str
    effect: Effect
    rule: str | None
    """The rule that asks."""
    since: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PausedRun:
    """A run that waits for people: a row of the history that has no record until the run ends.

    Times are ms since the epoch.
    """

    request_id: str
    run_id: str
    """What a decision names."""
    agent_id: str
    channel_id: str
    code_hash: str
    status: Literal["paused"] = "paused"
    executed_at: int
    """When it started."""
    since: int
    """When the first call was asked about that waits; the start of a run that goes on now."""
    expires_at: int | None = None
    """When the first of its calls expires."""
    waits_for: list[WaitingCall] = field(default_factory=list)
    """The oldest first; empty while the run goes on after a decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseStats:
    """Runs that waited for people, and what came of it. None of them counts among the runs that
    have ended, but those that diverged, which failed."""

    agent_id: str | None = None
    """None: all agents."""
    paused: int = 0
    """Runs that wait now."""
    resumed: int = 0
    """Runs that went on after a pause."""
    diverged: int = 0
    """Runs that did something else when they were made again, and ended by it."""
    expired: int = 0
    """Calls about which nobody decided in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One day and language, from the rollups."""

    day: str
    """YYYY-MM-DD, UTC."""
    language: Language
    total: int
    successful: int
    failed: int
    timeouts: int
    average_execution_time: float
    average_memory: float
    max_memory: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelinePoint:
    """Runs that started within one step of time."""

    start: int
    """ms since the epoch, a multiple of the step."""
    total: int
    successful: int
    timeouts: int
    average_execution_time: float
    """ms."""
    max_memory: float
    """MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCause:
    """Failures that ended alike."""

    error_type: ErrorType | None
    total: int
    last_executed_at: int
    """ms since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCount:
    """Runs of one agent."""

    agent_id: str
    total: int
    successful: int
    timeouts: int
    average_execution_time: float
    """ms."""
    last_executed_at: int
    """ms since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUse:
    """What runs used. Times are ms, memory is MB; without a run all are 0."""

    total_executions: int = 0
    average_memory: float = 0
    max_memory: float = 0
    average_execution_time: float = 0
    max_execution_time: float = 0
    total_execution_time: float = 0
    timeout_count: int = 0
    limit_count: int = 0
    """Runs that a resource limit ended (errorType resource_limit)."""

    def _repr_html_(self) -> str:
        return pairs({item.name: getattr(self, item.name) for item in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLengthBucket:
    """Runs whose code had ``low`` <= characters < ``high``."""

    low: int
    high: int | None
    """None for the last bucket."""
    total: int
    successful: int
    average_execution_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedCode:
    """One piece of code and how often it ran."""

    code_hash: str
    total: int
    successful: int
    last_executed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStats:
    """What came of the calls of one tool. Times are ms.

    Percentiles, by nearest rank, and the average are of the calls that reached the tool; without
    one they are 0.
    """

    tool: str
    """Its path."""
    agent_id: str | None = None
    """Whose calls; None: those of all agents that were asked about."""
    calls: int
    failed: int
    denied: int
    """By a rule."""
    unknown: int
    """Writes that may or may not have taken effect: nobody knows."""
    average_duration: float
    p50_duration: float
    p95_duration: float
    bytes_in: int
    """Of the arguments, as JSON."""
    bytes_out: int
    """Of the answers, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityCount:
    """Security issues of one pattern and severity."""

    pattern: str
    severity: Severity
    total: int
