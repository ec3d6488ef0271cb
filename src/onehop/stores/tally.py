"""What ran within a slice of time, in sums and histograms that can be added to one another; pure.

Pages of many days are made of the slices that a store keeps, so that no page reads every record.
Counts and sums are exact. Percentiles are those of a histogram, whose steps are about 4 % wide.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from onehop.answers import AgentCount, FailureCause, LanguageCount, ToolStats

FIVE_MINUTES: Final = 300_000
HOUR: Final = 3_600_000
DAY: Final = 86_400_000
"""ms, as are the other lengths of slices."""
_STEPS: Final = 16
"""Steps of a histogram while time doubles."""
_LEAST, _MOST = -160, 640
"""The first and the last step: from a microsecond to many years."""
_KEYS: Final = 1000
"""Agents, and tools, that one slice tells apart: those with the most runs or calls."""


class Run(NamedTuple):
    """One execution, as far as it is counted. Times are ms, memory is MB."""

    agent_id: str
    executed_at: int
    language: str
    success: bool
    timed_out: bool
    error_type: str | None
    execution_time: float
    memory: float


class Call(NamedTuple):
    """One call of a tool. ``duration`` is 0 for one that did not reach its tool."""

    agent_id: str
    executed_at: int
    tool: str
    outcome: str
    duration: float
    bytes_in: int
    bytes_out: int


class Avoided(NamedTuple):
    """What one run called, and the turns and tokens of a model that it avoided."""

    agent_id: str
    executed_at: int
    calls: int
    turns: int
    tokens: int


@dataclass(slots=True)
class Times:
    """A histogram of times in ms."""

    steps: dict[int, int] = field(default_factory=dict)
    count: int = 0
    total: float = 0.0
    least: float = math.inf
    most: float = 0.0

    def note(self, time: float) -> None:
        """One more time."""
        time = time if time > 0 and math.isfinite(time) else 0.0
        step = _step(time)
        self.steps[step] = self.steps.get(step, 0) + 1
        self.count += 1
        self.total += time
        self.least = min(self.least, time)
        self.most = max(self.most, time)

    def add(self, other: Times) -> None:
        """All times of another."""
        for step, count in other.steps.items():
            self.steps[step] = self.steps.get(step, 0) + count
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)

    @property
    def mean(self) -> float:
        """0 for none."""
        return self.total / self.count if self.count else 0.0

    def percentile(self, percent: int) -> float:
        """By nearest rank; the middle of the step that it falls into. 0 for none."""
        left = max(self.count * percent - 1, 0) // 100
        for step in sorted(self.steps):
            left -= self.steps[step]
            if left < 0 and step == _LEAST:
                return self.least
            if left < 0:
                return min(max(2 ** ((step + 0.5) / _STEPS), self.least), self.most)
        return 0.0

    def to_list(self) -> list[Any]:
        """As JSON data."""
        pairs = [each for pair in self.steps.items() for each in pair]
        return [self.count, self.total, self.least if self.count else 0, self.most, *pairs]

    @classmethod
    def from_list(cls, data: list[Any]) -> Times:
        """What ``to_list`` gave."""
        count, total, least, most, *pairs = data
        steps = dict(zip(pairs[::2], pairs[1::2], strict=True))
        return cls(steps, count, total, least if count else math.inf, most)


def _step(time: float) -> int:
    if not time:
        return _LEAST
    return min(max(math.floor(math.log2(time) * _STEPS), _LEAST), _MOST)


@dataclass(slots=True)
class ToolTally:
    """Calls of one tool."""

    calls: int = 0
    failed: int = 0
    denied: int = 0
    unknown: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    times: Times = field(default_factory=Times)

    def note(self, call: Call) -> None:
        """One more call."""
        self.calls += 1
        self.failed += call.outcome == "failed"
        self.denied += call.outcome == "denied"
        self.unknown += call.outcome == "unknown"
        self.bytes_in += call.bytes_in
        self.bytes_out += call.bytes_out
        if call.duration > 0:
            self.times.note(call.duration)

    def add(self, other: ToolTally) -> None:
        """All calls of another."""
        for name in _CALL_SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.times.add(other.times)

    def stats(self, tool: str) -> ToolStats:
        """As statistics say it."""
        return ToolStats(
            tool=tool,
            **{name: getattr(self, name) for name in _CALL_SUMS},
            average_duration=self.times.mean,
            p50_duration=self.times.percentile(50),
            p95_duration=self.times.percentile(95),
        )


_CALL_SUMS: Final = ("calls", "failed", "denied", "unknown", "bytes_in", "bytes_out")


@dataclass(slots=True)
class Tally:
    """What ran. Lists of numbers stand for what each key has, in the order that stands there."""

    total: int = 0
    successful: int = 0
    timeouts: int = 0
    limits: int = 0
    """Runs that a resource limit ended."""
    memory: float = 0.0
    """The sum, in MB."""
    max_memory: float = 0.0
    calls: int = 0
    """Of tools, also of those that there are not."""
    avoided_turns: int = 0
    avoided_tokens: int = 0
    times: Times = field(default_factory=Times)
    languages: dict[str, list[int]] = field(default_factory=dict)
    """Runs, and those that succeeded."""
    causes: dict[str, list[int]] = field(default_factory=dict)
    """By error type, empty for none: failures, and when the last one ran."""
    agents: dict[str, list[Any]] = field(default_factory=dict)
    """Runs, successful ones, timeouts, ms in all, and when the last one ran."""
    tools: dict[str, ToolTally] = field(default_factory=dict)

    def note(self, run: Run) -> None:
        """One more run."""
        at = run.executed_at
        self.total += 1
        self.successful += run.success
        self.timeouts += run.timed_out
        self.limits += run.error_type == "resource_limit"
        self.memory += run.memory
        self.max_memory = max(self.max_memory, run.memory)
        self.times.note(run.execution_time)
        _sum(self.languages, run.language, (1, int(run.success)))
        one = [1, int(run.success), int(run.timed_out), run.execution_time, at]
        _sum(self.agents, run.agent_id, one, latest=True)
        if not run.success:
            _sum(self.causes, run.error_type or "", (1, at), latest=True)

    def note_call(self, call: Call) -> None:
        """One more call of a tool."""
        self.tools.setdefault(call.tool, ToolTally()).note(call)

    def note_avoided(self, avoided: Avoided) -> None:
        """What one more run avoided."""
        self.calls += avoided.calls
        self.avoided_turns += avoided.turns
        self.avoided_tokens += avoided.tokens

    def add(self, other: Tally) -> None:
        """All of another."""
        for name in _RUN_SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.max_memory = max(self.max_memory, other.max_memory)
        self.times.add(other.times)
        for language, each in other.languages.items():
            _sum(self.languages, language, each)
        for cause, each in other.causes.items():
            _sum(self.causes, cause, each, latest=True)
        for agent, each in other.agents.items():
            _sum(self.agents, agent, each, latest=True)
        for tool, calls in other.tools.items():
            self.tools.setdefault(tool, ToolTally()).add(calls)

    # -- answers

    @property
    def failed(self) -> int:
        """Runs that did not succeed."""
        return self.total - self.successful

    @property
    def success_rate(self) -> float:
        """From 0 to 1; 0 for no run."""
        return self.successful / self.total if self.total else 0.0

    @property
    def average_memory(self) -> float:
        """MB; 0 for no run."""
        return self.memory / self.total if self.total else 0.0

    def language_counts(self) -> dict[str, LanguageCount]:
        """By language, most runs first."""
        ordered = sorted(self.languages.items(), key=lambda item: (-item[1][0], item[0]))
        return {name: LanguageCount(*each) for name, each in ordered}

    def failure_causes(self) -> list[FailureCause]:
        """Most first, then by type."""
        ordered = sorted(self.causes.items(), key=lambda item: (-item[1][0], item[0]))
        return [
            FailureCause(error_type=cause or None, total=total, last_executed_at=last)  # type: ignore[arg-type]
            for cause, (total, last) in ordered
        ]

    def agent_counts(self) -> list[AgentCount]:
        """Most runs first, then by name."""
        ordered = sorted(self.agents.items(), key=lambda item: (-item[1][0], item[0]))
        return [
            AgentCount(
                agent_id=agent,
                total=total,
                successful=successful,
                timeouts=timeouts,
                average_execution_time=time / total,
                last_executed_at=last,
            )
            for agent, (total, successful, timeouts, time, last) in ordered
        ]

    def tool_stats(self) -> list[ToolStats]:
        """Most calls first, then by tool."""
        ordered = sorted(self.tools.items(), key=lambda item: (-item[1].calls, item[0]))
        return [calls.stats(tool) for tool, calls in ordered]

    # -- as it is kept

    def to_text(self, *, alone: bool = False) -> str:
        """As JSON; ``alone`` for one agent's, which need not name the agent."""
        data: dict[str, Any] = {name: getattr(self, name) for name in (*_RUN_SUMS, "max_memory")}
        data["times"] = self.times.to_list()
        data["languages"], data["causes"] = self.languages, self.causes
        data["agents"] = {} if alone else _most(self.agents, lambda each: each[0])
        data["tools"] = {
            tool: [*(getattr(each, name) for name in _CALL_SUMS), each.times.to_list()]
            for tool, each in _most(self.tools, lambda each: each.calls).items()
        }
        return to_json(data).decode()

    @classmethod
    def from_text(cls, text: str) -> Tally:
        """What ``to_text`` gave."""
        data = from_json(text)
        data["times"] = Times.from_list(data["times"])
        data["tools"] = {
            tool: ToolTally(
                **dict(zip(_CALL_SUMS, sums, strict=True)), times=Times.from_list(times)
            )
            for tool, (*sums, times) in data["tools"].items()
        }
        return cls(**data)


_RUN_SUMS: Final = tuple(
    each.name
    for each in fields(Tally)
    if each.name not in ("max_memory", "times", "languages", "causes", "agents", "tools")
)


def _sum(
    into: dict[str, list[Any]], key: str, more: Iterable[Any], *, latest: bool = False
) -> None:
    """Add up; the last of each list is the latest time, where that is so."""
    known = into.get(key)
    if known is None:
        into[key] = list(more)
        return
    last = known[-1]
    for place, each in enumerate(more):
        known[place] += each
    if latest:
        known[-1] = max(last, known[-1] - last)


def _most(found: Mapping[str, Any], size: Any) -> dict[str, Any]:
    """Those that a slice tells apart."""
    if len(found) <= _KEYS:
        return dict(found)
    ordered = sorted(found.items(), key=lambda item: (-size(item[1]), item[0]))
    return dict(ordered[:_KEYS])


@dataclass(frozen=True, slots=True)
class Slice:
    """What ran from ``start`` on, for ``length`` ms."""

    start: int
    length: int
    tally: Tally


@dataclass(frozen=True, slots=True)
class Rows:
    """What is counted of some time, row by row."""

    runs: Iterable[Run] = ()
    calls: Iterable[Call] = ()
    avoided: Iterable[Avoided] = ()


def slices_of(rows: Rows, length: int) -> list[Slice]:
    """By slices of that length, of all rows together, ascending."""
    found = {start: tally for (start, _), tally in _tallied(rows, length, by_agent=False).items()}
    return [Slice(start, length, found[start]) for start in sorted(found)]


def tallied(rows: Rows, length: int) -> dict[tuple[int, str | None], Tally]:
    """By start and agent, and by start and None for all agents together."""
    found = dict[tuple[int, str | None], Tally]()
    for (start, agent), tally in _tallied(rows, length, by_agent=True).items():
        found[start, agent] = tally
        found.setdefault((start, None), Tally()).add(tally)
    return found


def _tallied(rows: Rows, length: int, *, by_agent: bool) -> dict[tuple[int, str | None], Tally]:
    found = dict[tuple[int, str | None], Tally]()

    def of(row: Run | Call | Avoided) -> Tally:
        key = row.executed_at // length * length, row.agent_id if by_agent else None
        tally = found.get(key)
        if tally is None:
            tally = found[key] = Tally()
        return tally

    for run in rows.runs:
        of(run).note(run)
    for call in rows.calls:
        of(call).note_call(call)
    for avoided in rows.avoided:
        of(avoided).note_avoided(avoided)
    return found


def summed(slices: Iterable[Slice]) -> Tally:
    """All of them together."""
    total = Tally()
    for each in slices:
        total.add(each.tally)
    return total
