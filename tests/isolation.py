"""The tests of a file that imports this fixture are made in both isolation classes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", params=["process", "realm"], autouse=True)
def isolation(request: pytest.FixtureRequest) -> Iterator[str]:
    """The class of all runs that do not name one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEHOP_ISOLATION", request.param)
        yield request.param
