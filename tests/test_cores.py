"""The number of processors follows what the container may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onehop import cores

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "10000 100000\n"}, 1),
        ({"cpu.max": "max 100000\n"}, 1 << 20),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1 << 20),
        ({"cpu.max": "?"}, 1 << 20),
        ({}, 1 << 20),
    ],
)
def test_a_quota_of_the_control_group_counts(
    tmp_path: Path, files: dict[str, str], expected: int
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert cores._quota(tmp_path) == expected


def test_no_more_processors_are_used_than_there_are() -> None:
    assert 1 <= cores.usable_cores() <= (os.cpu_count() or 1)
