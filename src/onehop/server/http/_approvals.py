"""Calls that wait for a person."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from onehop.sandbox.approvals import Approvals
from onehop.server._errors import (
    NotFoundError,
)
from onehop.server.asgi._json import Json, read_object
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    ApprovalParams,
)
from onehop.server.http._routing import BODY, Approver, Here, Who, alone, errors, takes, whose

api = APIRouter()
plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""


@api.get(
    "/approvals",
    tags=["approvals"],
    response_model=schemas.ApprovalList,
    responses=errors(),
)
async def approvals(
    here: Here, principal: Who, wanted: Annotated[ApprovalParams, Query()]
) -> Response:
    """List calls that wait for a person, the oldest first."""
    agent = whose(principal, wanted.agent_id)
    approver = here.executor.sandbox.approver or Approvals(here.store)
    found = await approver.pending(run_id=wanted.run_id, agent_id=agent, limit=wanted.limit)
    return Json({"approvals": [schemas.approval(each) for each in found]})


@plain.post(
    "/approvals",
    tags=["approvals"],
    response_model=schemas.Decided,
    responses=errors(404, *BODY),
    openapi_extra=takes(
        schemas.DecideBody,
        {"runId": "0" * 32, "decisions": {"call_1": {"action": "reject", "reason": "too much"}}},
    ),
)
async def decide(request: Request, here: Here, principal: Approver) -> Response:
    """Decide about calls of a run; the first decision about each stands, and is given."""
    body = schemas.DecideBody.model_validate(await read_object(request))
    approver = here.executor.sandbox.approver
    if approver is None:
        raise NotFoundError("nothing waits: the setting approvals of this server is off")
    given = {call_id: schemas.decision(each) for call_id, each in body.decisions.items()}
    stand = await approver.decide(body.run_id, given, principal.holder)
    return Json({"decisions": {call_id: schemas.approval(each) for call_id, each in stand.items()}})
