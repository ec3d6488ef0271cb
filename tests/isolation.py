"""The tests of a file that imports this fixture are made in both isolation classes; the default run
makes each in one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

PROCESS = pytest.mark.sample(1, over="isolation", weight=2)
"""A failed run costs a start, which takes a tenth of that of realms."""
REALM = pytest.mark.sample(1, over="isolation")


@pytest.fixture(
    scope="module",
    params=[pytest.param("process", marks=PROCESS), pytest.param("realm", marks=REALM)],
    autouse=True,
)
def isolation(request: pytest.FixtureRequest) -> Iterator[str]:
    """The class of all runs that do not name one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEHOP_ISOLATION", request.param)
        yield request.param
