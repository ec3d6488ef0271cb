"""Whatever a server has started ends with onehop, however onehop ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.waiting import until

SERVER = """
import subprocess, sys, runpy
group = subprocess.Popen(["sleep", "600"])
away = subprocess.Popen(["sleep", "600"], start_new_session=True)
nested = subprocess.Popen(["sh", "-c", "setsid sleep 600 & echo $!; exit"], stdout=-1, text=True)
orphan = nested.stdout.readline().strip()
with open(sys.argv[1], "w") as file:
    file.write(f"{group.pid} {away.pid} {orphan}\\n")
sys.argv = ["server.py"]
runpy.run_path(%r, run_name="__main__")
"""
HOST = """
import asyncio, os, sys
from onehop import McpUpstream
async def main():
    server = McpUpstream(command=[sys.executable, *sys.argv[1:]], required=True)
    await server.open("t")
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.aclose()
asyncio.run(main())
"""


def is_alive(pid: int) -> bool:
    with suppress(OSError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


@pytest.mark.sample(1)
@pytest.mark.parametrize("how", ["SIGKILL", "SIGTERM", "closed"])
def test_all_processes_of_a_server_end_with_onehop(tmp_path: Path, how: str) -> None:
    program, pids = tmp_path / "server.py", tmp_path / "pids"
    program.write_text(SERVER % str(Path(__file__).with_name("server.py")))
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(program), str(pids)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as host:
        assert host.stdin is not None
        assert host.stdout is not None
        assert host.stdout.readline() == "ready\n"
        below = [int(word) for word in pids.read_text().split()]
        assert len(below) == 3
        assert all(map(is_alive, below))
        if how == "closed":
            host.stdin.close()
        else:
            os.kill(host.pid, signal.Signals[how])
        host.wait(30)
        until(lambda: not any(map(is_alive, below)), "the end of all of them")
