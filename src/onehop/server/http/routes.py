"""The addresses of the API: each turns a request into one question, and the answer into JSON.

docs/reference/http.md says what callers see.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from pydantic_core import to_json
from starlette.responses import Response

from onehop import analytics
from onehop.analytics import MAX_LIMIT, Analytics
from onehop.approvals import Approvals
from onehop.callers import Caller
from onehop.calls import Beside, narrowing_from
from onehop.config import ServerConfig
from onehop.errors import InvalidRequestError, SandboxClosedError, ToolError
from onehop.execution import _outcomes
from onehop.execution.executor import Executor
from onehop.records import ExecutionRecord
from onehop.requests import check_request
from onehop.server._errors import (
    ForbiddenError,
    NotFoundError,
    problem_of,
)
from onehop.server._handed import HandedTools
from onehop.server._limits import Gate
from onehop.server._runs import Runs, Watched
from onehop.server.agents import Agents, NewKey
from onehop.server.asgi._json import Json, read_object
from onehop.server.asgi._leaving import while_there
from onehop.server.asgi._refusals import Refusals
from onehop.server.asgi._requests import given_name
from onehop.server.asgi._scope import REQUEST_ID
from onehop.server.asgi._sse import EventStream, event
from onehop.server.auth import Authenticator
from onehop.server.http import _schemas as schemas
from onehop.server.http._download import Download
from onehop.server.http._feed import Feed, Filter
from onehop.server.http._params import (
    CHANNEL,
    AgentHeader,
    AgentPath,
    ApprovalParams,
    ArtifactPath,
    CodeParams,
    ConnectionHeader,
    EventParams,
    FailureParams,
    HashPath,
    HistoryParams,
    LastEvent,
    OutputParams,
    Question,
    QuestionParams,
    RequestHeader,
    RequestPath,
    SessionParams,
    SessionPath,
    SinceParams,
    ToolParams,
    TrendParams,
    WaitParams,
)
from onehop.server.http._readiness import Readiness
from onehop.server.principal import Principal
from onehop.stores import is_shared
from onehop.stores.base import HistoryQuery, Store
from onehop.tools import Rule, look_up, read_rule_list, rules_from_json
from onehop.traces import read_trace
from onehop.types import ExecutionResult, LogEntry, OutputPage, Progress, ValidationReport
from onehop.validation import Validator

_CHANNEL: Final = re.compile(CHANNEL)
_FRESH: Final = 1.0
"""Seconds that the store has to take what has just ended, before it is read."""
_FIRST_LINE: Final = 0.5
"""Seconds in which a run that fails at once is still answered with an error's status."""
_PAGE: Final = 8 << 20
"""Bytes of a page of records."""
_RUN: Final = {
    "code": "return context.numbers.map((n) => n * 2)",
    "context": {"numbers": [1, 2, 3]},
}
"""What the page /docs sends, unless something else is written."""
_LISTS: Final = frozenset({"type", "namespaces", "names"})
"""What the query may have more than once."""
_FILE: Final[dict[str, Any]] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}
_STREAM: Final[dict[str, Any]] = {
    "text/event-stream": {
        "schema": {
            # Of no type: some programs take it for that of the whole text, others of each event.
            "description": "Server-sent events: `event` is the kind, `data` JSON, `id` a place."
        },
        "example": 'event: log\ndata: {"level":"log","message":"hello","time":1.5}\n\n',
    }
}


class Parts:
    """What the addresses work with."""

    def __init__(
        self, executor: Executor, agents: Agents, settings: ServerConfig, validator: Validator
    ) -> None:
        self.executor = executor
        self.store: Store = executor.store
        self.agents = agents
        self.settings = settings
        self.validator = validator
        self.analytics = Analytics(self.store)
        self.refusals = Refusals()
        self.authenticate = Authenticator(agents, settings, self.refusals)
        shared = self.store if is_shared(self.store) else None
        self.gate = Gate(settings.max_streams, store=shared)
        self.runs = Runs(executor)
        self.handed = HandedTools()
        self.feed = Feed(executor, self.store)
        self.readiness = Readiness(executor)
        self.closing = asyncio.Event()
        self._began = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since they were made."""
        return time.monotonic() - self._began


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


async def _principal(
    request: Request,
    _bearer: Annotated[Any, Security(HTTPBearer(auto_error=False, scheme_name="bearer"))],
    _key: Annotated[Any, Security(APIKeyHeader(name="X-API-Key", auto_error=False))],
    _agent: AgentHeader = None,
    _request: RequestHeader = None,
) -> Principal:
    principal = await _parts(request).authenticate(request.scope)
    _each_once(request)  # after the key: who calls without one learns nothing
    return principal


Here = Annotated[Parts, Depends(_parts)]
Who = Annotated[Principal, Depends(_principal)]


def _runner(principal: Who) -> Principal:
    if principal.role in ("viewer", "approver"):
        raise ForbiddenError(f"the role {principal.role} may look, but not run code")
    return principal


def _approver(here: Here, principal: Who) -> Principal:
    """Who may decide: never a key of an agent, nor one that acts in an agent's name."""
    if not here.settings.auth:
        raise ForbiddenError("without keys anyone may be an agent, and so nobody may decide")
    if principal.role not in ("approver", "admin"):
        raise ForbiddenError("only an approver or an admin may decide")
    if principal.agent_id != principal.holder:
        raise ForbiddenError("X-Agent-Id names an agent, and no agent may decide")
    return principal


def _admin(principal: Who) -> Principal:
    if principal.role != "admin":
        raise ForbiddenError("only an admin may do this")
    return principal


def _each_once(request: Request) -> None:
    """Raise InvalidRequestError for a name that the query has twice: which of the two is meant?"""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, count in given.items():
        if count > 1 and name not in _LISTS:
            raise InvalidRequestError(name[:80], f"{count} values", "given once")


def _no_query(request: Request) -> None:
    """Raise InvalidRequestError for what follows the question mark."""
    for name in request.query_params:
        raise InvalidRequestError(name[:80], "an unknown field", "left out: there are none here")


def _alone(request: Request, _principal: Who) -> None:
    _no_query(request)  # after the key: who calls without one learns nothing


Runner = Annotated[Principal, Depends(_runner)]
Admin = Annotated[Principal, Depends(_admin)]
Approver = Annotated[Principal, Depends(_approver)]

Responses = dict[int | str, dict[str, Any]]
_WHY: Final = {
    400: "A malformed or ambiguous request.",
    401: "No key, a wrong or a revoked one.",
    403: "The role does not allow it.",
    404: "No such thing, or another agent's.",
    408: "The body came too slowly.",
    409: "The name is taken, or the connection with tools has ended.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    421: "The Host is not answered here.",
    429: "More than the agent may.",
    500: "An internal error.",
    503: "Too much at once, or a part is away.",
}
_ALWAYS: Final = (400, 401, 403, 421, 500, 503)
_BODY: Final = (408, 413, 415)


def _errors(*statuses: int) -> Responses:
    every = sorted({*_ALWAYS, *statuses})
    return {status: {"model": schemas.ErrorBody, "description": _WHY[status]} for status in every}


def _takes(model: type[Any], example: dict[str, Any]) -> dict[str, Any]:
    """The documentation of a body, which is read by hand: who calls is known before."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    content = {"application/json": {"schema": reference, "example": example}}
    return {"requestBody": {"required": True, "content": content}}


probes = APIRouter(tags=["health"], dependencies=[Depends(_no_query)])
api = APIRouter(prefix="/api/v1")
plain = APIRouter(dependencies=[Depends(_alone)])
"""Addresses without a query."""


# --- health


@probes.get("/healthz", response_model=schemas.Health, responses=_errors())
async def alive() -> Response:
    """Tell that the process lives."""
    return Json({"status": "alive"})


@probes.get("/readyz", response_model=schemas.Health, responses=_errors())
async def ready(here: Here) -> Response:
    """Tell whether a worker is at hand, the store answers, and runs can be recorded."""
    if here.closing.is_set():
        raise SandboxClosedError("the server is stopping")
    await here.readiness.check()
    return Json({"status": "ready"})


# --- running code


@api.post(
    "/execute",
    tags=["code"],
    response_model=ExecutionResult,
    responses=_errors(404, 409, 429, *_BODY),
    openapi_extra=_takes(schemas.ExecuteBody, _RUN),
)
async def execute(request: Request) -> Response:
    """Run code.

    With `Accept: text/event-stream` the answer is the stream of the run, as
    `/executions/{requestId}/stream` has it.
    """
    # By hand what dependencies do for other addresses: that takes longer than all the rest here.
    here = _parts(request)
    principal = _runner(await here.authenticate(request.scope))
    _no_query(request)
    caller = _caller(request, principal)
    more = _beside(here, principal, request.headers.get("x-tool-connection"))
    request.scope[REQUEST_ID] = caller.request_id
    principal.hold(here.gate.run(principal.holder, principal.limits))  # before the body is read
    narrowing, arguments = narrowing_from(await read_object(request))
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


def _beside(here: Parts, principal: Principal, connection_id: str | None) -> Beside | None:
    """The tools of the client's connection, if it names one. Raises ToolsGoneError."""
    if connection_id is None:
        return None
    return here.handed.find(connection_id, owner(principal)).beside


def owner(principal: Principal) -> tuple[str, str]:
    """Whose a connection with tools is: the key's agent, for the agent that it calls for."""
    return principal.holder, principal.agent_id


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
    return EventStream(_told(run, caller.request_id), leave=leave)


def _seen(task: asyncio.Future[ExecutionResult]) -> None:
    if not task.cancelled():
        task.exception()


async def _told(run: Watched, request_id: str) -> AsyncGenerator[bytes, None]:
    async for entry in run.lines():
        yield _line(entry)
    try:
        yield event("result", (await asyncio.shield(run.outcome)).to_json())
    except Exception as error:
        yield event("error", problem_of(error).body(request_id))


def _line(entry: LogEntry | Progress) -> bytes:
    if isinstance(entry, Progress):
        return event("progress", entry.model_dump(by_alias=True))
    return event("log", entry.model_dump(by_alias=True))


@plain.post(
    "/validate",
    tags=["code"],
    response_model=ValidationReport,
    responses=_errors(429, *_BODY),
    openapi_extra=_takes(schemas.ValidateBody, {"code": "return eval(context.formula)"}),
)
async def validate(request: Request, here: Here, principal: Runner) -> Response:
    """Check code without running it: what would be rejected, and why."""
    principal.hold(here.gate.run(principal.holder, principal.limits))  # before the body is read
    body = await read_object(request)
    for name in body:
        if name not in ("code", "language"):
            raise InvalidRequestError(name[:80], "an unknown field", "code or language")
    config = here.executor.sandbox.get_config()
    call = {"code": body.get("code"), "language": body.get("language")}
    checked = check_request(config, **call).request
    report = await here.validator.judge(
        here.executor.sandbox.analyst, principal.agent_id, checked.code, checked.language
    )
    return Json(report.to_dict())


# --- what has run


@api.get("/executions", tags=["history"], response_model=schemas.History, responses=_errors())
async def history(
    here: Here, principal: Who, wanted: Annotated[HistoryParams, Query()]
) -> Response:
    """List records, newest first; fewer than `limit` when they are large: see `next`."""
    agent_id = _scope(principal, wanted.agent_id)
    await here.executor.flush(_FRESH)
    asked = {**wanted.model_dump(), "agent_id": agent_id, "limit": wanted.limit + 1}
    found = await here.store.history(HistoryQuery(**asked))
    return Json(await asyncio.to_thread(_history, found, wanted.offset, wanted.limit))


def _history(found: Sequence[ExecutionRecord], offset: int, limit: int) -> bytes:
    """A page of them: as many as fit."""
    texts, size = list[bytes](), 0
    for record in found[:limit]:
        text = record.model_dump_json(by_alias=True).encode()
        size += len(text)
        if texts and size > _PAGE:
            break
        texts.append(text)
    more = offset + len(texts) if len(found) > len(texts) else None
    return b'{"executions":[%b],"next":%b}' % (b",".join(texts), to_json(more))


@api.get(
    "/executions/{requestId}",
    tags=["history"],
    response_model=ExecutionRecord | ExecutionResult,
    responses=_errors(404),
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
    record = await _record(here, principal, request_id)
    return Json(record.model_dump_json(by_alias=True).encode())


@api.get(
    "/executions/{requestId}/output",
    tags=["history"],
    response_model=OutputPage,
    responses=_errors(404),
)
async def output(
    here: Here, principal: Who, request_id: RequestPath, page: Annotated[OutputParams, Query()]
) -> Response:
    """Give a page of an output's JSON text."""
    record = await _record(here, principal, request_id)
    kept = record.details.get("persistedOutputId")
    if kept is not None and record.agent_id == principal.agent_id:  # others see what is masked
        found = here.executor.sandbox.read_output(str(kept), page.offset, page.limit)
        return Json(found.model_dump(by_alias=True))
    text = to_json(record.output, inf_nan_mode="null").decode()
    return Json(_page(text, page).model_dump(by_alias=True))


def _page(text: str, wanted: OutputParams) -> OutputPage:
    start = min(wanted.offset, len(text))
    end = min(start + wanted.limit, len(text))
    return OutputPage(
        text=text[start:end],
        offset=start,
        next_offset=end if end < len(text) else None,
        total=len(text),
        complete=True,
    )


@plain.get(
    "/executions/{requestId}/artifacts/{artifactId}",
    tags=["history"],
    response_class=Response,
    responses={**_errors(404), 200: {"content": _FILE}},
)
async def artifact(
    here: Here, principal: Who, request_id: RequestPath, artifact_id: ArtifactPath
) -> Response:
    """Give a file that a run has shown, as a download."""
    record = await _record(here, principal, request_id)
    named = [each.get("id") for each in record.details.get("artifacts", ())]
    if artifact_id not in named or record.agent_id != principal.agent_id:
        raise NotFoundError("there is no such artifact of this run")
    found, data = here.executor.sandbox.artifacts.read(artifact_id, principal.agent_id)
    return Download(found, data)


# --- sessions


@api.get("/sessions", tags=["sessions"], response_model=schemas.SessionList, responses=_errors())
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
    responses=_errors(404),
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
        raise NotFoundError("there is no such session")
    return Json({"ended": True})


def _owner(principal: Principal, wanted: str | None) -> str | None:
    """Whose sessions are meant: all agents' for None, which only an admin may see."""
    if principal.role == "admin":
        return wanted
    if wanted not in (None, principal.agent_id):
        raise ForbiddenError("an agent sees its own sessions only")
    return principal.agent_id


@plain.get(
    "/executions/{requestId}/stream",
    tags=["events"],
    response_class=Response,
    responses={**_errors(404, 429), 200: {"content": _STREAM}},
)
async def execution_stream(here: Here, principal: Who, request_id: RequestPath) -> Response:
    """Stream one run: what it prints, then its result."""
    run = here.runs.find(request_id, principal.agent_id)
    if run is not None:
        source = _told(run, request_id)
    else:
        await _ended(here, principal, request_id)
        record = await _record(here, principal, request_id)
        source = _retold(_outcomes.result_of(record))
    return _stream(here, principal, source)


async def _ended(here: Parts, principal: Principal, request_id: str) -> None:
    """Wait for another agent's run: what others may see of it is what is kept of it, masked."""
    run = here.runs.find(request_id) if principal.sees_all else None
    if run is not None:
        await asyncio.wait([run.outcome])


async def _retold(result: ExecutionResult) -> AsyncGenerator[bytes, None]:
    for entry in result.log_entries:
        yield _line(entry)
    yield event("result", result.to_json())


def _stream(here: Parts, principal: Principal, source: AsyncGenerator[bytes, None]) -> EventStream:
    slot = ExitStack()
    slot.enter_context(here.gate.stream(principal.holder))
    return EventStream(source, leave=slot.close)


@api.get("/code/{codeHash}", tags=["history"], response_model=schemas.RunList, responses=_errors())
async def by_code(
    here: Here, principal: Who, code_hash: HashPath, wanted: Annotated[CodeParams, Query()]
) -> Response:
    """List runs of one piece of code, newest first, without outputs and logs."""
    await here.executor.flush(_FRESH)
    query = HistoryQuery(code_hash=code_hash, agent_id=_scope(principal, None), limit=wanted.limit)
    return Json({"executions": _dicts(await here.store.history(query))})


async def _record(here: Parts, principal: Principal, request_id: str) -> ExecutionRecord:
    record = await _find(here.store, principal, request_id)
    if record is None:  # it may have ended this moment
        await here.executor.flush(_FRESH)
        record = await _find(here.store, principal, request_id)
    if record is None:
        raise NotFoundError("there is no such execution")
    return record


async def _find(store: Store, principal: Principal, request_id: str) -> ExecutionRecord | None:
    """The caller's own run of this name; else, for those who see all, any agent's."""
    own = await store.get(request_id, principal.agent_id)
    return await store.get(request_id) if own is None and principal.sees_all else own


def _scope(principal: Principal, wanted: str | None) -> str | None:
    """Whose runs are looked at: all agents' for None."""
    if principal.sees_all:
        return wanted
    if wanted not in (None, principal.agent_id):
        raise ForbiddenError("an agent sees its own runs only")
    return principal.agent_id


def _dicts(answers: Sequence[analytics.Answer]) -> list[dict[str, Any]]:
    return [analytics.to_dict(answer) for answer in answers]


# --- analytics


@api.get(
    "/agents/{agentId}/stats",
    tags=["analytics"],
    response_model=schemas.AgentStats,
    responses=_errors(),
)
async def stats(
    here: Here, principal: Who, agent_id: AgentPath, wanted: Annotated[SinceParams, Query()]
) -> Response:
    """Count an agent's runs, how they ended, and how long they took."""
    agent = _scope(principal, agent_id)
    await here.executor.flush(_FRESH)
    return Json(analytics.to_dict(await here.analytics.get_agent_stats(agent, wanted.since)))


@api.get(
    "/agents/{agentId}/failures",
    tags=["analytics"],
    response_model=schemas.Failures,
    responses=_errors(),
)
async def failures(
    here: Here, principal: Who, agent_id: AgentPath, wanted: Annotated[FailureParams, Query()]
) -> Response:
    """List an agent's latest failures, newest first."""
    agent = _scope(principal, agent_id)
    await here.executor.flush(_FRESH)
    found = await here.analytics.get_recent_failures(agent, wanted.limit)
    return Json({"failures": _dicts(found)})


@api.get("/tools", tags=["tools"], response_model=schemas.FoundTools, responses=_errors(404, 409))
async def tools(
    here: Here,
    principal: Who,
    wanted: Annotated[ToolParams, Query()],
    connection_id: ConnectionHeader = None,
) -> Response:
    """Find tools that code may call: by what they do, by namespace or by name."""
    more = _beside(here, principal, connection_id)
    discovery = (await here.executor.view(principal.agent_id, more)).discovery
    try:
        return Json(look_up(discovery, **wanted.model_dump()))
    except ToolError as error:
        if error.code == "unknown_tool":
            raise NotFoundError(str(error)) from None
        raise InvalidRequestError(error.field or "tools", "what was asked", str(error)) from None


@api.get("/trends", tags=["analytics"], response_model=schemas.Trends, responses=_errors())
async def trends(here: Here, principal: Who, wanted: Annotated[TrendParams, Query()]) -> Response:
    """Count runs by day and language, as of the last rollup."""
    agent = _scope(principal, wanted.agent_id)
    return Json({"trends": _dicts(await here.analytics.get_trends(agent, wanted.since))})


@api.get(
    "/analytics/{question}",
    tags=["analytics"],
    response_model=schemas.ResourceUse
    | schemas.CodeLengths
    | schemas.RepeatedCodes
    | schemas.Slowest
    | schemas.SecurityProfile
    | schemas.ToolUse
    | schemas.Timeline
    | schemas.FailureCauses
    | schemas.AgentCounts,
    responses=_errors(404),
)
async def question(
    here: Here, principal: Who, question: Question, wanted: Annotated[QuestionParams, Query()]
) -> Response:
    """Answer one of the other questions about what has run."""
    agent, since, limit = _scope(principal, wanted.agent_id), wanted.since, wanted.limit
    await here.executor.flush(_FRESH)
    ask = here.analytics
    match question:
        case "resources":
            return Json(analytics.to_dict(await ask.get_resource_use(agent, since)))
        case "code-lengths":
            return Json({"codeLengths": _dicts(await ask.get_code_lengths(agent, since))})
        case "repeated-code":
            found = await ask.get_repeated_code(limit, agent, since)
            return Json({"repeatedCode": _dicts(found)})
        case "slowest":
            return Json({"slowest": _dicts(await ask.get_slowest(limit, agent, since))})
        case "tools":
            tools = await ask.get_tool_stats(agent, since, limit, by_agent=wanted.by_agent)
            return Json({"tools": _dicts(tools)})
        case "security":
            return Json({"security": _dicts(await ask.get_security_profile(agent, since))})
        case "timeline":
            points = await ask.get_timeline(agent, since, wanted.step)
            return Json({"timeline": _dicts(points)})
        case "failure-causes":
            causes = await ask.get_failure_causes(agent, since)
            return Json({"failureCauses": _dicts(causes)})
        case "agents":
            counts = await ask.get_agent_counts(MAX_LIMIT if agent else limit, since)
            return Json(
                {"agents": _dicts([each for each in counts if agent in (None, each.agent_id)])}
            )


# --- events


@api.get(
    "/events",
    tags=["events"],
    response_class=Response,
    responses={**_errors(429), 200: {"content": _STREAM}},
)
async def events(
    here: Here,
    principal: Who,
    wanted: Annotated[EventParams, Query()],
    last_event: LastEvent = None,
) -> Response:
    """Stream events as they happen; `Last-Event-ID` resumes."""
    types = frozenset[str](wanted.type) or None
    chosen = Filter(_scope(principal, wanted.agent_id), wanted.channel_id, types)
    with ExitStack() as opening:
        opening.enter_context(here.gate.stream(principal.holder))
        if last_event is None:
            reader, source = await here.feed.attach(chosen)
        else:
            reader, source = await here.feed.resume(chosen, last_event)
        opening.callback(reader.leave)
        leave = opening.pop_all().close
    return EventStream(source, leave=leave, closing=here.closing)


# --- approvals


@api.get(
    "/approvals",
    tags=["approvals"],
    response_model=schemas.ApprovalList,
    responses=_errors(),
)
async def approvals(
    here: Here, principal: Who, wanted: Annotated[ApprovalParams, Query()]
) -> Response:
    """List calls that wait for a person, the oldest first."""
    agent = _scope(principal, wanted.agent_id)
    approver = here.executor.sandbox.approver or Approvals(here.store)
    found = await approver.pending(run_id=wanted.run_id, agent_id=agent, limit=wanted.limit)
    return Json({"approvals": [schemas.approval(each) for each in found]})


@plain.post(
    "/approvals",
    tags=["approvals"],
    response_model=schemas.Decided,
    responses=_errors(404, *_BODY),
    openapi_extra=_takes(
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


# --- agents


@plain.get("/me", tags=["agents"], response_model=schemas.Me, responses=_errors())
async def me(principal: Who) -> Response:
    """Tell who the key belongs to."""
    limits = principal.limits
    told = {"maxRuns": limits.max_runs, "maxRate": limits.max_rate, "maxBody": limits.max_body}
    return Json({"agentId": principal.holder, "role": principal.role, "limits": told})


@plain.get("/agents", tags=["agents"], response_model=schemas.AgentList, responses=_errors())
async def list_agents(here: Here, _admin: Admin) -> Response:
    """List agents, without their keys."""
    found = [_shown(agent) for agent in await here.agents.list()]
    return Json({"agents": found})


@plain.post(
    "/agents",
    tags=["agents"],
    status_code=201,
    response_model=schemas.AgentWithKey,
    responses=_errors(409, *_BODY),
    openapi_extra=_takes(schemas.AddAgentBody, {"agentId": "ada", "role": "agent"}),
)
async def add_agent(request: Request, here: Here, _admin: Admin) -> Response:
    """Make an agent; its key is shown this once."""
    given = dict(await read_object(request))
    rules = read_rule_list(given.pop("rules", []))
    body = schemas.AddAgentBody.model_validate(given)
    made = await here.agents.add(body.agent_id, body.role, rules=rules, **body.limits.model_dump())
    here.executor.forget_rules(body.agent_id)
    return Json(_with_key(made), status_code=201)


@plain.post(
    "/agents/{agentId}/rotate",
    tags=["agents"],
    response_model=schemas.AgentWithKey,
    responses=_errors(404),
)
async def rotate_agent(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Give an agent a new key, shown this once; the old one stops working."""
    return Json(_with_key(await here.agents.rotate(agent_id)))


@plain.delete("/agents/{agentId}", tags=["agents"], status_code=204, responses=_errors(404))
async def revoke_agent(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Revoke an agent's key."""
    await here.agents.revoke(agent_id)
    return Response(status_code=204)


@plain.get(
    "/agents/{agentId}/rules",
    tags=["agents"],
    response_model=schemas.AgentRules,
    responses=_errors(404),
)
async def agent_rules(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Give an agent's rules for its calls of tools."""
    agent = await here.agents.get(agent_id)
    return Json(_with_warnings(here, agent_id, rules_from_json(agent.rules)))


@plain.put(
    "/agents/{agentId}/rules",
    tags=["agents"],
    response_model=schemas.AgentRules,
    responses=_errors(404, *_BODY),
    openapi_extra=_takes(
        schemas.RulesBody, {"rules": [{"action": "ask", "tool": "crm.pay", "when": "amount > 100"}]}
    ),
)
async def set_agent_rules(
    request: Request, here: Here, _admin: Admin, agent_id: AgentPath
) -> Response:
    """Replace an agent's rules; they count from its next run on, on other servers within a
    second."""
    body = await read_object(request)
    for name in body:
        if name != "rules":
            raise InvalidRequestError(name[:80], "an unknown field", "rules")
    rules = await here.agents.set_rules(agent_id, read_rule_list(body.get("rules")))
    here.executor.forget_rules(agent_id)
    return Json(_with_warnings(here, agent_id, rules))


def _with_warnings(here: Parts, agent_id: str, rules: Sequence[Rule]) -> dict[str, Any]:
    told = [rule.to_dict() for rule in rules]
    warnings = here.executor.sandbox.toolbox.stray(rules)
    return {"agentId": agent_id, "rules": told, "warnings": warnings}


def _shown(agent: Any) -> dict[str, Any]:
    return schemas.Agent.of(agent).model_dump(by_alias=True)


def _with_key(made: NewKey) -> dict[str, Any]:
    return {"agent": _shown(made.agent), "key": made.key}


api.include_router(plain)
