"""Keeps web pages out that nobody let in: by the Host and the Origin that a browser tells."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from onehop.server._errors import ForbiddenError, WrongHostError, problem_of
from onehop.server.asgi._scope import REQUEST_ID, ASGIApp, Receive, Scope, Send, answer, values

PROBES: Final = ("/healthz", "/readyz")
"""Asked by address by those who watch over the process; they tell nothing about anybody."""
_PORTS: Final = {"http": 80, "https": 443}


class Guard:
    """Middleware: refuses a Host that is not ``hosts`` or loopback, and an Origin not ``origins``.

    A page whose name an attacker points at this machine (DNS rebinding) tells its own name as Host.
    With ``hosts`` None every Host is answered: where keys are needed, such a page has none.
    """

    def __init__(
        self, app: ASGIApp, hosts: Collection[str] | None, origins: Collection[str]
    ) -> None:
        self._app = app
        self._hosts = None if hosts is None else {host.lower() for host in hosts}
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http":
            error = self._error(scope)
            if error is not None:
                await answer(send, problem_of(error), scope[REQUEST_ID])
                return
        await self._app(scope, receive, send)

    def _error(self, scope: Scope) -> Exception | None:
        hosts = values(scope, b"host")
        host = hosts[0].lower() if len(hosts) == 1 else ""
        if scope["path"] not in PROBES and not self._knows(host):
            return WrongHostError("the Host header names no host that is answered here")
        for origin in values(scope, b"origin"):
            if not self._lets_in(origin.lower(), host, scope["scheme"]):
                return ForbiddenError("pages of this Origin may not call: see ONEHOP_ORIGINS")
        return None

    def _knows(self, host: str) -> bool:
        if self._hosts is None:
            return bool(host)
        name = host_name(host)
        return name in self._hosts or host in self._hosts or is_loopback(name)

    def _lets_in(self, origin: str, host: str, scheme: str) -> bool:
        if origin in self._origins or "*" in self._origins:
            return True
        try:
            page = urlsplit(origin)
            port = page.port or _PORTS.get(page.scheme)
            behind_tls = page.scheme == "https" and not is_loopback(host_name(host))
            own = urlsplit(f"{'https' if behind_tls else scheme}://{host}")
            return (page.hostname, port) == (own.hostname, own.port or _PORTS.get(own.scheme))
        except ValueError:
            return False


@lru_cache(maxsize=64)
def host_name(host: str) -> str:
    """The name or address of a Host header, without the port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@lru_cache(maxsize=64)
def is_loopback(name: str) -> bool:
    """Whether ``name`` always means this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
