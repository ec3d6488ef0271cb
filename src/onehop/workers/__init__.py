"""Guest processes: one worker serves one job; the pool keeps some warm. And the stripper, which
takes the types out of TypeScript for them."""

from __future__ import annotations

from onehop.workers._factory import WorkerFactory, deno_programs
from onehop.workers._pool import Pool
from onehop.workers._process import Died, Job, Outcome, Worker
from onehop.workers._types import TypeRemover

__all__ = [
    "Died",
    "Job",
    "Outcome",
    "Pool",
    "TypeRemover",
    "Worker",
    "WorkerFactory",
    "deno_programs",
]
