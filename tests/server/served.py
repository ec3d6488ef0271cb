"""A server in a process of its own, as an operator starts it, and agents that call it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from onehop.config import AuditConfig
from onehop.server.agents import Agents
from onehop.stores import open_store
from tests import copies
from tests.copies import ONEHOP
from tests.processes import workers

PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}


class Served:
    """``onehop serve`` on a free port, with its own folder for store and journal."""

    patience = PATIENCE

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        self.folder = folder
        self.log: list[dict[str, Any]] = []
        self.raw: list[str] = []
        self.url = ""
        self._arguments = arguments
        self._environment = environment
        self._moved = threading.Condition()
        self._silent = False
        self._process: subprocess.Popen[str] | None = None

    @property
    def store(self) -> str:
        return f"sqlite:///{self.folder / 'onehop.db'}"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "ONEHOP_STORE": self.store,
            "ONEHOP_JOURNAL": str(self.folder / "journal"),
            "ONEHOP_PORT": "0",
            "ONEHOP_POOL_SIZE": "2",
            **self._environment,
        }

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start it and wait until it says where it is."""
        self._process = copies.start(
            [*ONEHOP, "serve", *self._arguments],
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment,
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        try:
            self.url = self.logged(lambda line: line.get("message") == "ready")["url"]
        except AssertionError:
            self.stop()
            raise
        return self

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Wait for its end: its exit code."""
        assert self._process is not None
        return self._process.wait(self.patience)

    def stop(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
                raise

    def logged(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line of the log that is ``wanted``, there or to come."""
        deadline = time.monotonic() + self.patience
        with self._moved:
            while True:
                for line in self.log:
                    if wanted(line):
                        return line
                assert not self._silent, self.raw[-20:]
                assert self._moved.wait(deadline - time.monotonic()), self.raw[-20:]

    def access(self, request_id: str) -> dict[str, Any]:
        """What is logged of a request."""
        return self.logged(lambda line: line.get("requestId") == request_id and "status" in line)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for text in process.stderr:
            with self._moved:
                self.raw.append(text)
                try:
                    self.log.append(json.loads(text))
                except ValueError:
                    self.log.append({"message": text})
                self._moved.notify_all()
        process.stderr.close()
        with self._moved:
            self._silent = True
            self._moved.notify_all()

    # -- agents

    def key(self, agent_id: str, role: Any = "agent", **limits: int) -> str:
        """Add an agent by the store that the server reads too: its key."""

        made = asyncio.run(self.agents(lambda agents: agents.add(agent_id, role, **limits)))
        return str(made.key)

    def revoke(self, agent_id: str) -> None:
        """Revoke an agent from another process than the server's: this one."""
        asyncio.run(self.agents(lambda agents: agents.revoke(agent_id)))

    async def agents(self, work: Callable[[Agents], Any]) -> Any:
        """What ``work`` gives, with the agents of the server's store."""
        store = await open_store(AuditConfig(store=self.store))
        try:
            return await work(Agents(store))
        finally:
            await store.aclose()

    def client(self, key: str | None = None, **headers: str) -> httpx2.Client:
        """Calls with this key."""
        given = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx2.Client(base_url=self.url, headers={**given, **headers}, timeout=PATIENCE)

    def workers(self) -> list[int]:
        """The Deno processes of the server."""
        return workers(self.pid)


def run(client: httpx2.Client, code: str, **headers: str) -> httpx2.Response:
    """Execute ``code``."""
    return client.post("/api/v1/execute", json={"code": code}, headers=headers)


@contextmanager
def streaming(
    client: httpx2.Client, address: str, **options: Any
) -> Iterator[Iterator[dict[str, Any]]]:
    """Server-sent events, as dicts of their fields, with ``data`` read; pings left out."""
    with client.stream(options.pop("method", "GET"), address, **options) as response:
        assert response.status_code == 200, response.read()
        yield _events(response.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    for line in lines:
        if not line and found:
            yield {**found, "data": json.loads(found["data"])}
            found = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            found[name] = value
