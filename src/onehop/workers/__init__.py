"""Guest processes: one worker serves one job; the pool keeps some warm. And what other confined
processes are made with."""

from __future__ import annotations

from onehop.workers._factory import WorkerFactory, deno_programs
from onehop.workers._job import Died, Job, Outcome, Turn
from onehop.workers._measure import cpu_of
from onehop.workers._pipes import Pipes, read_some
from onehop.workers._pool import Pool
from onehop.workers._process import Worker
from onehop.workers._queue import FairQueue
from onehop.workers._realms import RealmPool
from onehop.workers._seal import seal

__all__ = [
    "Died",
    "FairQueue",
    "Job",
    "Outcome",
    "Pipes",
    "Pool",
    "RealmPool",
    "Turn",
    "Worker",
    "WorkerFactory",
    "cpu_of",
    "deno_programs",
    "read_some",
    "seal",
]
