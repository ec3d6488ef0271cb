"""The server of these tests over HTTP, in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.waiting import until

SERVER = str(Path(__file__).parent / "server.py")
HOSTILE = str(Path(__file__).parent / "hostile.py")


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


@contextmanager
def http_server(port: int) -> Iterator[str]:
    """It runs, and this is its URL."""
    command = [sys.executable, SERVER, "--http", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: is_there(port), "the server")
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


def is_there(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
