"""The mark ``unit`` keeps its promise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.users import ROOT

CONFTEST = """
from tests.units import NoProcesses

def pytest_configure(config):
    config.addinivalue_line("markers", "unit: starts no process")
    config.pluginmanager.register(NoProcesses())
"""
TESTS = """
import asyncio, os, pty, subprocess, sys
import pytest
from onehop import Sandbox

COMMAND = [sys.executable, "-c", ""]
STARTS = {
    "a subprocess": lambda: subprocess.run(COMMAND, check=True),
    "a shell": lambda: os.system("true"),
    "a fork": lambda: os.fork() or os._exit(0),
    "a spawn": lambda: os.posix_spawn(COMMAND[0], COMMAND, {}),
    "a terminal": lambda: pty.spawn(COMMAND),
    "a task": lambda: asyncio.run(asyncio.create_subprocess_exec(*COMMAND)),
    "a sandbox": lambda: asyncio.run(Sandbox().open()),
}

@pytest.mark.unit
@pytest.mark.parametrize("start", STARTS)
def test_marked(start):
    STARTS[start]()

@pytest.mark.unit
@pytest.mark.parametrize("start", STARTS)
def test_marked_and_silent(start):
    try:
        STARTS[start]()
    except BaseException:
        pass

@pytest.fixture
def started():
    subprocess.run(COMMAND, check=True)

@pytest.mark.unit
def test_set_up(started):
    pass

@pytest.mark.unit
def test_that_computes():
    assert 1 + 1 == 2

def test_that_is_not_marked(started):
    subprocess.run(COMMAND, check=True)
"""


@pytest.mark.thorough
def test_a_marked_test_that_starts_a_process_fails_however_it_does(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_it.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    command.append(f"--rootdir={tmp_path}")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    ended = [line for line in done.stdout.splitlines() if " in " in line][-1]
    assert ended.startswith("14 failed, 2 passed, 1 error"), done.stdout
