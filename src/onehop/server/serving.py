"""Serves until it must stop; then runs in flight finish, and everything is taken down."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import resource
import signal
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import uvicorn

from onehop.config import ServerConfig, TelemetryConfig, ToolsConfig
from onehop.errors import ConfigError
from onehop.execution.compose import open_executor
from onehop.inputs.gc import keep_what_is_loaded
from onehop.server._memory import SpareMemory
from onehop.server.agents import Agents
from onehop.server.app import create_app
from onehop.server.asgi._crowd import Crowd, room_for_connections
from onehop.server.asgi._guard import is_loopback
from onehop.server.asgi._homes import Place
from onehop.server.asgi._protocol import Bounds, Connection
from onehop.server.asgi._scope import ASGIApp
from onehop.telemetry.compose import open_watching

_FILES: Final = 65_536
"""Descriptors that a server asks for, as far as it may: each connection takes one."""
_KEEP_ALIVE: Final = 30
"""Seconds that an idle connection stays open."""
_BACKLOG: Final = 2048
"""Clients that may wait to be connected."""
_AT_A_TIME: Final = 64
"""Clients that are connected in one turn of the loop. asyncio takes it for the backlog too."""
_UNSENT: Final = 128 * 1024
"""Bytes of an answer that the kernel takes before the client's machine has room for them."""
_ACCEPT: Final = "socket.accept() out of system resource"
"""What asyncio says, with a stack, of each client that it has no descriptor for."""
_SILENCE: Final = 60.0
"""Seconds between two lines of the log about that."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ready:
    """What runs when the server does."""

    url: str
    store: str
    agents: Agents


@dataclass(frozen=True, slots=True)
class Among:
    """One of several processes that serve the same port."""

    place: Place
    sockets: list[socket.socket]
    ready: int
    """Descriptor to which a byte is written when it serves."""
    life: int
    """Descriptor that ends when the supervisor does; then this process stops, too."""


async def serve(
    settings: ServerConfig,
    greet: Callable[[Ready], Awaitable[None]],
    tools: ToolsConfig | None = None,
    telemetry: TelemetryConfig | None = None,
    among: Among | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM. ``greet`` is called before the first request is taken. Code
    may call the ``tools`` that are configured; ``telemetry`` says who hears of runs. ``among`` has
    the place of this process among several that serve the same port.

    Raises ConfigError for an address that cannot be used, and what ``open_executor`` raises.
    """
    told = telemetry or TelemetryConfig()
    sockets = listen(settings) if among is None else among.sockets
    try:
        server = _Server(_uvicorn_config(settings), among)
        asyncio.get_running_loop().set_exception_handler(_Complaints())
        with server.signals():
            async with (
                open_watching(told, counts=True) as watching,
                open_executor(
                    store_may_be_away=True,
                    resumes=True,
                    tools=tools,
                    watchers=watching.watchers,
                ) as executor,
            ):
                agents = Agents(executor.store, grace=settings.key_grace / 1000)
                await greet(Ready(url_of(settings, sockets), executor.store.url, agents))
                app = create_app(
                    executor,
                    agents,
                    settings,
                    metrics=watching.metrics,
                    telemetry=told,
                    place=among.place if among else None,
                )
                keep_what_is_loaded()
                await server.run_app(app, app.state.parts.closing, sockets, executor.pause)
    finally:
        for one in sockets:
            one.close()


def listen(settings: ServerConfig, *, share: bool = False) -> list[socket.socket]:
    """Sockets at each address of the host; with ``share``, where ``listen_together`` listens
    already. Raises ConfigError.

    Without keys, only loopback addresses are taken.
    """
    addresses = _addresses(settings.host, settings.port)
    public = [address for _, address in addresses if not is_loopback(str(address[0]))]
    if public and not settings.auth:
        raise ConfigError(
            "auth",
            f"{public[0][0]} can be reached by others, who would run code without a key: "
            "keep keys on, or listen on localhost",
        )
    if "*" in settings.origins and not settings.auth:
        raise ConfigError("origins", "without keys, * would let every web page run code: name them")
    _raise_file_limit()
    sockets: list[socket.socket] = []
    port = settings.port
    for family, address in addresses:
        place = address[0], port, *address[2:]
        bound = _bind(family, place, optional=bool(sockets), share=share)
        if bound is not None:
            sockets.append(bound)
            port = bound.getsockname()[1]
    return sockets


def listen_together(settings: ServerConfig, count: int) -> list[list[socket.socket]]:
    """Sockets for ``count`` processes, among which the kernel shares out new connections. Raises
    ConfigError.

    The first are bound alone, so that an address where another server listens is refused, also
    where that is several processes; the others may listen beside them afterwards.
    """
    first = listen(settings)
    for one in first:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    same = settings.model_copy(update={"port": first[0].getsockname()[1]})
    return [first, *(listen(same, share=True) for _ in range(count - 1))]


def _addresses(host: str, port: int) -> list[tuple[int, tuple[Any, ...]]]:
    try:
        found = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise ConfigError("host", f"{host!r} is not an address of this machine: {error}") from None
    known = {family: (family, address) for family, _, _, _, address in reversed(found)}
    return [known[family] for family in (socket.AF_INET, socket.AF_INET6) if family in known]


def _bind(
    family: int, address: tuple[Any, ...], *, optional: bool, share: bool
) -> socket.socket | None:
    try:
        # With the protocol named: asyncio sends at once only on sockets that it knows to be TCP.
        made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    except OSError as error:
        raise ConfigError("host", f"{address[0]} cannot be listened on: {error}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):  # connections have it from here
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        made.bind(address)
        made.listen(_BACKLOG)  # who comes while the rest starts waits
    except OSError as error:
        made.close()
        if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return None  # a name may stand for an address that this machine does not have
        reason = f"cannot be used: {error}"
        if error.errno == errno.EADDRINUSE:
            reason = "is in use: stop what listens there, or choose another with --port"
        raise ConfigError("port", f"{address[1]} on {address[0]} {reason}") from None
    return made


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def url_of(settings: ServerConfig, sockets: list[socket.socket]) -> str:
    """Where the server is, that listens at ``sockets``."""
    scheme = "https" if settings.tls_cert else "http"
    host = settings.host.strip("[]")
    host = f"[{host}]" if ":" in host else host
    return f"{scheme}://{host}:{sockets[0].getsockname()[1]}"


def _uvicorn_config(settings: ServerConfig) -> uvicorn.Config:
    config = uvicorn.Config(
        "onehop",
        http=_protocol(settings),
        ws="none",
        loop="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_AT_A_TIME,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout / 1000),
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    _check_certificate(settings)
    return config


def _protocol(settings: ServerConfig) -> Any:
    """What makes a connection; uvicorn wants a class, and calls it."""
    crowd = Crowd(settings.max_connections or room_for_connections())
    return partial(Connection, Bounds(crowd, settings.unread_timeout / 1000, SpareMemory()))


def _check_certificate(settings: ServerConfig) -> None:
    if settings.tls_cert is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            "tls_cert", f"{settings.tls_cert} and {settings.tls_key} cannot be used: {error}"
        ) from None


class _Complaints:
    """What asyncio complains of; that descriptors are used up, once a minute and without a stack:
    it would be logged for each client, hundreds of times a second."""

    def __init__(self) -> None:
        self._told = float("-inf")

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log it."""
        if context.get("message") != _ACCEPT:
            loop.default_exception_handler(context)
        elif time.monotonic() - self._told >= _SILENCE:
            self._told = time.monotonic()
            _log.error("no descriptor is left for another connection: %s", context["exception"])


class _Server(uvicorn.Server):
    """Ends streams when it must stop, and lets the caller take down what it has put up."""

    _closing: asyncio.Event

    def __init__(self, config: uvicorn.Config, among: Among | None = None) -> None:
        super().__init__(config)
        self._among = among

    async def run_app(
        self,
        app: ASGIApp,
        closing: asyncio.Event,
        sockets: list[socket.socket],
        pause: Callable[[], None],
    ) -> None:
        """Serve ``app``; at the end set ``closing``, and ``pause`` runs that wait for people."""
        self.config.app = app
        self._pause = pause
        self._closing = closing
        await self.serve(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take clients from now on."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(_BACKLOG)  # asyncio has made it shorter
        if self._among is not None:
            await self._join(self._among)

    async def _join(self, among: Among) -> None:
        """Listen for the other processes, and tell the supervisor."""
        loop = asyncio.get_running_loop()
        address = among.place.address(among.place.index)
        self.servers.append(await loop.create_unix_server(self._connection, address))
        loop.add_reader(among.life, self._abandoned, among.life)
        os.write(among.ready, b"1")
        os.close(among.ready)

    def _connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    def _abandoned(self, life: int) -> None:
        asyncio.get_running_loop().remove_reader(life)
        _log.error("the supervisor of this process is gone: it stops")
        self.handle_exit(signal.SIGTERM, None)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """``signals`` does it, from an earlier time on."""
        yield

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Stop in order at SIGINT and SIGTERM, also while it starts; at a second SIGINT, at once.

        They are not given on at the end, as uvicorn would: that would end the process too soon.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more requests, end streams, and wait for those in flight."""
        self._closing.set()
        self._pause()
        await super().shutdown(sockets)
