from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from tests.guest.worker import RunGuest, Worker, run_guest


@pytest.fixture(scope="session", params=["process", "realm"])
def run(request: pytest.FixtureRequest) -> RunGuest:
    """Each test of what the code meets is made in both classes."""
    return functools.partial(run_guest, isolation=request.param)


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()
