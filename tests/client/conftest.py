"""Fixtures of the client's tests."""

from __future__ import annotations

import pytest

from tests.client.clients import KINDS, Kind

ONE_CLIENT = pytest.mark.sample(1, over="kind")


@pytest.fixture(params=[pytest.param(kind, marks=ONE_CLIENT) for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Which of the two clients; in the default run one of them for each test."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in ("AGENT_API_KEY", "ONEHOP_SERVER_URL"):
        monkeypatch.delenv(name, raising=False)
