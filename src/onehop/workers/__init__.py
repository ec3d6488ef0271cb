"""Guest processes: one worker serves one job; the pool keeps some warm."""

from __future__ import annotations

from onehop.workers._factory import WorkerFactory, deno_command
from onehop.workers._pool import Pool
from onehop.workers._process import Died, Job, Outcome, Worker

__all__ = ["Died", "Job", "Outcome", "Pool", "Worker", "WorkerFactory", "deno_command"]
