"""Snippets: code of runs that a person lets agents call by name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from onehop.sandbox.snippets import info_of
from onehop.server.asgi._json import Json, read_object
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import SnippetParams, SnippetPath
from onehop.server.http._routing import BODY, Admin, Here, Reader, alone, errors, takes
from onehop.types import SnippetInfo

api = APIRouter()
plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""
_FRESH = 1.0
"""Seconds that the store has to take a run that has just ended."""


@api.get("/snippets", tags=["snippets"], response_model=schemas.SnippetList, responses=errors())
async def snippets(
    here: Here, _reader: Reader, wanted: Annotated[SnippetParams, Query()]
) -> Response:
    """List snippets, by agent and name; those for all agents come first."""
    found = await here.executor.snippets.list(wanted.agent_id)
    return Json({"snippets": [info_of(each).model_dump(by_alias=True) for each in found]})


@plain.post(
    "/snippets",
    tags=["snippets"],
    status_code=201,
    response_model=SnippetInfo,
    responses=errors(404, 409, *BODY),
    openapi_extra=takes(
        schemas.SaveSnippetBody, {"name": "weekly_report", "requestId": "report-48"}
    ),
)
async def save_snippet(request: Request, here: Here, admin: Admin) -> Response:
    """Save the code of a run that succeeded, for its agent or for all agents to call."""
    body = schemas.SaveSnippetBody.model_validate(await read_object(request))
    await here.executor.flush(_FRESH)
    given = body.model_dump(exclude={"name", "request_id"})
    saved = await here.executor.snippets.save(body.name, body.request_id, by=admin.holder, **given)
    return Json(info_of(saved).model_dump(by_alias=True), status_code=201)


@api.get(
    "/snippets/{name}",
    tags=["snippets"],
    response_model=SnippetInfo,
    responses=errors(404, 409),
)
async def snippet(
    here: Here, _reader: Reader, name: SnippetPath, wanted: Annotated[SnippetParams, Query()]
) -> Response:
    """Give one snippet, with its code."""
    found = await here.executor.snippets.show(name, wanted.agent_id)
    return Json(info_of(found).model_dump(by_alias=True))


@api.delete(
    "/snippets/{name}",
    tags=["snippets"],
    response_model=SnippetInfo,
    responses=errors(404, 409),
)
async def remove_snippet(
    here: Here, _admin: Admin, name: SnippetPath, wanted: Annotated[SnippetParams, Query()]
) -> Response:
    """Remove a snippet; gives what it was."""
    removed = await here.executor.snippets.remove(name, wanted.agent_id)
    return Json(info_of(removed).model_dump(by_alias=True))
