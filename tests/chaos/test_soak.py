"""A server at capacity does not grow; CI runs half a minute of each class (scripts/soak: an
hour)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.chaos.soak import GROWTH, soak
from tests.chaos.subject import Subject

SECONDS = float(os.environ.get("ONEHOP_SOAK_SECONDS", "60")) / 2


@pytest.mark.chaos
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("isolation", ["process", "realm"])
async def test_memory_and_descriptors_of_every_process_stay_flat(
    isolation: str, tmp_path: Path
) -> None:
    with Subject(tmp_path, ONEHOP_ISOLATION=isolation) as subject:
        soaked = await soak(subject, SECONDS)
    assert soaked.problems == []
    assert subject.strays == []
    assert soaked.samples.keys() == GROWTH.keys()
    assert soaked.answers.total() > 10
