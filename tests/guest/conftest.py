from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tests.guest.worker import RunGuest, Worker, run_guest

PROCESS = pytest.mark.sample(1, over="run", weight=3)
"""It starts in a fifth of the time."""
REALM = pytest.mark.sample(1, over="run")


@pytest.fixture(
    scope="session",
    params=[pytest.param("process", marks=PROCESS), pytest.param("realm", marks=REALM)],
)
def run(request: pytest.FixtureRequest) -> RunGuest:
    """Each test of what the code meets is made in both classes, in the default run in one."""
    return functools.partial(run_guest, isolation=request.param)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()
