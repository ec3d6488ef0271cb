from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guest.worker import RunGuest, Worker, run_guest


@pytest.fixture(scope="session")
def run() -> RunGuest:
    return run_guest


@pytest.fixture
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    worker.close()
