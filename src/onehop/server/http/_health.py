"""Whether the process lives, and is ready."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.responses import Response

from onehop.errors import SandboxClosedError
from onehop.server.asgi._json import Json
from onehop.server.http import _schemas as schemas
from onehop.server.http._routing import Here, errors, no_query

probes = APIRouter(tags=["health"], dependencies=[Depends(no_query)])


@probes.get("/healthz", response_model=schemas.Health, responses=errors())
async def alive() -> Response:
    """Tell that the process lives."""
    return Json({"status": "alive"})


@probes.get("/readyz", response_model=schemas.Health, responses=errors())
async def ready(here: Here) -> Response:
    """Tell whether a worker is at hand, the store answers, and runs can be recorded."""
    if here.closing.is_set():
        raise SandboxClosedError("the server is stopping")
    await here.readiness.check()
    return Json({"status": "ready"})
