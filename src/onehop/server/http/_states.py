"""``GET /api/v1/status``: how the server is now."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from onehop._version import onehop_version
from onehop.runs.states import ExecutorState
from onehop.server._errors import ForbiddenError
from onehop.server.asgi._json import Json
from onehop.server.http import _schemas as schemas
from onehop.server.http._routing import Here, Who, alone, errors

_SHOWN: Final = 500
"""Runs that are listed."""

states = APIRouter(prefix="/api/v1")


@states.get(
    "/status",
    tags=["health"],
    response_model=schemas.Status,
    responses=errors(),
    dependencies=[Depends(alone)],
)
async def status(here: Here, principal: Who) -> Response:
    """Tell how workers, queue, journal and upstream servers are, and which runs are in flight; for
    a viewer or an admin."""
    if not principal.sees_all:
        raise ForbiddenError("the server's state is for a viewer or an admin: this key is an agent")
    state = await here.executor.state()
    return Json(_told(state, here.uptime).model_dump_json(by_alias=True).encode())


def _told(state: ExecutorState, uptime: float) -> schemas.Status:
    return schemas.Status(
        version=onehop_version(),
        now=time.time_ns() // 1_000_000,
        uptime=round(uptime * 1000),
        pool=None if state.pool is None else schemas.Pool(**asdict(state.pool)),
        journal=None if state.journal is None else schemas.Journal(**asdict(state.journal)),
        upstreams=[schemas.Upstream(**asdict(each)) for each in state.upstreams],
        runs=[schemas.RunInFlight(**asdict(run)) for run in state.runs[:_SHOWN]],
        approvals=state.approvals,
        more_runs=max(len(state.runs) - _SHOWN, 0),
    )
