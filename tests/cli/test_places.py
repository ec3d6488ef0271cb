"""What is wrong is said once, at its place, and leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import sys
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


def test_a_call_says_nothing_of_servers_that_it_does_not_need(tmp_path: Path) -> None:
    (tmp_path / "onehop.toml").write_text(AWAY)
    (tmp_path / "shop.py").write_text(
        "import onehop\n\n@onehop.tool\ndef six() -> int:\n    return 6\n"
    )
    done = onehop(tmp_path, "tools", "call", "six", "--tools", "shop.py")
    assert (done.returncode, done.stdout, done.stderr) == (0, "6\n", "")
    other = onehop(tmp_path, "tools", "call", "crm.find", "--tools", "shop.py")
    assert other.returncode == 1
    assert other.stderr.count("its command '/nonexistent/server' was not found") == 1


def test_what_a_server_wrote_before_it_ended_is_told_once_on_one_line(tmp_path: Path) -> None:
    server = f'command = "{sys.executable}"\nargs = ["-m", "no_such_server"]\n'
    (tmp_path / "onehop.toml").write_text(f"[upstream.crm]\n{server}")
    for words in (("tools", "list"), ("run", "return 1")):
        done = onehop(tmp_path, *words)
        (told,) = [line for line in done.stderr.splitlines() if "No module named" in line]
        assert told.startswith("upstream crm wrote last: ")


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


def test_the_list_names_a_function_whose_decorator_was_forgotten(tmp_path: Path) -> None:
    text = "from onehop import tool\n@tool\ndef a() -> int: ...\ndef boom() -> int: ...\n"
    (tmp_path / "shop.py").write_text(text)
    done = onehop(tmp_path, "tools", "list", "--tools", "shop.py")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "onehop: shop.py: 1 function is not decorated with @tool: boom\n"


def test_a_key_is_put_into_its_file_in_place_of_the_old_one(tmp_path: Path) -> None:
    key = tmp_path / "ada.key"
    assert onehop(tmp_path, "agents", "add", "ada", "--key-file", str(key)).returncode == 0
    first = key.read_text()
    made = onehop(tmp_path, "agents", "rotate", "ada", "--key-file", str(key))
    assert (made.returncode, made.stdout, made.stderr) == (0, "", "")
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.read_text() not in ("", first)
    before = sorted(tmp_path.iterdir())
    assert onehop(tmp_path, "agents", "rotate", "bob", "--key-file", str(key)).returncode == 2
    assert sorted(tmp_path.iterdir()) == before
