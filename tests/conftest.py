"""Fixtures that every folder of tests uses."""

from __future__ import annotations

import os

import pytest

from tests.users import User


@pytest.fixture(params=["whoever runs the tests", "nobody"])
def user(request: pytest.FixtureRequest) -> User:
    """Both accounts under which the jail must hold; nobody only if the tests run as root."""
    if request.param == "nobody" and os.geteuid() != 0:
        pytest.skip("only root can run a test as another user")
    account: User = request.param
    return account
