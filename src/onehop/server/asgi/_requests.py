"""Around every request: its name, its line in the log, and the answer to what nobody expected."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
from contextlib import ExitStack
from typing import Final

from onehop.errors import SandboxClosedError
from onehop.server._errors import ClientLeftError, problem_of
from onehop.server.asgi._guard import PROBES
from onehop.server.asgi._pieces import pieces
from onehop.server.asgi._refusals import Refusals
from onehop.server.asgi._scope import (
    HELD,
    REQUEST_ID,
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
    answer,
    values,
)
from onehop.server.principal import principal_of

REQUEST_NAME: Final = r"[!-.0-~]{1,256}"
"""What X-Request-Id may be: visible ASCII but the slash, since it becomes part of addresses."""
_REQUEST_NAME: Final = re.compile(REQUEST_NAME)
_LEFT: Final = 499
"""Stands in the log for the status of a request whose client left, as nginx has it."""

_VAIN: Final = frozenset({400, 403, 404, 405, 408, 409, 413, 415})
"""Answers that count as refusals of the agent; one that must wait does not wait longer for
asking."""

_log = logging.getLogger("onehop.access")


def given_name(scope: Scope) -> str | None:
    """The one X-Request-Id that came with a request, if it can be one."""
    given = values(scope, b"x-request-id")
    return given[0] if len(given) == 1 and _REQUEST_NAME.fullmatch(given[0]) else None


class Requests:
    """Middleware: names each request, logs it when it is over, lets go of what it held, and answers
    when the app cannot."""

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope[REQUEST_ID] = given_name(scope) or os.urandom(16).hex()
        scope[HELD] = held = ExitStack()
        status = 0

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                name = (b"x-request-id", scope[REQUEST_ID].encode())
                message["headers"] = [*message.get("headers", ()), name]
            for piece in pieces(message):
                await send(piece)

        began = time.perf_counter()
        try:
            await self._app(scope, receive, named)
        except ClientLeftError:
            status = _LEFT
        except asyncio.CancelledError:  # the server stops and does not wait any longer
            if not status:
                await answer(named, problem_of(SandboxClosedError("stopped")), scope[REQUEST_ID])
        except Exception as error:
            if status:  # too late for another answer: the connection is cut
                raise
            await answer(named, problem_of(error), scope[REQUEST_ID])
        finally:
            held.close()
            self._count(scope, status)
            _write(scope, status or _LEFT, (time.perf_counter() - began) * 1000)

    def _count(self, scope: Scope, status: int) -> None:
        principal = principal_of(scope) if status in _VAIN else None
        if principal is not None:
            self._refusals.note(f"agent {principal.holder}")


def _write(scope: Scope, status: int, milliseconds: float) -> None:
    principal = principal_of(scope)
    # Without the query: clients put into it what does not belong there.
    facts = {
        "requestId": scope[REQUEST_ID],
        "agent": principal.agent_id if principal else None,
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "duration": round(milliseconds, 1),
    }
    quiet = scope["path"] in PROBES and status < 400  # they come every few seconds
    _log.log(logging.DEBUG if quiet else logging.INFO, "request", extra={"facts": facts})
