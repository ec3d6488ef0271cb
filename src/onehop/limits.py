"""Limits: what one run may use. Inside onehop sizes are bytes and times are seconds."""

from __future__ import annotations

from dataclasses import dataclass

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
