"""A process that has as many descriptors open as it may says so, and goes on later."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.server.served import Served
from tests.users import ROOT

NEAR_THE_LIMIT = """
import asyncio, os, resource
from onehop import OnehopError, Sandbox, SandboxConfig

SandboxConfig(pool_size=1)  # pydantic loads files with the first

def run_with(free):
    held = []
    try:
        while True:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    for _ in range(free):
        os.close(held.pop())
    try:
        return asyncio.run(used())
    except OSError as error:  # of asyncio's loop, before anything of ours
        return f"loop: {error}"
    finally:
        for descriptor in held:
            os.close(descriptor)

async def used():
    try:
        async with Sandbox(SandboxConfig(pool_size=1)) as sandbox:
            results = [await sandbox.execute("return 1", language) for language in ("js", "ts")]
            return [result.output for result in results]
    except OnehopError as error:
        return str(error)
    except OSError as error:
        return f"raw: {error!r}"

limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, limit))
before = len(os.listdir("/proc/self/fd"))
for free in range(20):
    print(run_with(free))
print(asyncio.run(used()))
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
print(len(os.listdir("/proc/self/fd")) - before)
"""


def test_each_stage_of_a_start_says_that_no_descriptor_is_left() -> None:
    words = [sys.executable, "-c", NEAR_THE_LIMIT]
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=True)
    *said, whole, leaked = done.stdout.splitlines()
    ours = [line for line in said if not line.startswith(("loop: ", "[1, 1]"))]
    assert ours
    assert [line for line in ours if "no descriptor is left" not in line] == []
    assert (whole, leaked) == ("[1, 1]", "0")


@pytest.mark.parametrize("command", ["history", "run --code 1", "mcp", "serve --port 0"])
@pytest.mark.parametrize("limit", [11, 12, 13])
def test_a_command_names_the_limit_and_not_what_it_stopped(
    tmp_path: Path, command: str, limit: int
) -> None:
    folders = {"ONEHOP_JOURNAL": str(tmp_path / "j"), "ONEHOP_STORE": f"sqlite:///{tmp_path}/a.db"}
    environment = os.environ | folders | {"PYTHONPATH": str(ROOT / "src")}
    program = (
        "import resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_NOFILE, ({limit}, {limit}))\n"
        "from onehop.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *command.split()],
        capture_output=True,
        text=True,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 3
    assert "RLIMIT_NOFILE" in done.stderr
    assert "Traceback" not in done.stderr
    assert "make room" not in done.stderr


def test_a_server_with_few_descriptors_answers_beside_many_idle_clients(tmp_path: Path) -> None:
    with Few(tmp_path) as server, ExitStack() as held:
        address = urlsplit(server.url)
        for _ in range(300):
            place = address.hostname, address.port
            held.enter_context(closing(socket.create_connection(place, timeout=10)))
        answers = [
            httpx2.post(f"{server.url}/api/v1/execute", json={"code": "return 1"}, timeout=20)
            for _ in range(3)
        ]
        assert [answer.json()["output"] for answer in answers] == [1, 1, 1]


class Few(Served):
    """A server that may have 128 descriptors open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ONEHOP_POOL_SIZE="8")

    def start(self) -> Self:
        words = ["sh", "-c", 'ulimit -n 128; exec "$0" "$@"', sys.executable, "-m", "onehop"]
        words += ["serve", "--no-auth"]
        self._process = subprocess.Popen(
            words, stderr=subprocess.PIPE, text=True, env=self.environment
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self.url = self.logged(lambda line: line.get("message") == "ready")["url"]
        return self
