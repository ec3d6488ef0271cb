"""A copy of ``onehop`` is seen as a process that was started."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from onehop.analysis import BlockingAnalyst
from onehop.validation import Validator
from tests import copies
from tests.copies import ONEHOP
from tests.copying import NAME
from tests.processes import descendants, is_dead
from tests.waiting import until


@pytest.fixture(autouse=True)
def copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``--soak`` too."""
    monkeypatch.setattr(copies, "same_each_time", lambda: True)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "words",
    [["--version"], ["run", "-"], ["nothing"], ["run", "throw new Error('no')"], ["validate", "-"]],
)
def test_it_prints_and_ends_as_a_started_one_does(tmp_path: Path, words: list[str]) -> None:
    environment = {**os.environ, "ONEHOP_STORE": "memory:", "ONEHOP_JOURNAL": str(tmp_path)}
    given: dict[str, Any] = {
        "env": environment,
        "cwd": tmp_path,
        "capture_output": True,
        "input": b"return 7",
    }
    copied = copies.run([*ONEHOP, *words], **given)
    started = subprocess.run([*ONEHOP, *words], **given, check=False)
    assert (copied.returncode, copied.stdout) == (started.returncode, started.stdout)
    assert copied.stderr == started.stderr


def test_it_is_a_child_that_a_signal_ends_and_nothing_is_left(tmp_path: Path) -> None:
    before = descendants(os.getpid())
    with copies.start([*ONEHOP, "mcp"], stdin=subprocess.PIPE, cwd=tmp_path) as process:
        assert Path(f"/proc/{process.pid}/cwd").readlink() == tmp_path
        assert f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{process.pid}/status").read_text()
        assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    until(lambda: descendants(os.getpid()) == before, "the end of its own processes")


def test_it_is_made_of_a_process_with_one_thread_that_has_all_modules(tmp_path: Path) -> None:
    copies.run([*ONEHOP, "--version"], stdout=subprocess.DEVNULL)
    (parent,) = [
        int(each.name)
        for each in Path("/proc").iterdir()
        if each.name.isdigit() and _is_ours(each) and not is_dead(int(each.name))
    ]
    assert len(os.listdir(f"/proc/{parent}/task")) == 1


def _is_ours(folder: Path) -> bool:
    try:
        text = (folder / "status").read_text()
    except OSError:
        return False
    return f"Name:\t{NAME}\n" in text and f"PPid:\t{os.getpid()}\n" in text


def test_it_sees_whether_it_has_a_terminal() -> None:
    master, slave = pty.openpty()
    try:
        done = copies.run([*ONEHOP, "nothing"], stderr=slave, stdin=slave)
        assert done.returncode == 2
        assert b"\r\n" in os.read(master, 4096)
    finally:
        os.close(master)
        os.close(slave)


def test_what_python_reads_at_its_start_is_no_matter_for_a_copy() -> None:
    odd = {**os.environ, "PYTHONIOENCODING": "ascii"}
    process = copies.start([*ONEHOP, "--version"], env=odd, stdout=subprocess.PIPE)
    assert type(process) is subprocess.Popen
    process.communicate()
    other = copies.start([sys.executable, "-c", ""])
    assert type(other) is subprocess.Popen
    assert other.wait() == 0


def test_a_process_that_parses_code_is_a_copy_too_and_ends_with_what_it_is_for() -> None:
    before = descendants(os.getpid())
    with copies.also_for_analysis():
        analyst = BlockingAnalyst()
        verdict = Validator(analyst=analyst).validate("return eval('1')")
        begun = [pid for pid in descendants(os.getpid()) if pid not in before]
        analyst.close()
    assert "eval" in {issue.pattern for issue in verdict.issues}
    assert begun
    until(lambda: descendants(os.getpid()) == before, "the end of its own processes")
