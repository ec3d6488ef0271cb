"""The server that things happen to: ``onehop serve`` in a process of its own, with a tool that
writes into a ledger, a clock that can be set, and a small disk of its own where root allows it."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

from tests.processes import descendants, is_dead
from tests.server.served import Served
from tests.users import ROOT
from tests.waiting import until

DISK: Final = 48 << 20
"""Bytes of the disk that holds store and journal."""
TOOLS: Final = '''
import os, time
from onehop import tool

@tool(effect="write")
def note(key: str) -> int:
    """Write a line that stays."""
    with open(os.environ["CHAOS_LEDGER"], "a") as ledger:
        ledger.write(key + "\\n")
    return len(key)

@tool(effect="write")
def pay(key: str) -> int:
    """Write a line that stays, slowly."""
    time.sleep(0.02)
    return note(key)

@tool(effect="write")
def transfer(key: str) -> int:
    """Write a line that stays, once a person has agreed."""
    return note(key)

@tool(effect="read")
def times(n: int) -> int:
    """Seven times as much."""
    return 7 * n
'''
CLOCK: Final = """
import mmap, os, struct, time

with open(os.environ["CHAOS_CLOCK"], "rb") as file:
    offset = mmap.mmap(file.fileno(), 8, access=mmap.ACCESS_READ)
now, now_ns = time.time, time.time_ns
time.time = lambda: now() + struct.unpack("<q", offset[:8])[0]
time.time_ns = lambda: now_ns() + struct.unpack("<q", offset[:8])[0] * 10**9
"""
"""A ``sitecustomize``: the server's time of day is ahead by what the file says, in seconds."""


class Subject(Served):
    """A server that may be killed and started again, on the same port and store."""

    patience = 90.0

    def __init__(
        self,
        folder: Path,
        store: str = "",
        *,
        tools: bool = True,
        source: str = TOOLS,
        **environment: str,
    ) -> None:
        """``store`` is the URL of a database server; SQLite without it. ``source`` is the text of
        the file of tools."""
        self._url = store
        self.disk = folder / "disk"
        self.clock = folder / "clock"
        self.ledger = folder / "ledger"
        self._mounted = False
        self._keys: dict[str, str] = {}
        self.strays: list[int] = []
        self.past: list[dict[str, Any]] = []
        """What it has logged before it was started again."""
        (folder / "tools.py").write_text(source)
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(CLOCK)
        self.set_clock(0)
        self.ledger.touch()
        told = {
            "CHAOS_LEDGER": str(self.ledger),
            "CHAOS_CLOCK": str(self.clock),
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(ROOT / "src")]),
            "ONEHOP_PORT": str(_free_port()),
            "ONEHOP_JOURNAL": str(self.disk / "journal"),
            "ONEHOP_MAX_CONCURRENCY": "4",
            "ONEHOP_TOOLS_ASK": "transfer",
            "ONEHOP_TOOLS_APPROVALS": "true",
        }
        arguments = ("--tools", str(folder / "tools.py")) if tools else ()
        super().__init__(folder, *arguments, **{**told, **environment})

    @property
    def store(self) -> str:
        return self._url or f"sqlite:///{self.disk / 'onehop.db'}"

    @property
    def small_disk(self) -> bool:
        """Whether store and journal have a disk that can be filled."""
        return self._mounted

    def __enter__(self) -> Self:
        self._make_disk()
        try:
            return self.start()
        except BaseException:
            self._drop_disk()
            raise

    def __exit__(self, *ended: Any) -> None:
        below = descendants(self.pid)
        try:
            super().__exit__(*ended)
            self._note_strays(below)
        finally:
            self._drop_disk()

    def start(self) -> Self:
        """Start it, or start it again, and wait until it says that it is ready."""
        with self._moved:
            self.past += self.log
            self.log.clear()
            self.raw.clear()
            self._silent = False
        return super().start()

    def kill(self) -> None:
        """End it without a word; whatever it had started has to end by itself."""
        below = descendants(self.pid)
        self.tell(signal.SIGKILL)
        self.ended()
        self._note_strays(below)
        until(lambda: self._silent, "the end of its log")

    def set_clock(self, ahead: int) -> None:
        """Put the server's time of day ahead, or back, by seconds."""
        with self.clock.open("r+b" if self.clock.exists() else "wb") as file:
            file.write(struct.pack("<q", ahead))

    async def agent_key(self, agent_id: str) -> str:
        """The key of an agent that may call as much as there is room for."""
        return await self.role_key(agent_id, "agent", max_runs=1000, max_rate=10**6)

    async def role_key(self, agent_id: str, role: Any, **limits: int) -> str:
        """The key of somebody in this role; made once."""
        if agent_id not in self._keys:
            made = await self.agents(lambda agents: agents.add(agent_id, role, **limits))
            self._keys[agent_id] = made.key
        return self._keys[agent_id]

    def _note_strays(self, below: list[int]) -> None:
        with suppress(AssertionError):
            until(lambda: all(map(is_dead, below)), "the end of all that the server had started")
        self.strays += [pid for pid in below if not is_dead(pid)]

    def _make_disk(self) -> None:
        self.disk.mkdir()
        if sys.platform == "linux" and os.geteuid() == 0:
            words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "none", str(self.disk)]
            done = subprocess.run(words, capture_output=True, check=False)
            self._mounted = done.returncode == 0

    def _drop_disk(self) -> None:
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self.disk)], check=True)
            self._mounted = False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
