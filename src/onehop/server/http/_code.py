"""Running code, and checking it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.inputs.names import choice
from onehop.requests import check_request
from onehop.runs.callers import Caller
from onehop.runs.traces import read_trace
from onehop.sandbox.calls import narrowing_from
from onehop.server._errors import (
    problem_of,
)
from onehop.server._runs import Watched
from onehop.server.asgi._json import Json, read_object
from onehop.server.asgi._leaving import while_there
from onehop.server.asgi._requests import given_name
from onehop.server.asgi._scope import REQUEST_ID
from onehop.server.asgi._sse import EventStream, event
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    CHANNEL,
)
from onehop.server.http._routing import (
    BODY,
    Here,
    Runner,
    alone,
    beside,
    errors,
    no_query,
    parts_of,
    runner,
    takes,
)
from onehop.server.principal import Principal
from onehop.types import (
    ExecutionResult,
    LogEntry,
    Progress,
    ValidationReport,
)

api = APIRouter()
plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""


_CHANNEL: Final = re.compile(CHANNEL)


_FIRST_LINE: Final = 0.5
"""Seconds in which a run that fails at once is still answered with an error's status."""


_RUN: Final = {
    "code": "return context.numbers.map((n) => n * 2)",
    "context": {"numbers": [1, 2, 3]},
}
"""What the page /docs sends, unless something else is written."""


@api.post(
    "/execute",
    tags=["code"],
    response_model=ExecutionResult,
    responses=errors(404, 409, 429, *BODY),
    openapi_extra=takes(schemas.ExecuteBody, _RUN),
)
async def execute(request: Request) -> Response:
    """Run code.

    With `Accept: text/event-stream` the answer is the stream of the run, as
    `/executions/{requestId}/stream` has it.
    """
    # By hand what dependencies do for other addresses: that takes longer than all the rest here.
    here = parts_of(request)
    principal = runner(await here.authenticate(request.scope))
    no_query(request)
    caller = _caller(request, principal)
    more = beside(here, principal, request.headers.get("x-tool-connection"))
    request.scope[REQUEST_ID] = caller.request_id
    principal.hold(here.gate.run(principal.holder, principal.limits))  # before the body is read
    narrowing, arguments = narrowing_from(await read_object(request))
    with _all_fields_named():
        if "text/event-stream" in request.headers.get("accept", ""):
            return await _streamed(
                principal, here.runs.begin(arguments, caller, narrowing, more), caller
            )
        async with while_there(request.receive):
            result = await here.runs.here(arguments, caller, narrowing, more)
    if result.status == "running":
        place = principal.held.pop_all()  # of the run, which goes on
        here.executor.sandbox.later.when_ended(caller.agent_id, caller.request_id, place.close)
    return Json(result.to_json())


@contextmanager
def _all_fields_named() -> Iterator[None]:
    """A body may have fields that the executor gets in another way: they are allowed here too."""
    try:
        yield
    except InvalidRequestError as error:
        if error.got != "an unknown field":
            raise
        known = (field.alias or name for name, field in schemas.ExecuteBody.model_fields.items())
        allowed = choice(known, error.field)
        raise InvalidRequestError(error.field, error.got, allowed) from error


def _caller(request: Request, principal: Principal) -> Caller:
    channel = request.headers.get("x-channel-id", "")
    if not _CHANNEL.fullmatch(channel):
        raise InvalidRequestError("X-Channel-Id", repr(channel)[:80], "at most 256 ASCII letters")
    named = given_name(request.scope)
    if named is None and "x-request-id" in request.headers:
        got = repr(request.headers["x-request-id"])[:80]
        raise InvalidRequestError("X-Request-Id", got, "one name of visible ASCII without a slash")
    return Caller(
        agent_id=principal.agent_id,
        channel_id=channel,
        request_id=named or "",
        trace=read_trace(request.headers.get("traceparent"), request.headers.get("tracestate")),
    )


async def _streamed(principal: Principal, run: Watched, caller: Caller) -> Response:
    place = principal.held.pop_all()  # of the run, which may end after the request
    run.outcome.add_done_callback(_seen)

    def leave() -> None:
        run.outcome.cancel()
        run.outcome.add_done_callback(lambda _task: place.close())

    try:
        await asyncio.wait([run.outcome], timeout=_FIRST_LINE)
        if run.outcome.done():
            run.outcome.result()  # raises what the caller is to be told by the status
    except BaseException:
        leave()
        raise
    return EventStream(told(run, caller.request_id), leave=leave)


def _seen(task: asyncio.Future[ExecutionResult]) -> None:
    if not task.cancelled():
        task.exception()


async def told(run: Watched, request_id: str) -> AsyncGenerator[bytes, None]:
    async for entry in run.lines():
        yield line(entry)
    try:
        yield event("result", (await asyncio.shield(run.outcome)).to_json())
    except Exception as error:
        yield event("error", problem_of(error).body(request_id))


def line(entry: LogEntry | Progress) -> bytes:
    if isinstance(entry, Progress):
        return event("progress", entry.model_dump(by_alias=True))
    return event("log", entry.model_dump(by_alias=True))


@plain.post(
    "/validate",
    tags=["code"],
    response_model=ValidationReport,
    responses=errors(429, *BODY),
    openapi_extra=takes(schemas.ValidateBody, {"code": "return eval(context.formula)"}),
)
async def validate(request: Request, here: Here, principal: Runner) -> Response:
    """Check code without running it: what would be rejected, and why."""
    principal.hold(here.gate.run(principal.holder, principal.limits))  # before the body is read
    body = await read_object(request)
    for name in body:
        if name not in ("code", "language"):
            allowed = choice(("code", "language"), name)
            raise InvalidRequestError(name[:80], "an unknown field", allowed)
    config = here.executor.sandbox.get_config()
    call = {"code": body.get("code"), "language": body.get("language")}
    checked = check_request(config, **call).request
    report = await here.validator.judge(
        here.executor.sandbox.analyst, principal.agent_id, checked.code, checked.language
    )
    return Json(report.to_dict())
