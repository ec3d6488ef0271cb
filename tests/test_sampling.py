"""The default run takes some cases of each test, leaves none out whole, and says what is left."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sampling import chosen
from tests.users import ROOT

CONFTEST = """
from tests.sampling import Sampling

def pytest_configure(config):
    for mark in ("sample", "thorough", "soak"):
        config.addinivalue_line("markers", mark)
    config.pluginmanager.register(Sampling())
"""
TESTS = """
import pytest

ONE = pytest.mark.sample(1, over="way")

@pytest.fixture(params=[pytest.param("near", marks=ONE), pytest.param("far", marks=ONE)])
def way(request):
    return request.param

OFTEN = pytest.mark.sample(1, over="kind", weight=3)
SELDOM = pytest.mark.sample(1, over="kind")

@pytest.fixture(params=[pytest.param("often", marks=OFTEN), pytest.param("seldom", marks=SELDOM)])
def kind(request):
    return request.param

@pytest.mark.parametrize("case", range(60))
def test_weighed_kinds(kind, case):
    pass

@pytest.mark.sample(3)
@pytest.mark.parametrize("case", range(50))
def test_many(case):
    pass

@pytest.mark.parametrize("case", range(20))
def test_ways(way, case):
    pass

@pytest.mark.sample(2)
@pytest.mark.parametrize("case", range(5))
def test_some_ways(way, case):
    pass

@pytest.mark.thorough
def test_left():
    pass

@pytest.mark.soak
def test_slow():
    pass
"""


def run(folder: Path, *words: str) -> list[str]:
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(
        [*command, f"--rootdir={folder}", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "spread",
    [
        pytest.param((), id="one process"),
        pytest.param(("-n", "2"), id="two", marks=pytest.mark.thorough),
    ],
)
def test_the_default_run_takes_some_of_each_and_says_what_it_leaves(
    tmp_path: Path, spread: tuple[str, ...]
) -> None:
    lines = run(tmp_path, "-m", "not soak and not thorough", *spread)
    ran = [found[1] for line in lines if (found := re.search(r"test_it\.py::(test_\S+)", line))]
    ran = [name for name in dict.fromkeys(ran) if "[" in name or spread == ()]
    many = [name for name in ran if name.startswith("test_many")]
    ways = [name for name in ran if name.startswith("test_ways")]
    some = [name for name in ran if name.startswith("test_some_ways")]
    kinds = [name.partition("[")[2].partition("-")[0] for name in ran if "weighed" in name]
    assert (len(many), len(ways), len(some), len(kinds)) == (3, 20, 2, 60)
    assert 35 < kinds.count("often") < 55
    assert {name.partition("[")[2].partition("-")[0] for name in ways} == {"near", "far"}
    assert {name.rpartition("-")[2] for name in ways} == {f"{case}]" for case in range(20)}
    assert "left to scripts/test --soak: 1 soak, 136 thorough" in lines


@pytest.mark.thorough
def test_a_run_of_everything_leaves_nothing(tmp_path: Path) -> None:
    lines = run(tmp_path, "-m", "soak or not soak")
    assert "222 passed" in lines[-1]
    assert not any("left to" in line for line in lines)


@pytest.mark.parametrize(("count", "kept"), [(7, 3), (100, 1), (2, 5), (5, 5), (0, 2)])
def test_as_many_different_cases_as_asked_are_chosen(count: int, kept: int) -> None:
    found = chosen(range(count), kept, "a test")
    assert len(set(found)) == len(found) == min(count, kept)
