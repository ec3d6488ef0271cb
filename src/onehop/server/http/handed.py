"""The addresses by which a client hands tools in: its connection, and the answers to its calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from typing import Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.limits import MIB, ToolLimits
from onehop.server._errors import BodyTooLargeError
from onehop.server._handed import LARGEST, Handed
from onehop.server.asgi._json import read_object
from onehop.server.asgi._scope import BODY_LIMIT
from onehop.server.asgi._sse import EventStream, event
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import CallPath, ConnectionPath
from onehop.server.http._routing import BODY, Here, Runner, alone, errors, owner, takes

_ANSWER: Final = 16 * MIB
"""Bytes of a request with an answer: four times what a value may have, as JSON can be verbose."""
_STREAM: Final[dict[str, Any]] = {
    "text/event-stream": {
        "schema": {
            # Of no type, as for the other streams.
            "description": "Server-sent events: `ready` once, then `call` and `cancel`."
        },
        "example": 'event: ready\ndata: {"connectionId":"Yh3T8rV1o0aQ5n7LkXcW2pZs9dEfGb4M"}\n\n',
    }
}
_TOOLS: Final = {
    "tools": [
        {
            "name": "read_file",
            "description": "Reads a file of this machine.",
            "inputSchema": {
                "type": "object",
                "properties": {"path": {"type": "string"}},
                "required": ["path"],
            },
            "effect": "read",
        }
    ]
}

api = APIRouter(prefix="/api/v1/tools/connections", tags=["tools"], dependencies=[Depends(alone)])


@api.post(
    "",
    response_class=Response,
    responses={**errors(429, *BODY), 200: {"content": _STREAM}},
    openapi_extra=takes(schemas.HandedTools, _TOOLS),
)
async def hand_in(request: Request, here: Here, principal: Runner) -> Response:
    """Hand tools in, and hear of their calls as long as the stream is open."""
    _bound(request, LARGEST)
    with ExitStack() as opening:
        opening.enter_context(here.gate.stream(principal.holder))
        body = schemas.HandedTools.model_validate(await read_object(request))
        handed = Handed(owner(principal), body.tools, event)
        toolbox = here.executor.sandbox.toolbox
        await asyncio.to_thread(handed.beside.catalogue, toolbox.catalogue)
        here.handed.add(handed)
        opening.callback(here.handed.remove, handed)
        leave = opening.pop_all().close
    told = _told(handed, here.executor.sandbox.toolbox.limits)
    return EventStream(told, leave=leave, closing=here.closing)


async def _told(handed: Handed, limits: ToolLimits) -> AsyncGenerator[bytes, None]:
    most = {"result": limits.result, "timeout": limits.timeout, "wait": limits.wait}
    yield event("ready", {"connectionId": handed.id, "limits": most})
    async for sent in handed.calls():
        yield sent


@api.post(
    "/{connectionId}/calls/{callId}",
    status_code=204,
    responses=errors(404, 409, 429, *BODY),
    openapi_extra=takes(schemas.ToolAnswer, {"value": {"lines": 3}}),
)
async def answer_call(
    request: Request,
    here: Here,
    principal: Runner,
    connection_id: ConnectionPath,
    call_id: CallPath,
) -> Response:
    """Answer a call, once."""
    call = here.handed.find(connection_id, owner(principal)).open_call(call_id)
    _bound(request, _ANSWER)  # who answers no call has nothing read of it
    try:
        call.settle(await read_object(request))
    except BodyTooLargeError:
        call.refuse("too_large", "the client's answer is too large")
        raise
    except InvalidRequestError as error:
        call.refuse("invalid_result", f"the client's answer is not one: {error}")
        raise
    return Response(status_code=204)


def _bound(request: Request, most: int) -> None:
    """Of the body, which has not been read."""
    request.scope[BODY_LIMIT] = min(request.scope.get(BODY_LIMIT, most), most)
