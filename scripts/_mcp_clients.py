"""Add onehop to real MCP clients, and print what each sees of it; scripts/mcp-clients-check calls.

A client that starts or calls its servers to list them ("live") has to be connected; others have to
list onehop. Exits with 1 if one does not.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 90
"""Seconds that one command may take."""
PORT = 38471
URL = f"http://localhost:{PORT}"


@dataclass(frozen=True)
class Check:
    """What a client says once it knows onehop."""

    client: str
    asks: tuple[str, ...]
    """Its command that lists servers, or the file that it would write itself, below the home."""
    connected: str
    """What it has to say of onehop."""
    settings: tuple[str, str] | None = None
    """A file that must be there first, and its text."""


CHECKS = (
    Check("claude-code", ("claude", "mcp", "list"), r"onehop: .*Connected"),
    Check("codex", ("codex", "mcp", "list"), r"onehop\s.*enabled"),
    Check(
        "gemini",
        ("gemini", "mcp", "list"),
        r"onehop: .*Connected",
        # Its folder is not trusted otherwise, and then it connects to nothing.
        (".gemini/settings.json", '{"security": {"folderTrust": {"enabled": false}}}'),
    ),
    Check("opencode", ("opencode", "mcp", "list"), r"onehop.*connected"),
    Check("copilot", ("copilot", "mcp", "get", "onehop"), r"onehop"),
)


def main(programs: str) -> int:
    """Check every client, by a process and by a URL."""
    failed = 0
    with tempfile.TemporaryDirectory(prefix="onehop-clients-") as folder:
        environment = _environment(Path(folder), programs)
        with _server(environment) as key:
            for check in CHECKS:
                for words in ([], ["--url", f"{URL}/mcp"]):
                    failed += not _passes(check, words, Path(folder), {**environment, **key})
    return 1 if failed else 0


def _environment(folder: Path, programs: str) -> dict[str, str]:
    own = [str(Path(programs).resolve()), str(Path(sys.executable).parent)]
    kept = {name: os.environ[name] for name in ("LANG", "TERM") if name in os.environ}
    path = os.pathsep.join([*own, os.environ["PATH"]])
    store = f"sqlite:///{folder / 'store.db'}"
    return {**kept, "PATH": path, "ONEHOP_STORE": store, "ONEHOP_JOURNAL": str(folder / "journal")}


@contextmanager
def _server(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """A server with one agent; what the environment of a client needs to call it."""
    onehop = [sys.executable, "-m", "onehop"]
    made = subprocess.run(
        [*onehop, "agents", "add", "ada", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    server = subprocess.Popen(
        [*onehop, "serve", "--port", str(PORT)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        _wait(f"{URL}/readyz")
        yield {"AGENT_API_KEY": json.loads(made.stdout)["key"]}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(PATIENCE)


def _wait(url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _passes(check: Check, words: list[str], folder: Path, environment: dict[str, str]) -> bool:
    home = Path(tempfile.mkdtemp(dir=folder))
    environment = {**environment, "HOME": str(home)}
    if check.settings is not None:
        file = home / check.settings[0]
        file.parent.mkdir(parents=True)
        file.write_text(check.settings[1], "utf-8")
    install = [sys.executable, "-m", "onehop", "mcp", "install", check.client, *words]
    said = _run(install, home, environment) + _run([*check.asks], home, environment)
    passed = re.search(check.connected, said) is not None
    print(f"{'ok  ' if passed else 'FAIL'} {check.client} {'URL' if words else 'process'}")
    if not passed:
        print(said)
    return passed


def _run(command: list[str], home: Path, environment: dict[str, str]) -> str:
    try:
        done = subprocess.run(
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{command} took more than {PATIENCE} s\n"
    return re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
