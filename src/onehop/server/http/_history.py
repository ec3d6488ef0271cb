"""What has run."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic_core import to_json
from starlette.responses import Response

from onehop.answers import PausedRun
from onehop.audit.redaction import is_preview
from onehop.records import ExecutionRecord
from onehop.server._errors import (
    NotFoundError,
)
from onehop.server.asgi._json import Json
from onehop.server.asgi._leaving import while_there
from onehop.server.http import _schemas as schemas
from onehop.server.http._download import Download
from onehop.server.http._params import (
    ArtifactPath,
    CodeParams,
    HashPath,
    HistoryParams,
    OutputParams,
    RequestPath,
    WaitParams,
)
from onehop.server.http._routing import (
    FRESH,
    Admin,
    Here,
    Parts,
    Who,
    alone,
    dicts,
    errors,
    whose,
)
from onehop.server.principal import Principal
from onehop.stores import waiting_run, waiting_runs
from onehop.stores.base import HistoryQuery, Store
from onehop.types import (
    ExecutionResult,
    OutputPage,
    Replay,
)

api = APIRouter()
plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""


_PAGE: Final = 8 << 20
"""Bytes of a page of records."""


_FILE: Final[dict[str, Any]] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}


@api.get("/executions", tags=["history"], response_model=schemas.History, responses=errors())
async def history(
    here: Here, principal: Who, wanted: Annotated[HistoryParams, Query()]
) -> Response:
    """List records, newest first; fewer than `limit` when they are large: see `next`. The first
    page has in `paused` the runs that wait for people, which have no record until they end."""
    agent_id = whose(principal, wanted.agent_id)
    await here.executor.flush(FRESH)
    query = HistoryQuery(**{**wanted.model_dump(), "agent_id": agent_id})
    paused = [] if wanted.offset else await waiting_runs(here.store, query)
    found = await here.store.history(replace(query, limit=wanted.limit + 1))
    return Json(await asyncio.to_thread(_history, found, paused, wanted.offset, wanted.limit))


def _history(
    found: Sequence[ExecutionRecord], paused: Sequence[PausedRun], offset: int, limit: int
) -> bytes:
    """A page of them: as many as fit."""
    texts, size = list[bytes](), 0
    for record in found[:limit]:
        text = record.model_dump_json(by_alias=True).encode()
        size += len(text)
        if texts and size > _PAGE:
            break
        texts.append(text)
    more = offset + len(texts) if len(found) > len(texts) else None
    waiting = to_json(dicts(paused))
    return b'{"paused":%b,"executions":[%b],"next":%b}' % (waiting, b",".join(texts), to_json(more))


@api.get(
    "/executions/{requestId}",
    tags=["history"],
    response_model=ExecutionRecord | ExecutionResult,
    responses=errors(404),
)
async def execution(
    request: Request,
    here: Here,
    principal: Who,
    request_id: RequestPath,
    wanted: Annotated[WaitParams, Query()],
) -> Response:
    """Give one record; with `wait`, the result of a run of one's own, which may go on."""
    if wanted.wait is not None:
        async with while_there(request.receive):
            agent_id = principal.agent_id
            result = await here.executor.wait(request_id, wanted.wait, agent_id=agent_id)
        return Json(result.to_json())
    record = await kept_record(here, principal, request_id)
    return Json(record.model_dump_json(by_alias=True).encode())


@plain.post(
    "/executions/{requestId}/replay",
    tags=["history"],
    response_model=Replay,
    responses=errors(404),
)
async def replay(here: Here, _admin: Admin, request_id: RequestPath) -> Response:
    """Make a recorded run again, offline, and say whether it does and gives the same."""
    found = await here.executor.replay(request_id)
    wire = found.model_dump(by_alias=True, exclude={"result"})
    return Json({**wire, "result": found.result.to_dict()})


@api.get(
    "/executions/{requestId}/output",
    tags=["history"],
    response_model=OutputPage,
    responses=errors(404),
)
async def output(
    here: Here, principal: Who, request_id: RequestPath, page: Annotated[OutputParams, Query()]
) -> Response:
    """Give a page of an output's JSON text."""
    record = await kept_record(here, principal, request_id)
    kept = record.details.get("persistedOutputId")
    if kept is not None and record.agent_id == principal.agent_id:  # others see what is masked
        found = here.executor.sandbox.read_output(str(kept), page.offset, page.limit)
        return Json(found.model_dump(by_alias=True))
    text = to_json(record.output, inf_nan_mode="null").decode()
    found = _page(text, page, complete=not is_preview(record.output))
    return Json(found.model_dump(by_alias=True))


def _page(text: str, wanted: OutputParams, *, complete: bool) -> OutputPage:
    start = min(wanted.offset, len(text))
    end = min(start + wanted.limit, len(text))
    return OutputPage(
        text=text[start:end],
        offset=start,
        next_offset=end if end < len(text) else None,
        total=len(text),
        complete=complete,
    )


@plain.get(
    "/executions/{requestId}/artifacts/{artifactId}",
    tags=["history"],
    response_class=Response,
    responses={**errors(404), 200: {"content": _FILE}},
)
async def artifact(
    here: Here, principal: Who, request_id: RequestPath, artifact_id: ArtifactPath
) -> Response:
    """Give a file that a run has shown, as a download."""
    record = await kept_record(here, principal, request_id)
    named = [each.get("id") for each in record.details.get("artifacts", ())]
    if artifact_id not in named or record.agent_id != principal.agent_id:
        raise NotFoundError("this run has no artifact of that id")
    found, data = here.executor.sandbox.artifacts.read(artifact_id, principal.agent_id)
    return Download(found, data)


@api.get("/code/{codeHash}", tags=["history"], response_model=schemas.RunList, responses=errors())
async def by_code(
    here: Here, principal: Who, code_hash: HashPath, wanted: Annotated[CodeParams, Query()]
) -> Response:
    """List runs of one piece of code, newest first, without outputs and logs."""
    await here.executor.flush(FRESH)
    query = HistoryQuery(code_hash=code_hash, agent_id=whose(principal, None), limit=wanted.limit)
    return Json({"executions": dicts(await here.store.history(query))})


async def kept_record(here: Parts, principal: Principal, request_id: str) -> ExecutionRecord:
    record = await _find(here.store, principal, request_id)
    if record is None:  # it may have ended this moment
        await here.executor.flush(FRESH)
        record = await _find(here.store, principal, request_id)
    if record is None:
        raise NotFoundError(await _why_missing(here.store, principal, request_id))
    return record


async def _why_missing(store: Store, principal: Principal, request_id: str) -> str:
    own = None if principal.sees_all else principal.agent_id
    if (paused := await waiting_run(store, request_id, own)) is None:
        return "no execution of that id is known"
    tools = ", ".join(f"{each.tool} ({each.call_id})" for each in paused.waits_for)
    waits = f"people to decide about {tools}" if tools else "its turn to go on"
    return f"this run is paused and has no record until it ends: it waits for {waits}"


async def _find(store: Store, principal: Principal, request_id: str) -> ExecutionRecord | None:
    """The caller's own run of this name; else, for those who see all, any agent's."""
    own = await store.get(request_id, principal.agent_id)
    return await store.get(request_id) if own is None and principal.sees_all else own
