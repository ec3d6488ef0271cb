"""A load of good and bad calls at full capacity; CI runs a minute of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from benchmarks.load import MIX, load

from tests.server.served import Served

SECONDS = float(os.environ.get("ONEHOP_SOAK_SECONDS", "60"))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 120)
def test_a_mixed_load_ends_with_no_mistake_flat_memory_and_no_process(tmp_path: Path) -> None:
    with Served(tmp_path, ONEHOP_KEPT_OUTPUTS=str(8 << 20)) as server:
        report = load(server, SECONDS)
    assert not report.problems, report
    assert set(report.statuses) == set(MIX)
    assert report.statuses["good"][200] > SECONDS
