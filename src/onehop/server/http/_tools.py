"""Tools that code may call."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from onehop.errors import InvalidRequestError, ToolError
from onehop.server._errors import (
    NotFoundError,
)
from onehop.server.asgi._json import Json
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    ConnectionHeader,
    ToolParams,
)
from onehop.server.http._routing import Here, Who, beside, errors
from onehop.tools import look_up

api = APIRouter()


@api.get("/tools", tags=["tools"], response_model=schemas.FoundTools, responses=errors(404, 409))
async def tools(
    here: Here,
    principal: Who,
    wanted: Annotated[ToolParams, Query()],
    connection_id: ConnectionHeader = None,
) -> Response:
    """Find tools that code may call: by what they do, by namespace or by name."""
    more = beside(here, principal, connection_id)
    discovery = (await here.executor.view(principal.agent_id, more)).discovery
    try:
        return Json(look_up(discovery, **wanted.model_dump()))
    except ToolError as error:
        if error.code == "unknown_tool":
            raise NotFoundError(str(error)) from None
        raise InvalidRequestError(error.field or "tools", "what was asked", str(error)) from None
