"""The short way to the addresses that agents wait for."""

from __future__ import annotations

from collections.abc import Mapping

from onehop.server.asgi._body import ASGIApp, Receive, Scope, Send


class Direct:
    """Middleware: hands what is asked of ``addresses``, by method and path, to what answers it.

    The framework would first try its routes one by one, and look for what each depends on, which
    takes as long as all that the server does itself. They stay its routes too, for its
    documentation and for other methods. So what stands here answers errors by itself.
    """

    def __init__(self, app: ASGIApp, addresses: Mapping[tuple[str, str], ASGIApp]) -> None:
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = (scope.get("method", ""), scope.get("path", ""))
        await self._addresses.get(asked, self._app)(scope, receive, send)
