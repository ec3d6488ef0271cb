"""An MCP server whose writes take a while: it lives on when the server that calls it is killed.

Each payment arrives, takes effect, and is answered, with a pause before each of the last two. A
file says when each did, so that a campaign can kill just then.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

from tests.chaos.subject import Subject
from tests.upstreams.running import free_port, is_there
from tests.users import ROOT
from tests.waiting import until

Move = Literal["arrived", "applied", "answered"]
_PATIENCE: Final = 300.0
"""Seconds until it must answer, on a busy machine."""
HOLD: Final = 700
"""ms for which a worker waits for a person; a run that waits longer is paused."""
PAUSE: Final = 0.7
"""Seconds before a payment takes effect, and again until it is answered."""


class Moves:
    """What has become of the payments at one bank, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        self._read = 0
        self._moves: list[tuple[Any, str, float]] = []

    def note(self, move: Move, key: str) -> None:
        append(self.path, f"{move} {key} {time.time()}")

    def under_way(self, at: float = float("inf"), since: float = 0.0) -> dict[str, Move]:
        """The payments that had come since, and were not answered at that time; and how far each
        had got."""
        found: dict[str, Move] = {}
        for move, key, when in self._so_far():
            if since < when <= at and (move == "arrived" or key in found):
                found[key] = move
        return {key: move for key, move in found.items() if move != "answered"}

    def answered(self) -> int:
        """How many were."""
        return sum(move == "answered" for move, _key, _when in self._so_far())

    def arrivals(self) -> Counter[str]:
        """How often each was asked for."""
        return Counter(key for move, key, _when in self._so_far() if move == "arrived")

    def _so_far(self) -> list[tuple[Any, str, float]]:
        with self.path.open() as file:
            file.seek(self._read)
            new, end, _begun = file.read().rpartition("\n")  # the last line is being written
        self._read += len(new + end)
        for line in new.splitlines():
            move, key, when = line.split()
            self._moves.append((move, key, float(when)))
        return self._moves


def append(path: Path, line: str) -> None:
    """Write a line that stays, also if this process is killed then."""
    with path.open("a") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def bank(moves: Path, ledger: Path, pause: float = PAUSE) -> Iterator[str]:
    """It runs, and this is its URL. It writes what it was paid into ``ledger``."""
    port = free_port()
    words = [sys.executable, "-m", "tests.chaos.bank", str(port), str(moves), str(ledger)]
    command = [*words, str(pause)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until(lambda: is_there(port), "the bank", _PATIENCE)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.kill()


class Customer(Subject):
    """A server that calls a bank of its own."""

    def __init__(self, folder: Path, store: str = "", **environment: Any) -> None:
        settings = folder / "onehop.toml"
        told = {
            "ONEHOP_CONFIG": str(settings),
            "PYTHONPATH": str(ROOT / "src"),
            "ONEHOP_TOOLS_HOLD": str(HOLD),
        }
        super().__init__(folder, store, **{**told, **environment})
        self.moves = Moves(folder / "moves")
        self._settings = settings
        self._bank = ExitStack()

    def __enter__(self) -> Self:
        ledger = Path(self._environment["CHAOS_LEDGER"])
        url = self._bank.enter_context(bank(self.moves.path, ledger))
        self._settings.write_text(f'[upstream.bank]\nurl = "{url}"\n')
        try:
            return super().__enter__()
        except BaseException:
            self._bank.close()
            raise

    def __exit__(self, *ended: Any) -> None:
        try:
            super().__exit__(*ended)
        finally:
            self._bank.close()


def serve(port: int, moves: Moves, ledger: Path, pause: float) -> None:
    """Until it is ended. A payment goes on when its caller is gone."""
    from mcp.server.mcpserver import MCPServer  # the campaign itself needs none of it

    server = MCPServer("bank")
    tasks: set[asyncio.Task[int]] = set()

    async def pay_slowly(key: str) -> int:
        moves.note("arrived", key)
        await asyncio.sleep(pause)
        append(ledger, key)
        moves.note("applied", key)
        await asyncio.sleep(pause)
        moves.note("answered", key)
        return len(key)

    @server.tool()
    async def pay(key: str) -> int:
        """Write a line that stays."""
        task = asyncio.create_task(pay_slowly(key))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return await asyncio.shield(task)

    server.run("streamable-http", port=port)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("moves", type=Path)
    parser.add_argument("ledger", type=Path)
    parser.add_argument("pause", type=float)
    given = parser.parse_args()
    serve(given.port, Moves(given.moves), given.ledger, given.pause)


if __name__ == "__main__":
    main()
