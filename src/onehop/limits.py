"""Limits: what one run may use. Inside onehop sizes are bytes and times are seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run, all held by the host from outside the worker."""

    timeout: float
    """Deadline in seconds from dispatch."""
    memory_bytes: int
    """Growth of the worker's data beyond its state when it was ready."""
    cpu_seconds: float
    """CPU time of the worker, all threads, from dispatch."""
    output_bytes: int
    """JSON text that comes back whole; longer outputs come back as a preview."""
    keep_bytes: int
    """JSON text of one output that is kept for reading in pages."""
    log_bytes: int
    """Console text in all."""
    log_entries: int
    """Console calls in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolLimits:
    """What the tool calls of one run may use. As callers give it: times in ms, sizes in bytes."""

    calls: int = 200
    """Calls in all."""
    concurrent: int = 64
    """Calls at once; the others wait."""
    per_upstream: int = 16
    """Calls of one namespace at once."""
    timeout: int = 30_000
    """Time of one call, from when its tool starts."""
    wait: int = 60_000
    """Time in all while nothing but tools runs."""
    result: int = 4 * MIB
    """JSON text of one answer."""
    total: int = 64 * MIB
    """JSON text of all answers."""
    arguments: int = MIB
    """JSON text of one call's arguments."""

    def __post_init__(self) -> None:
        """Raises ValueError that names a limit that is not a positive integer."""
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{field.name}: got {value!r}; it must be an integer from 1")
