"""The words of ASGI, what a request notes in its scope, and an answer without the framework."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

from onehop.server._errors import Problem

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

BODY_LIMIT: Final = "onehop.body_limit"
"""Key of the scope under which a smaller bound is noted, once it is known who calls."""
BODY_HOLDER: Final = "onehop.body_holder"
"""Key of the scope under which the agent is noted that the body counts for."""
HELD: Final = "onehop.held"
"""Key of the scope under which an ExitStack is, for what the request holds until it has been
answered: it is closed when the answer was sent, or nobody waits for it any more."""
REQUEST_ID: Final = "onehop.request_id"
"""Key of the scope under which the request's name is."""


def values(scope: Scope, name: bytes) -> list[str]:
    """Each value of a header, as text."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value.decode("latin-1").strip() for key, value in headers if key == name]


async def answer(send: Send, problem: Problem, request_id: str, *, close: bool = False) -> None:
    """Send an error without the framework's help."""
    body = problem.body(request_id)
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers |= problem.headers
    if close:
        headers["Connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
