"""Whatever a server has started ends with onehop, however onehop ends."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from onehop.upstreams import _stdio
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


STAYS = "import signal; signal.signal(signal.SIGTERM, lambda *_: None)\nwhile True: signal.pause()"


async def test_a_server_that_is_left_in_haste_takes_no_descriptor_of_another_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_stdio, "_SETTLE", 0.05)
    runs, leave = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        command = (sys.executable, "-c", STAYS)
        async with _stdio.run_server(command, {}, None, lambda *_: None):
            runs.set()
            await leave.wait()

    opened: list[tuple[int, int]] = []
    pipe = os.pipe

    def noted() -> tuple[int, int]:
        opened.append(pipe())
        return opened[-1]

    monkeypatch.setattr(os, "pipe", noted)
    living = asyncio.create_task(live())
    async with asyncio.timeout(30):
        await runs.wait()
        lifeline = opened[0][1]
        leave.set()
        while _is_open(lifeline):
            await asyncio.sleep(0)
        later = _null_at(lifeline)  # somebody gets the number of what was just closed
        living.cancel()
        await asyncio.wait([living])
    os.close(later)


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False


def _null_at(number: int) -> int:
    """A descriptor with this number."""
    opened = os.open(os.devnull, os.O_RDONLY)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return number
