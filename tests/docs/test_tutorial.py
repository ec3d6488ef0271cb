"""Tutorials are followed to the letter: their files are written, their commands run, in order."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import copies
from tests.docs.test_documents import commands, matches, read, shell_words
from tests.users import ROOT

PAGES = ("docs/tutorial/first-run.md", "docs/tutorial/tools.md", "docs/tutorial/approvals.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"[Ss]ave (?:this|it)\s+as\s+`([\w.]+)`[.:][^`]*$")
BY_HAND = ("python3 -m venv", ". .venv", "pip install", "export AGENT_API_KEY", "claude")
"""What only a reader does: make an environment, and start a client of another maker."""
SERVE = "onehop serve"
KILL = "kill -9 %1"
"""Of the server, which is the shell's only job."""


@dataclass
class Reader:
    """Who follows the page in a folder of their own, where nothing was done before."""

    folder: Path
    port: int
    server: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        bin_folder = self.folder / "bin"
        return {
            **{name: value for name, value in os.environ.items() if "ONEHOP" not in name},
            "HOME": str(self.folder),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "PYTHONPATH": str(ROOT / "src"),
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "ONEHOP_PORT": str(self.port),
            "ONEHOP_POOL_SIZE": "1",
            "COLUMNS": "200",
        }

    def install(self) -> None:
        for name, rest in {"python": "", "onehop": " -m onehop"}.items():
            command = self.folder / "bin" / name
            command.parent.mkdir(exist_ok=True)
            command.write_text(f'#!/bin/sh\nexec "{sys.executable}"{rest} "$@"\n')
            command.chmod(0o755)

    def do(self, line: str) -> str:
        """What a command prints on both streams."""
        if line == KILL:
            assert self.server
            self.server.kill()
            self.server.wait(30)
            return ""
        if line.startswith(SERVE):
            with (self.folder / "server.log").open("w") as log:
                words = shell_words(line.removesuffix(" &"))
                self.server = copies.start(
                    words, cwd=self.folder, env=self.environment, stderr=log, text=True
                )
            return self.wait_for_server()
        done = copies.run(
            shell_words(line),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        assert done.returncode == 0, (line, done.stdout)
        printed: str = done.stdout
        return printed

    def wait_for_server(self) -> str:
        assert self.server
        until = time.monotonic() + 30
        while not answers(self.port):
            assert time.monotonic() < until, self.log()
            assert self.server.poll() is None, self.log()
            time.sleep(0.05)
        return ""

    def log(self) -> str:
        file = self.folder / "server.log"
        return file.read_text() if file.exists() else ""

    def leave(self) -> None:
        if self.server:
            self.server.terminate()
            self.server.wait(30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def blocks(page: str) -> Iterator[tuple[str, str, str]]:
    """Each block of a page: its language, its text, and the file that it is saved as."""
    for found in BLOCK.finditer(page):
        named = FILE.search(page[: found.start()])
        yield found[1], found[2], named[1] if named else ""


@pytest.mark.thorough
@pytest.mark.timeout(240)  # a dozen commands, with --soak each a new Python
@pytest.mark.parametrize("page", PAGES)
def test_each_step_of_a_tutorial_gives_the_result_that_it_shows(page: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path, free_port())
    reader.install()
    try:
        follow(reader, read(page).replace("localhost:3001", f"localhost:{reader.port}"))
    finally:
        reader.leave()


def follow(reader: Reader, page: str) -> None:
    done = 0
    for language, text, name in blocks(page):
        if language in ("python", "js"):
            assert name, f"the page does not say where this is saved:\n{text}"
            (reader.folder / name).write_text(text)
        elif language == "console":
            for line, expected in commands(text):
                printed = reader.do(line)
                assert matches(expected.strip(), printed.strip()), f"{line}\n{printed}"
                done += 1
        else:
            assert language == "sh"
            assert all(line.startswith(BY_HAND) for line in text.splitlines()), text
    assert done > 10
