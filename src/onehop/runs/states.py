"""How the parts of a running sandbox are at this moment: for metrics and ``/api/v1/status``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from onehop.types import Language

Step = Literal["validation", "run", "end"]
"""Where a run is: ``run`` is in a worker or waiting for one, ``end`` while it is recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolState:
    """Workers of one pool, and the runs that wait for one."""

    size: int
    """Workers that are kept warm."""
    max_concurrency: int
    idle: int
    running: int
    """Workers that have a run, those that rest included."""
    resting: int
    """Of the running: those that only wait for tools."""
    starting: int
    waiting: int
    """Runs that wait for a worker."""
    max_queue: int
    started: int
    """Workers that have become ready since the pool was made."""
    failed: int
    """Starts that failed, since then."""
    lost: int
    """Idle workers that ended by themselves, since then."""
    realms: int = 0
    """Processes that serve one agent each, a realm for each run; the numbers above are without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalState:
    """What waits for the database of the audit trail."""

    entries: int | None
    """Records of runs that have ended, and wait; None when the disk does not say."""
    bytes: int
    max_bytes: int
    set_aside: int
    """Entries and files that could not be delivered, and are kept on the disk."""
    store_away: bool
    """Whether the store did not take the last delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamState:
    """One server whose tools the code may call."""

    namespace: str
    up: bool
    reason: str | None
    """Why it is not up."""
    tools: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run in flight."""

    agent_id: str
    channel_id: str
    request_id: str
    language: Language
    step: Step
    began: int
    """ms since the epoch."""
    description: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorState:
    """All of it."""

    pool: PoolState | None
    """None for a backend that has no pool on this machine."""
    journal: JournalState | None
    """None where nothing is kept."""
    upstreams: tuple[UpstreamState, ...]
    runs: tuple[RunState, ...]
    """Oldest first."""
    approvals: int | None = None
    """Calls that wait for a person, at most 1000; None where none can, or the store is away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerState:
    """What ``/api/v1/status`` of a server says."""

    version: str
    now: int
    """The server's clock, in ms since the epoch."""
    uptime: int
    """ms since it has started."""
    pool: PoolState | None
    journal: JournalState | None
    upstreams: tuple[UpstreamState, ...]
    runs: tuple[RunState, ...]
    """In flight, the oldest first."""
    more_runs: int
    """In flight, and not listed."""
    approvals: int | None = None
    """Calls of tools that wait for a person, at most 1000; None where none can, or the store is
    away."""
