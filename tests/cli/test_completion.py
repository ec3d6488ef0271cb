"""The shell completes commands, options and names of clients."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Here

BASH = shutil.which("bash") or "bash"


COMPLETE = """
    complete -p onehop
    COMP_WORDS=(onehop mcp install cl); COMP_CWORD=3; COMP_LINE='onehop mcp install cl'
    _onehop_completion onehop
    echo "${COMPREPLY[@]}"
"""


@pytest.fixture
def bash(tmp_path: Path) -> Callable[[str], str]:
    """What a real bash prints, with the command ``onehop`` and a home of its own."""
    command = tmp_path / "bin" / "onehop"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m onehop "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "HOME": str(tmp_path)}

    def run(script: str) -> str:
        return subprocess.run(
            [BASH, "-c", script],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    return run


@pytest.mark.thorough
@pytest.mark.parametrize(
    "ready",
    [
        'eval "$(onehop --show-completion)"',
        "onehop --install-completion >/dev/null; . ~/.bashrc",
    ],
)
def test_bash_completes_once_it_has_the_script(bash: Callable[[str], str], ready: str) -> None:
    first, *rest = bash(f"{ready}\n{COMPLETE}").splitlines()
    assert first == "complete -o default -F _onehop_completion onehop"
    assert " ".join(rest).split() == ["claude-code", "claude-desktop", "cline"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("onehop ", {"run", "serve", "config", "mcp", "history"}),
        ("onehop run --no", {"--no-record"}),
        ("onehop config ", {"show", "check", "schema"}),
        ("onehop mcp config lm", {"lm-studio"}),
    ],
)
def test_words_are_completed(here: Here, words: str, expected: set[str]) -> None:
    parts = words.split(" ")
    result = here(
        _ONEHOP_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(parts) - 1)
    )
    assert expected <= set(result.stdout.split())


def test_help_names_the_two_options(here: Here) -> None:
    text = here("--help").stdout
    assert "--install-completion" in text
    assert "--show-completion" in text
