"""One server for the tests of a file, and two agents that do not know each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.server.served import Served


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server as it is by default. Do not stop this one."""
    with Served(tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="package")
def ada(served: Served) -> Iterator[httpx2.Client]:
    """An agent."""
    with served.client(served.key("ada")) as client:
        yield client


@pytest.fixture(scope="package")
def bob(served: Served) -> Iterator[httpx2.Client]:
    """Another agent."""
    with served.client(served.key("bob")) as client:
        yield client


@pytest.fixture(scope="package")
def viewer(served: Served) -> Iterator[httpx2.Client]:
    """Who may look at everything."""
    with served.client(served.key("watcher", "viewer")) as client:
        yield client


@pytest.fixture(scope="package")
def admin(served: Served) -> Iterator[httpx2.Client]:
    """Who may do everything."""
    with served.client(served.key("root", "admin")) as client:
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For a server of a test's own."""
    return tmp_path
