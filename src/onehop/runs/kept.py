"""What is kept of a run so that it can be made again: on this server, or on another one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

RunPhase = Literal["running", "held", "paused", "resuming", "ended"]
"""``held``: a worker waits for a person's decision; ``paused``: none does."""
PHASES: Final[tuple[RunPhase, ...]] = get_args(RunPhase)
WAITING: Final[tuple[RunPhase, ...]] = ("held", "paused", "resuming")
"""Of a run that has not ended, and goes on after a decision."""

LONGEST_LEASE: Final = 60_000
"""ms: no run belongs to a server for longer, unless it prolongs that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """One run. Times are ms since 1970."""

    run_id: str
    request_id: str
    agent_id: str
    channel_id: str
    code_hash: str
    phase: RunPhase = "running"
    fence: int = 1
    """Counts its owners: only the latest one may change it, or write down what it does."""
    owner: str = ""
    lease_until: int = 0
    """Until then it belongs to its owner; later anybody may claim it."""
    wake: bool = False
    """Whether something was decided about it that its worker has not heard of."""
    expires_at: int = 0
    """When the first of its calls expires about which nobody decides."""
    created_at: int
    keep_until: int = 0
    """When what is kept of it may go, once it has ended."""
    replayable: bool = True
    """Whether all its answers are kept."""
    head: bytes | None = field(default=None, repr=False)
    """Where the log of what it has done ends, sealed; None while nothing is written there."""
    program: bytes = field(repr=False)
    """What it takes to run it, sealed."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has not ended, and goes on after a decision."""
        return self.phase in WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class RunChange:
    """What changes of a kept run; None stays."""

    phase: RunPhase | None = None
    lease_until: int | None = None
    expires_at: int | None = None
    wake: bool | None = None
    keep_until: int | None = None
    replayable: bool | None = None

    @property
    def values(self) -> dict[str, RunPhase | int | bool]:
        """Those that do, by name."""
        names = ("phase", "lease_until", "expires_at", "wake", "keep_until", "replayable")
        found = {name: getattr(self, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}
