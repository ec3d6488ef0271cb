"""What is wrong with the machine: each command says what, where, and what to do about it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from onehop import _extras
from tests.cli.conftest import Here
from tests.cli.test_cli import Shell, shell

__all__ = ["shell"]  # a fixture


def one_line(text: str) -> str:
    """The only line on standard error."""
    assert text.startswith("onehop: "), text
    assert text.count("\n") == 1, text
    return text


# --- the home folder


@pytest.mark.sample(1)
@pytest.mark.parametrize("words", [["run", "return 1"], ["history"], ["agents", "add", "ada"]])
def test_a_home_that_cannot_be_written_is_told_with_what_to_set(
    here: Here, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "home").write_text("", "utf-8")  # a file: root may write into any folder
    home = str(tmp_path / "home")
    result = here(*words, HOME=home, XDG_DATA_HOME="")
    assert (result.exit_code, result.stdout) == (3, "")
    line = one_line(result.stderr)
    assert f"HOME is {home}" in line
    assert "XDG_DATA_HOME" in line
    assert "ONEHOP_STORE" in line


def test_without_a_home_code_runs_that_is_not_recorded(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("", "utf-8")
    home = str(tmp_path / "home")
    result = shell("run", "--no-record", "return 1", HOME=home, XDG_DATA_HOME=home)
    assert (result.returncode, result.stdout, result.stderr) == (0, "1\n", "")


def test_a_journal_that_cannot_be_written_is_told_with_what_to_set(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "full").write_text("", "utf-8")
    result = shell("run", "return 1", ONEHOP_JOURNAL=str(tmp_path / "full"))
    assert (result.returncode, result.stdout) == (3, "")
    assert "ONEHOP_JOURNAL" in one_line(result.stderr)


# --- the store


@pytest.mark.sample(1)
@pytest.mark.parametrize("words", [["run", "return 1"], ["stats"], ["agents", "list"]])
def test_a_store_of_a_newer_version_says_which_and_what_to_do(
    here: Here, tmp_path: Path, words: list[str]
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    assert here("history", ONEHOP_STORE=url).exit_code == 0
    with closing(sqlite3.connect(tmp_path / "store.db")) as store, store:
        store.execute("INSERT INTO schema_migrations VALUES (99, 'from the future', 0)")
    result = here(*words, ONEHOP_STORE=url)
    assert (result.exit_code, result.stdout) == (3, "")
    line = one_line(result.stderr)
    assert "was written by a newer onehop: it has migration 99 (from the future)" in line
    assert "Upgrade onehop, or name another store with ONEHOP_STORE" in line


def test_a_store_that_is_not_a_database_says_so(here: Here, tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"not a database, but long enough to be read" * 100)
    result = here("history", ONEHOP_STORE=f"sqlite:///{tmp_path / 'store.db'}")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "file is not a database" in one_line(result.stderr)


# --- a part that is not installed


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a package look as if it were not installed."""

    def hide(*packages: str) -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in packages:
                monkeypatch.delitem(sys.modules, name)
        for package in packages:
            monkeypatch.setitem(sys.modules, package, None)

    return hide


def test_a_missing_driver_names_the_pip_command(
    here: Here, without: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("onehop.stores.mongodb")]:
        monkeypatch.delitem(sys.modules, name)
    without("pymongo", "bson", "gridfs")
    result = here("history", ONEHOP_STORE="mongodb://localhost/x")
    assert result.exit_code == 2
    assert "pip install 'onehop[mongodb]'" in one_line(result.stderr)


def test_a_part_that_is_missing_in_the_middle_of_a_command_names_the_pip_command(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_arguments: Any) -> Any:
        raise ModuleNotFoundError("No module named 'asyncpg'", name="asyncpg.protocol")

    monkeypatch.setattr("onehop.cli._input.read_code", missing)
    result = here("validate", "-c", "1")
    assert (result.exit_code, result.stdout) == (3, "")
    line = one_line(result.stderr)
    assert line == "onehop: this needs the package asyncpg: pip install 'onehop[postgresql]'\n"


def test_a_command_line_without_its_packages_names_the_pip_command(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['typer'] = None\n"
        "sys.argv = ['onehop', 'validate']\n"
        "from onehop.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (3, "")
    line = one_line(done.stderr)
    assert "package typer" in line
    assert "pip install" in line


@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("pymongo.errors", "pip install 'onehop[mongodb]'"),
        ("bson", "pip install 'onehop[mongodb]'"),
        ("leftpad.inner", "pip install leftpad"),
        ("onehop.nothing", None),
        (None, None),
    ],
)
def test_the_command_is_that_of_the_extra_which_has_the_package(
    module: str | None, told: str | None
) -> None:
    advice = _extras.advice(module)
    if told is None:
        assert advice is None
    else:
        assert advice is not None
        assert told in advice


def test_a_mistake_of_onehop_is_not_taken_for_a_missing_package(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: Any) -> Any:
        raise ModuleNotFoundError("No module named 'onehop.gone'", name="onehop.gone")

    monkeypatch.setattr("onehop.cli._input.read_code", broken)
    result = here("validate", "-c", "1")
    assert result.exit_code == 3
    assert "pip install" not in result.stderr
    assert "Traceback" in result.stderr
