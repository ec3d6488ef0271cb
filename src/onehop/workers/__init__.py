"""Guest processes: one worker serves one job; the pool keeps some warm."""

from __future__ import annotations

from onehop.workers._factory import WorkerFactory, deno_programs
from onehop.workers._job import Died, Job, Outcome, Turn
from onehop.workers._pool import Pool
from onehop.workers._process import Worker
from onehop.workers._queue import FairQueue
from onehop.workers._realms import RealmPool

__all__ = [
    "Died",
    "FairQueue",
    "Job",
    "Outcome",
    "Pool",
    "RealmPool",
    "Turn",
    "Worker",
    "WorkerFactory",
    "deno_programs",
]
