"""What is wrong is said once, at its place, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests import copies
from tests.copies import ONEHOP

RULES = """
[tools]
ask = ["pay"]
rules = ["deny crm.pay when amount >> 3"]
"""
AWAY = """
[upstream.crm]
command = "/nonexistent/server"
"""


def onehop(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "ONEHOP_STORE": f"sqlite:///{folder / 'onehop.db'}",
        "ONEHOP_JOURNAL": str(folder / "journal"),
    }
    command = [*ONEHOP, *words]
    return copies.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False)


def test_a_rule_that_cannot_be_read_is_named_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "onehop.toml").write_text(RULES)
    for words in (("run", "return 1"), ("tools", "list")):
        done = onehop(tmp_path, *words)
        assert done.returncode == 2
        assert done.stderr.startswith("onehop: onehop.toml:4: tools.rules[0].when: got")


def test_a_list_that_lacks_the_tools_of_a_server_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "onehop.toml").write_text(AWAY)
    done = onehop(tmp_path, "tools", "list")
    assert done.returncode == 3
    assert done.stderr.count("was not found") == 1


def test_a_key_file_is_there_only_if_the_agent_is(tmp_path: Path) -> None:
    key = tmp_path / "ada.key"
    made = onehop(tmp_path, "agents", "add", "ada", "--key-file", str(key))
    assert (made.returncode, made.stdout) == (0, "")
    assert key.stat().st_mode & 0o777 == 0o600
    first = key.read_text()
    other = tmp_path / "other.key"
    assert onehop(tmp_path, "agents", "add", "ada", "--key-file", str(other)).returncode == 2
    assert not other.exists()
    assert onehop(tmp_path, "agents", "add", "bob", "--key-file", str(key)).returncode == 2
    assert key.read_text() == first
    assert "bob" not in onehop(tmp_path, "agents", "list").stdout
