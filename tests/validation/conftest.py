"""One process that reads the programs of this folder's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from onehop.analysis import BlockingAnalyst
from onehop.validation import Validator


@pytest.fixture(scope="package")
def analyst() -> Iterator[BlockingAnalyst]:
    """Remembers nothing: a validator does, and each test makes its own."""
    shared = BlockingAnalyst()
    yield shared
    shared.close()


@pytest.fixture
def validator(analyst: BlockingAnalyst) -> Validator:
    """As it is by default, and new."""
    return Validator(analyst=analyst)
