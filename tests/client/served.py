"""The real server, in this process, on a real port; it can go away and come back."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from onehop.config import AuditConfig, SandboxConfig, ServerConfig
from onehop.execution.compose import open_executor
from onehop.execution.executor import Executor
from onehop.server.agents import Agents
from onehop.server.app import create_app
from onehop.stores.base import Role

ROLES: dict[str, Role] = {"ada": "agent", "eve": "agent", "vic": "viewer", "root": "admin"}


class Below:
    """What a proxy does that serves an application below a path; all else is not found."""

    def __init__(self, path: str, app: ASGIApp) -> None:
        self._path = path
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(self._path):
            await PlainTextResponse("nothing here", 404)(scope, receive, send)
            return
        if scope["type"] == "http":
            rest = scope["path"].removeprefix(self._path)
            scope = {**scope, "path": rest, "raw_path": rest.encode()}
        await self._app(scope, receive, send)


class Served:
    """A server with one agent of each role, and another one; ``keys`` has theirs."""

    def __init__(self, folder: Path, path: str = "", tools: Any = None, rules: Any = ()) -> None:
        """``path`` is where a proxy serves it, if not at the root."""
        self._tools = {"tools": tools, "rules": rules}
        self._path = path
        self.keys: dict[str, str] = {}
        self.url = ""
        self._folder = folder
        self._port = 0
        self._stack = AsyncExitStack()
        self.executor: Executor

    async def __aenter__(self) -> Self:
        await self.start()
        agents = Agents(self._store)
        for name, role in ROLES.items():
            self.keys[name] = (await agents.add(name, role)).key
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start it, on the port that it had before."""
        audit = AuditConfig(
            store=f"sqlite:///{self._folder / 'onehop.db'}",
            journal=str(self._folder / "journal"),
        )
        sandbox = SandboxConfig(pool_size=2, max_concurrency=4, max_output=4096)
        self.executor = await self._stack.enter_async_context(
            open_executor(sandbox, audit=audit, **self._tools)
        )
        assert self.executor.store is not None
        self._store = self.executor.store
        listening = socket.create_server(("127.0.0.1", self._port))
        self._port = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}{self._path}"
        app = create_app(self.executor, Agents(self._store), ServerConfig(max_runs=4))
        self._closing = app.state.parts.closing
        config = uvicorn.Config(
            Below(self._path, app), log_config=None, timeout_graceful_shutdown=5
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.ensure_future(self._server.serve([listening]))
        while not self._server.started:
            assert not self._serving.done(), self._serving
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop it; what it has kept stays."""
        self._closing.set()  # ends the streams, for which uvicorn would wait
        self._server.should_exit = True
        await self._serving
        await self._stack.aclose()
