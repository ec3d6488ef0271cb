"""Sessions, which keep state between runs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from onehop.server._errors import (
    ForbiddenError,
    NotFoundError,
)
from onehop.server.asgi._json import Json
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    SessionParams,
    SessionPath,
)
from onehop.server.http._routing import Here, Runner, Who, errors
from onehop.server.principal import Principal

api = APIRouter()


@api.get("/sessions", tags=["sessions"], response_model=schemas.SessionList, responses=errors())
async def sessions(
    here: Here, principal: Who, wanted: Annotated[SessionParams, Query()]
) -> Response:
    """List the caller's sessions; an admin sees those of all agents."""
    owner = _owner(principal, wanted.agent_id)
    found = here.executor.sandbox.list_sessions(owner)
    return Json({"sessions": [each.model_dump(by_alias=True) for each in found]})


@api.delete(
    "/sessions/{session}",
    tags=["sessions"],
    response_model=schemas.Ended,
    responses=errors(404),
)
async def end_session(
    here: Here,
    principal: Runner,
    session: SessionPath,
    wanted: Annotated[SessionParams, Query()],
) -> Response:
    """End a session, with all that its code has stored."""
    owner = _owner(principal, wanted.agent_id)
    agent_id = principal.agent_id if owner is None else owner
    if not await here.executor.end_session(session, agent_id=agent_id):
        raise NotFoundError("no session of that name is known")
    return Json({"ended": True})


def _owner(principal: Principal, wanted: str | None) -> str | None:
    """Whose sessions are meant: all agents' for None, which only an admin may see."""
    if principal.role == "admin":
        return wanted
    if wanted not in (None, principal.agent_id):
        raise ForbiddenError("an agent sees its own sessions only")
    return principal.agent_id
