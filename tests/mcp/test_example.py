"""The example of an MCP client runs, in an empty folder with a store of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mcp.doors import environment
from tests.users import ROOT


@pytest.mark.thorough
def test_the_example_shows_lines_the_output_and_a_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "mcp_client.py")],
        cwd=tmp_path,
        env={**os.environ, **environment(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.splitlines() == [
        "tool: code_execute",
        "tool: code_wait",
        "  line 1:  3 of 4 requests were slow",
        "  output:  [{'path': '/search', 'slow': 2}, {'path': '/cart', 'slow': 1}]",
        "failed: True",
        "Error (runtime): TypeError: Cannot read properties of undefined (reading 'name') "
        "(line 1, column 21)",
        " 1 | return context.user.name",
        "   |                     ^",
    ]
