"""HEAD: the status and headers that GET would have."""

from __future__ import annotations

from onehop.server.asgi._scope import ASGIApp, Message, Receive, Scope, Send


class Head:
    """Middleware: has HEAD answered as GET is, without the body.

    The answer ends with its headers, so that a stream of events ends too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        scope["method"] = "GET"
        try:
            await self._app(scope, receive, _without_body(send))
        finally:
            scope["method"] = "HEAD"


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.start":
            await send(message)
            await send({"type": "http.response.body", "body": b""})

    return send_head
