"""What the addresses share: their parts, who calls, what is refused and how it is documented."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from onehop.config import ServerConfig
from onehop.errors import InvalidRequestError
from onehop.execution.executor import Executor
from onehop.sandbox.calls import Beside
from onehop.server._errors import (
    ForbiddenError,
)
from onehop.server._handed import HandedTools
from onehop.server._limits import Gate
from onehop.server._runs import Runs
from onehop.server.agents import Agents
from onehop.server.asgi._refusals import Refusals
from onehop.server.auth import Authenticator
from onehop.server.http import _schemas as schemas
from onehop.server.http._feed import Feed
from onehop.server.http._params import (
    AgentHeader,
    RequestHeader,
)
from onehop.server.http._readiness import Readiness
from onehop.server.principal import Principal
from onehop.stores import analytics, is_shared
from onehop.stores.analytics import Analytics
from onehop.stores.base import Store
from onehop.validation import Validator

FRESH: Final = 1.0
"""Seconds that the store has to take what has just ended, before it is read."""


_LISTS: Final = frozenset({"type", "namespaces", "names"})
"""What the query may have more than once."""


STREAM: Final[dict[str, Any]] = {
    "text/event-stream": {
        "schema": {
            # Of no type: some programs take it for that of the whole text, others of each event.
            "description": "Server-sent events: `event` is the kind, `data` JSON, `id` a place."
        },
        "example": 'event: log\ndata: {"level":"log","message":"hello","time":1.5}\n\n',
    }
}


class Parts:
    """What the addresses work with."""

    def __init__(
        self, executor: Executor, agents: Agents, settings: ServerConfig, validator: Validator
    ) -> None:
        self.executor = executor
        self.store: Store = executor.store
        self.agents = agents
        self.settings = settings
        self.validator = validator
        self.analytics = Analytics(self.store)
        self.refusals = Refusals()
        self.authenticate = Authenticator(agents, settings, self.refusals)
        shared = self.store if is_shared(self.store) else None
        self.gate = Gate(settings.max_streams, store=shared)
        self.runs = Runs(executor)
        self.handed = HandedTools()
        self.feed = Feed(executor, self.store)
        self.readiness = Readiness(executor)
        self.closing = asyncio.Event()
        self._began = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since they were made."""
        return time.monotonic() - self._began


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _principal(
    request: Request,
    _bearer: Annotated[Any, Security(HTTPBearer(auto_error=False, scheme_name="bearer"))],
    _key: Annotated[Any, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
    _agent: AgentHeader = None,
    _request: RequestHeader = None,
) -> Principal:
    principal = await parts_of(request).authenticate(request.scope)
    _each_once(request)  # after the key: who calls without one learns nothing
    return principal


Here = Annotated[Parts, Depends(parts_of)]


Who = Annotated[Principal, Depends(_principal)]


def runner(principal: Who) -> Principal:
    if principal.role in ("viewer", "approver"):
        raise ForbiddenError(f"the role {principal.role} may look, but not run code")
    return principal


def _approver(here: Here, principal: Who) -> Principal:
    """Who may decide: never a key of an agent, nor one that acts in an agent's name."""
    if not here.settings.auth:
        raise ForbiddenError("without keys anyone may be an agent, and so nobody may decide")
    if principal.role not in ("approver", "admin"):
        raise ForbiddenError("only an approver or an admin may decide")
    if principal.agent_id != principal.holder:
        raise ForbiddenError("X-Agent-Id names an agent, and no agent may decide")
    return principal


def _admin(principal: Who) -> Principal:
    if principal.role != "admin":
        raise ForbiddenError("only an admin may do this")
    return principal


def _reader(principal: Who) -> Principal:
    if not principal.sees_all:
        raise ForbiddenError("an agent may not do this: it takes the key of a viewer")
    return principal


def _each_once(request: Request) -> None:
    """Raise InvalidRequestError for a name that the query has twice: which of the two is meant?"""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in given.items():
        if count > 1 and name not in _LISTS:
            raise InvalidRequestError(name[:80], f"{count} values", "given once")


def no_query(request: Request) -> None:
    """Raise InvalidRequestError for what follows the question mark."""
    for name in request.query_params:
        raise InvalidRequestError(name[:80], "an unknown field", "left out: there are none here")


def alone(request: Request, _principal: Who) -> None:
    no_query(request)  # after the key: who calls without one learns nothing


Runner = Annotated[Principal, Depends(runner)]


Admin = Annotated[Principal, Depends(_admin)]


Reader = Annotated[Principal, Depends(_reader)]
"""Anyone who sees what all agents do."""


Approver = Annotated[Principal, Depends(_approver)]


Responses = dict[int | str, dict[str, Any]]


_WHY: Final = {
    400: "A malformed or ambiguous request.",
    401: "No key, a wrong or a revoked one.",
    403: "The role does not allow it.",
    404: "No such thing, or another agent's.",
    408: "The body came too slowly.",
    409: "The name is taken, or the connection with tools has ended.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    421: "The Host is not answered here.",
    429: "More than the agent may.",
    500: "An internal error.",
    503: "Too much at once, or a part is away.",
}


_ALWAYS: Final = (400, 401, 403, 421, 500, 503)


BODY: Final = (408, 413, 415)


def errors(*statuses: int) -> Responses:
    every = sorted({*_ALWAYS, *statuses})
    return {status: {"model": schemas.ErrorBody, "description": _WHY[status]} for status in every}


def takes(model: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    """The documentation of a body, which is read by hand: who calls is known before."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": reference, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


def beside(here: Parts, principal: Principal, connection_id: str | None) -> Beside | None:
    """The tools of the client's connection, if it names one. Raises ToolsGoneError."""
    if connection_id is None:
        return None
    return here.handed.find(connection_id, owner(principal)).beside


def owner(principal: Principal) -> tuple[str, str]:
    """Whose a connection with tools is: the key's agent, for the agent that it calls for."""
    return principal.holder, principal.agent_id


def whose(principal: Principal, wanted: str | None) -> str | None:
    """Whose runs are looked at: all agents' for None."""
    if principal.sees_all:
        return wanted
    if wanted not in (None, principal.agent_id):
        raise ForbiddenError("an agent sees its own runs only")
    return principal.agent_id


def dicts(answers: Sequence[analytics.Answer]) -> list[dict[str, Any]]:
    return [analytics.to_dict(answer) for answer in answers]
