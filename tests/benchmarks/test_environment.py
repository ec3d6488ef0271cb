"""Every benchmark starts in the environment that ``scripts/bench`` makes: one without the tests'
own packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(
    f"benchmarks.{path.stem}"
    for path in (ROOT / "benchmarks").glob("*.py")
    if path.stem not in ("__init__", "__main__")
)
ABSENT = ("pytest", "_pytest", "hypothesis", "selenium")
"""What the default environment of the benchmarks does not have, or need not have."""
_PROBE = """
import importlib, sys
absent, *names = sys.argv[1:]
sys.modules.update(dict.fromkeys(absent.split(",")))  # then their import fails
for name in names:
    try:
        importlib.import_module(name)
    except ImportError as error:
        print(f"{name}: {error}")
"""


def test_every_benchmark_starts_without_the_packages_of_the_tests() -> None:
    command = [sys.executable, "-c", _PROBE, ",".join(ABSENT), *PROGRAMS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("", 0), done.stderr
