"""Streams: of one run, and of all events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from onehop.execution import _outcomes
from onehop.server.asgi._sse import EventStream, event
from onehop.server.http._code import line, told
from onehop.server.http._history import kept_record
from onehop.server.http._params import (
    EventParams,
    LastEvent,
    RequestPath,
)
from onehop.server.http._readers import Filter
from onehop.server.http._routing import STREAM, Here, Parts, Who, alone, errors, whose
from onehop.server.principal import Principal
from onehop.types import (
    ExecutionResult,
)

api = APIRouter()
plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""


@plain.get(
    "/executions/{requestId}/stream",
    tags=["events"],
    response_class=Response,
    responses={**errors(404, 429), 200: {"content": STREAM}},
)
async def execution_stream(here: Here, principal: Who, request_id: RequestPath) -> Response:
    """Stream one run: what it prints, then its result."""
    run = here.runs.find(request_id, principal.agent_id)
    if run is not None:
        source = told(run, request_id)
    else:
        await _ended(here, principal, request_id)
        record = await kept_record(here, principal, request_id)
        source = _retold(_outcomes.result_of(record))
    return _stream(here, principal, source)


async def _ended(here: Parts, principal: Principal, request_id: str) -> None:
    """Wait for another agent's run: what others may see of it is what is kept of it, masked."""
    run = here.runs.find(request_id) if principal.sees_all else None
    if run is not None:
        await asyncio.wait([run.outcome])


async def _retold(result: ExecutionResult) -> AsyncGenerator[bytes, None]:
    for entry in result.log_entries:
        yield line(entry)
    yield event("result", result.to_json())


def _stream(here: Parts, principal: Principal, source: AsyncGenerator[bytes, None]) -> EventStream:
    slot = ExitStack()
    slot.enter_context(here.gate.stream(principal.holder))
    return EventStream(source, leave=slot.close)


@api.get(
    "/events",
    tags=["events"],
    response_class=Response,
    responses={**errors(429), 200: {"content": STREAM}},
)
async def events(
    here: Here,
    principal: Who,
    wanted: Annotated[EventParams, Query()],
    last_event: LastEvent = None,
) -> Response:
    """Stream events as they happen; `Last-Event-ID` resumes."""
    types = frozenset[str](wanted.type) or None
    chosen = Filter(whose(principal, wanted.agent_id), wanted.channel_id, types)
    with ExitStack() as opening:
        opening.enter_context(here.gate.stream(principal.holder))
        if last_event is None:
            reader, source = await here.feed.attach(chosen)
        else:
            reader, source = await here.feed.resume(chosen, last_event)
        opening.callback(reader.leave)
        leave = opening.pop_all().close
    return EventStream(source, leave=leave, closing=here.closing, steady=True)
