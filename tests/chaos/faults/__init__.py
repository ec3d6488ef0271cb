"""What may happen to a server, in a table: each fault strikes, ends, and says how soon after its
end all must be well."""

from __future__ import annotations

from tests.chaos.faults.base import Fault, Unavailable
from tests.chaos.faults.clients import Floods, LeavingClients, SlowClients
from tests.chaos.faults.machine import Descriptors, FullDisk, Pids, SkewedClock
from tests.chaos.faults.processes import (
    Killed,
    KilledServer,
    Stopped,
    StoppedServer,
    analysts,
    checkers,
    compilers,
    spawners,
    templates,
    workers,
)
from tests.chaos.faults.stores import (
    CutConnections,
    Database,
    LockedFile,
    RestartedDatabase,
    StoppedDatabase,
)

__all__ = ["EVERYWHERE", "Database", "Fault", "Unavailable", "of_database", "of_sqlite"]

EVERYWHERE: tuple[Fault, ...] = (
    Killed("workers", workers),
    Stopped("workers", workers),
    Killed("the template", templates),
    Stopped("the template", templates),
    Killed("compilers", compilers),
    Stopped("compilers", compilers),
    Killed("checkers", checkers),
    Killed("analysis", analysts),
    Stopped("analysis", analysts),
    Killed("the spawner", spawners),
    Stopped("the spawner", spawners),
    KilledServer(),
    StoppedServer(),
    FullDisk(),
    Descriptors(),
    Pids(),
    SkewedClock("ahead", 40 * 86_400),
    SkewedClock("back", -40 * 86_400),
    SlowClients(),
    LeavingClients(),
    Floods(),
)
"""Those that need no database server."""


def of_sqlite() -> tuple[Fault, ...]:
    """Those of a store that is a file."""
    return (LockedFile(),)


def of_database(database: Database) -> tuple[Fault, ...]:
    """Those of a database server."""
    return (
        RestartedDatabase(database),
        StoppedDatabase(database),
        CutConnections(database),
        KilledServer(),
    )
