"""A server that is down does not look like one without tools."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests import copies
from tests.copies import ONEHOP
from tests.upstreams.running import free_port


def onehop(folder: Path, table: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = folder / "onehop.toml"
    settings.write_text(f"[upstream.crm]\n{table}\n")
    return copies.run(
        [*ONEHOP, *arguments],
        env={**os.environ, "ONEHOP_CONFIG": str(settings)},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.sample(1)
@pytest.mark.parametrize("command", ["tools list", "run -c 1"])
def test_it_says_which_server_is_down_since_when_and_why(tmp_path: Path, command: str) -> None:
    url = f'url = "http://127.0.0.1:{free_port()}/mcp"'
    made = onehop(tmp_path, url, *command.split())
    assert made.returncode == (3 if command == "tools list" else 0), made.stderr
    assert re.search(r"crm: .*attempts failed.* \(since 20\d\d-\d\d-\d\d ", made.stderr)
    assert "no tools are granted" not in made.stderr


@pytest.mark.thorough
def test_it_says_what_it_waits_for(tmp_path: Path) -> None:
    made = onehop(tmp_path, 'command = ["sleep", "60"]', "tools", "list")
    assert "crm: waiting for it to come up" in made.stderr
    assert "crm: its server is not available: it has not answered yet" in made.stderr
