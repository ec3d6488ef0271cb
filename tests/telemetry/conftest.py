"""One server that is watched, and agents that call it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.server.served import Served


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server as it is by default."""
    with Served(tmp_path_factory.mktemp("watched")) as server:
        yield server


@pytest.fixture(scope="package")
def ada(served: Served) -> Iterator[httpx2.Client]:
    """An agent."""
    with served.client(served.key("ada")) as client:
        yield client


@pytest.fixture(scope="package")
def viewer_key(served: Served) -> str:
    """Of somebody who may look at everything."""
    return served.key("watcher", "viewer")


@pytest.fixture(scope="package")
def viewer(served: Served, viewer_key: str) -> Iterator[httpx2.Client]:
    """Who may look at everything."""
    with served.client(viewer_key) as client:
        yield client
