"""The client: one method for each thing that an agent asks of its server."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack
from urllib.parse import quote

from onehop.answers import AgentStats, Failure, PausedRun, PauseStats, ToolStats
from onehop.client._connection import Call, Connection
from onehop.client._events import Follower
from onehop.client._feed import Feed, Tasks
from onehop.client._handed import HandedTools
from onehop.client._live import Item, LiveRun
from onehop.client._options import HEADER_TEXT, header_text, make_options
from onehop.client._trace import trace_headers
from onehop.client._wire import (
    Identity,
    Rules,
    decode,
    decode_approvals,
    decode_decided,
    decode_failures,
    decode_identity,
    decode_list,
    decode_pause_stats,
    decode_paused,
    decode_state,
    decode_stats,
    decode_tool_stats,
    encode,
    encode_decisions,
    given,
    query,
    rule_list,
    tool_names,
)
from onehop.errors import (
    ApprovalNotFoundError,
    ArtifactNotFoundError,
    ConfigError,
    ExecutionNotFoundError,
    InvalidRequestError,
    NotConnectedError,
    OutputNotFoundError,
    SnippetNotFoundError,
    UnexpectedAnswerError,
)
from onehop.events import EVENT_TYPES, Event
from onehop.inputs.choices import Choices, check_session, to_wire
from onehop.records import ExecutionRecord
from onehop.runs.decisions import Approval, Decision
from onehop.runs.session_scope import SessionScope
from onehop.runs.states import ServerState
from onehop.types import (
    CheckPolicy,
    ErrorType,
    ExecutionResult,
    Language,
    OnProgress,
    OutputPage,
    Progress,
    Replay,
    SessionInfo,
    SnippetInfo,
    ValidationReport,
)
from onehop.types.shown.markup import Shown

if TYPE_CHECKING:
    import httpx2

    from onehop.tools import Tool, Tools

T = TypeVar("T")
TOOL: Final = "code_execute"
_LONGEST_WAIT: Final = 20_000
"""ms that one request waits for a run."""
_LONGEST_RUN: Final = 30.0
"""Seconds that a run may take which names no deadline: the contract's longest."""


class AgentClient:
    """An agent's connection to a server of onehop.

    ``async with AgentClient(agent_id="a", api_key="…") as client:
    await client.execute("return 1 + 1")``

    ``api_key`` comes from AGENT_API_KEY and ``server_url`` from ONEHOP_SERVER_URL when they are not
    given. ``timeout`` is how many ms an answer may take beyond the deadline of the run. What fails
    in passing (no connection, 429, 502 to 504) is tried again, at most ``retries`` times, as long
    as there is time for it; a repeated ``execute`` carries the same request id, so that nothing
    runs twice. More runs at once than the agent may have wait here for their turn. ``transport``
    replaces the network, or configures it: another certificate authority, a proxy. ``tools`` are
    functions, ``Tool`` objects or a ``Tools`` of them that the code of this client's runs may call,
    beside the server's own: they run in this process, for the runs of this client only.

    Needs a running asyncio event loop, and belongs to the one it was connected in. Every method
    raises ServerUnreachableError, ServerTimeoutError, UnexpectedAnswerError, AuthenticationError,
    PermissionDeniedError, RateLimitedError, Overloaded and ServerError, beside what it names.
    """

    def __init__(
        self,
        *,
        agent_id: str | None = None,
        api_key: str | None = None,
        server_url: str | None = None,
        channel_id: str = "",
        timeout: float = 30_000,
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
        tools: Tools | Iterable[Tool | Callable[..., Any]] | None = None,
    ) -> None:
        """Raises ConfigError for an argument that cannot be used."""
        self._handed = None if tools is None else HandedTools(tools)
        self._options = make_options(agent_id, api_key, server_url, channel_id, timeout, retries)
        self._transport = transport
        self._connection: Connection | None = None
        self._identity: Identity | None = None
        self._tasks: Tasks = set()

    def __repr__(self) -> str:
        key = "'***'" if self._options.api_key else None
        return (
            f"AgentClient(agent_id={self._options.agent_id!r}, api_key={key}, "
            f"server_url={self._options.server_url!r})"
        )

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    async def connect(self) -> Identity:
        """Check that the server is there and knows the key, and hand it the client's tools; whom
        it takes the caller for. Raises InvalidRequestError for a tool that it does not take."""
        connection = self._connection or Connection(self._options, self._transport)
        try:
            self._identity = await connection.ask(
                Call("GET", "/me"), self._options.margin, decode_identity
            )
            if self._handed is not None and connection is not self._connection:
                await self._handed.open(connection)
                connection.beside = self._handed
        except BaseException:
            if connection is not self._connection:
                await connection.aclose()
            raise
        connection.limit_runs(self._identity.limits.get("max_runs"))
        self._connection = connection
        return self._identity

    async def disconnect(self) -> None:
        """End every iterator, give up what is in flight (the server ends such runs), and close."""
        connection, self._connection = self._connection, None
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.wait(ending)
        if self._handed is not None:
            await self._handed.aclose()
        if connection is not None:
            await connection.aclose()

    @property
    def identity(self) -> Identity:
        """Whom the server takes the caller for. Raises NotConnectedError."""
        if self._identity is None or self._connection is None:
            raise NotConnectedError(
                "the client is not connected: use 'async with AgentClient(...) as client', "
                "or await connect() first"
            )
        return self._identity

    async def call_tool(
        self, name: str, arguments: Mapping[str, Any], *, request_id: str | None = None
    ) -> dict[str, Any]:
        """Call the tool ``code_execute`` with its arguments as a model gives them.

        What the code does wrong is a result too, with ``success`` false. Raises
        InvalidRequestError and DuplicateRequestError.
        """
        if name != TOOL:
            raise InvalidRequestError("name", repr(name)[:80], repr(TOOL))
        if not isinstance(arguments, Mapping):
            raise InvalidRequestError("arguments", repr(arguments)[:80], "an object")
        call = _execution(arguments, request_id)
        return await self._open().run(call, self._patience(arguments), dict)

    async def execute(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
        capture_console: bool | None = None,
        *,
        description: str | None = None,
        request_id: str | None = None,
        on_progress: OnProgress | None = None,
        typecheck: CheckPolicy | None = None,
        plan: bool | None = None,
        tools: Sequence[str] | None = None,
        rules: Rules | None = None,
        **choices: Unpack[Choices],
    ) -> ExecutionResult:
        """Run ``code`` as the body of an async function that sees ``context``.

        ``timeout`` is in ms (the server's 5000 by default). A ``request_id`` that the server knows
        gives the first result and runs nothing. ``typecheck`` is what the check before the run may
        refuse (``off``, ``provable``, ``strict``); with ``plan`` the calls of tools are listed, and
        nothing is executed. ``choices``: ``seed`` fixes random numbers, ``clock`` (ms since 1970,
        or an ISO time) every clock of the code; ``session`` names the agent's session that it runs
        in; ``yield_after`` ms have an answer come by then, and ``wait`` gives the rest.
        ``on_progress`` hears what the code tells by ``progress``. Cancelling the awaiting task ends
        the run. What the code does wrong is a result with ``success=False``. Raises
        InvalidRequestError and DuplicateRequestError.

        The code may call the server's tools: of these only ``tools``, names and globs, if they are
        given, and under ``rules`` (dicts, ``Rule`` objects, or globs by action) beside those of the
        server and of the agent.
        """
        arguments = given(
            code=code,
            language=language,
            timeout=timeout,
            context=context,
            capture_console=capture_console,
            description=description,
            typecheck=typecheck,
            plan=plan,
            tools=tool_names(tools),
            rules=rule_list(rules),
        )
        arguments |= to_wire(choices)
        call = _execution(arguments, request_id)
        patience = self._patience(arguments)
        if on_progress is not None:
            return await self._watched(call, patience, on_progress)
        return await self._open().run(call, patience, partial(decode, ExecutionResult))

    async def _watched(
        self, call: Call, patience: float, on_progress: OnProgress
    ) -> ExecutionResult:
        async with Feed(self._live(call, patience).follow, self._tasks) as items:
            async for item in items:
                if isinstance(item, Progress):
                    on_progress(item)
                elif isinstance(item, ExecutionResult):
                    return item
        raise UnexpectedAnswerError(self._options.server_url, 200, "it sent no result")

    def _live(self, call: Call, patience: float) -> LiveRun:
        watch = Call("GET", f"/executions/{quote(call.headers[_REQUEST_ID], safe='')}/stream")
        return LiveRun(self._open(), call, patience, watch)

    def stream(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: Mapping[str, Any] | None = None,
        *,
        description: str | None = None,
        request_id: str | None = None,
        tools: Sequence[str] | None = None,
        rules: Rules | None = None,
        **choices: Unpack[Choices],
    ) -> Feed[Item]:
        """``execute`` as an iterator: a LogEntry for each console line and a Progress for each
        report of progress, then the ExecutionResult.

        Leaving it early (``async with``, ``aclose``) ends the run.
        """
        arguments = given(
            code=code,
            language=language,
            timeout=timeout,
            context=context,
            description=description,
            tools=tool_names(tools),
            rules=rule_list(rules),
        )
        arguments |= to_wire(choices)
        call = _execution(arguments, request_id)
        return Feed(self._live(call, self._patience(arguments)).follow, self._tasks)

    async def validate(self, code: str, language: str | None = None) -> ValidationReport:
        """The verdict on ``code``; nothing runs. Raises InvalidRequestError."""
        call = Call("POST", "/validate", body=encode(given(code=code, language=language)))
        return await self._ask(call, partial(decode, ValidationReport))

    async def stats(
        self, agent_id: str | None = None, since: int | datetime | None = None
    ) -> AgentStats:
        """Counts, rates and times of an agent's runs (by default this one's)."""
        path = f"/agents/{self._agent(agent_id)}/stats"
        return await self._ask(Call("GET", path, query(since=since)), decode_stats)

    async def tool_stats(
        self,
        agent_id: str | None = None,
        since: int | datetime | None = None,
        limit: int = 10,
        *,
        by_agent: bool = False,
    ) -> list[ToolStats]:
        """What came of calls of tools, by tool, the most called first; of all agents whose runs
        the key may see, unless one is named, and with ``by_agent`` of each by itself."""
        wanted = query(agent_id=agent_id, since=since, limit=limit, by_agent=by_agent)
        return await self._ask(Call("GET", "/analytics/tools", wanted), decode_tool_stats)

    async def failures(self, agent_id: str | None = None, limit: int = 20) -> list[Failure]:
        """An agent's recent failures, newest first."""
        path = f"/agents/{self._agent(agent_id)}/failures"
        return await self._ask(Call("GET", path, query(limit=limit)), decode_failures)

    async def approvals(
        self, *, run_id: str | None = None, agent_id: str | None = None, limit: int = 100
    ) -> list[Approval]:
        """Calls that wait for a person, the oldest first: this agent's, or those of all whose runs
        the key may see."""
        wanted = query(run_id=run_id, agent_id=agent_id, limit=limit)
        return Shown(await self._ask(Call("GET", "/approvals", wanted), decode_approvals))

    async def decide(self, run_id: str, decisions: Mapping[str, Decision]) -> dict[str, Approval]:
        """Decide about calls of a run, by their ids; gives what stands of each, since the first
        decision does. For keys with the role approver or admin.

        Raises ApprovalNotFoundError, and InvalidRequestError for arguments that the tool does not
        take; then nothing was decided.
        """
        body = {"run_id": run_id, "decisions": encode_decisions(decisions)}
        call = Call("POST", "/approvals", body=encode(given(**body)))
        try:
            return await self._ask(call, decode_decided)
        except ExecutionNotFoundError as error:
            raise ApprovalNotFoundError(str(error)) from None

    async def history(
        self,
        *,
        agent_id: str | None = None,
        channel_id: str | None = None,
        language: Language | None = None,
        success: bool | None = None,
        code_hash: str | None = None,
        error_type: ErrorType | None = None,
        tool: str | None = None,
        since: int | datetime | None = None,
        until: int | datetime | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> list[ExecutionRecord]:
        """Records of past runs, newest first; times are datetimes or ms since 1970.

        ``error_type`` asks for failures of one cause, ``tool`` for runs that called it, by its
        path. Fewer than ``limit`` are the last ones.
        """
        wanted = query(
            agent_id=agent_id,
            channel_id=channel_id,
            language=language,
            success=success,
            code_hash=code_hash,
            error_type=error_type,
            tool=tool,
            since=since,
            until=until,
            limit=limit,
            offset=offset,
        )
        call = Call("GET", "/executions", wanted)
        return await self._ask(call, lambda wire: decode_list(ExecutionRecord, wire, "executions"))

    async def paused(
        self, agent_id: str | None = None, channel_id: str | None = None, limit: int = 50
    ) -> list[PausedRun]:
        """Runs that wait for people now, newest first: what they wait for, and since when. They are
        not in ``history`` until they end."""
        wanted = query(agent_id=agent_id, channel_id=channel_id, limit=limit)
        return await self._ask(Call("GET", "/executions", wanted), decode_paused)

    async def pause_stats(
        self, agent_id: str | None = None, since: int | datetime | None = None
    ) -> PauseStats:
        """Runs that waited for people, and what came of it; ``stats`` counts only what has
        ended."""
        wanted = query(agent_id=agent_id, since=since)
        return await self._ask(Call("GET", "/analytics/pauses", wanted), decode_pause_stats)

    async def execution(self, request_id: str) -> ExecutionRecord:
        """The record of one run. Raises ExecutionNotFoundError."""
        call = Call("GET", f"/executions/{_segment('request_id', request_id)}")
        return await self._ask(call, partial(decode, ExecutionRecord))

    async def output(self, request_id: str, offset: int = 0, limit: int = 65_536) -> OutputPage:
        """A page, in characters, of the JSON text of an output that was too large to return.

        Raises OutputNotFoundError.
        """
        path = f"/executions/{_segment('request_id', request_id)}/output"
        call = Call("GET", path, query(offset=offset, limit=limit))
        try:
            return await self._ask(call, partial(decode, OutputPage))
        except ExecutionNotFoundError as error:
            raise OutputNotFoundError(str(error)) from None

    async def wait(self, run_id: str, timeout: float | None = None) -> ExecutionResult:
        """The result of a run of the agent's own by its request id, such as one that ``execute``
        has answered with status ``running`` (``yield_after``); still that after ``timeout`` ms.

        Raises ExecutionNotFoundError.
        """
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout / 1000
        path = f"/executions/{_segment('run_id', run_id)}"
        while True:
            left = _LONGEST_WAIT if end is None else (end - loop.time()) * 1000
            wait = max(0, min(_LONGEST_WAIT, int(left)))
            call = Call("GET", path, {"wait": wait})
            patience = wait / 1000 + self._options.margin
            result = await self._open().ask(call, patience, partial(decode, ExecutionResult))
            is_over = result.status not in ("running", "paused")
            if is_over or (end is not None and loop.time() >= end):
                return result

    async def replay(self, request_id: str) -> Replay:
        """Have a recorded run made again, offline: whether it does and gives the same. Admins only.

        Raises ExecutionNotFoundError when what it was answered is not kept.
        """
        path = f"/executions/{_segment('request_id', request_id)}/replay"
        return await self._ask(Call("POST", path), partial(decode, Replay))

    async def snippets(self, agent_id: str | None = None) -> list[SnippetInfo]:
        """The snippets, by agent and name; of one agent, or with ``""`` those for all. Admins
        only."""
        call = Call("GET", "/snippets", query(agent_id=agent_id))
        return await self._ask(call, lambda wire: decode_list(SnippetInfo, wire, "snippets"))

    async def snippet(self, name: str, agent_id: str | None = None) -> SnippetInfo:
        """One snippet, with its code; ``agent_id`` says whose. Admins only.

        Raises SnippetNotFoundError, and SnippetRefusedError when several agents have one.
        """
        path = f"/snippets/{_segment('name', name)}"
        return await self._ask_snippet(Call("GET", path, query(agent_id=agent_id)))

    async def save_snippet(
        self,
        name: str,
        request_id: str,
        *,
        agent_id: str | None = None,
        for_all: bool = False,
        description: str | None = None,
        input_schema: dict[str, Any] | None = None,
        code: str | None = None,
        replace: bool = False,
    ) -> SnippetInfo:
        """Save the code of a run that succeeded, for its agent or ``for_all`` to call as
        ``snippets.NAME(input)``. Admins only.

        ``agent_id`` says whose run it is, if several agents have one of this id. The schema of the
        input is that of the run's context, unless ``input_schema`` is given; ``code`` is needed
        where the record does not have it whole. ``replace``: as the next version.

        Raises InvalidRequestError, ExecutionNotFoundError and SnippetRefusedError.
        """
        body = given(
            name=name,
            request_id=request_id,
            agent_id=agent_id,
            for_all=for_all or None,
            description=description,
            input_schema=input_schema,
            code=code,
            replace=replace or None,
        )
        call = Call("POST", "/snippets", body=encode(body))
        return await self._ask(call, partial(decode, SnippetInfo))

    async def remove_snippet(self, name: str, agent_id: str | None = None) -> SnippetInfo:
        """Remove a snippet; gives what it was. Admins only. Raises as ``snippet``."""
        path = f"/snippets/{_segment('name', name)}"
        return await self._ask_snippet(Call("DELETE", path, query(agent_id=agent_id)))

    async def _ask_snippet(self, call: Call) -> SnippetInfo:
        try:
            return await self._ask(call, partial(decode, SnippetInfo))
        except ExecutionNotFoundError as error:
            raise SnippetNotFoundError(str(error)) from None

    def session(self, name: str | None = None) -> SessionScope:
        """A session: ``async with client.session() as s: await s.execute(…)``. With a ``name`` it
        is that session of the agent, and lives on; without, it ends with the block."""
        return SessionScope(self, check_session(name))

    async def sessions(self, agent_id: str | None = None) -> list[SessionInfo]:
        """The agent's sessions that have run; an admin sees those of all agents, or of one."""
        call = Call("GET", "/sessions", query(agent_id=agent_id))
        found = await self._ask(call, lambda wire: decode_list(SessionInfo, wire, "sessions"))
        return Shown(found)

    async def end_session(self, session: str, agent_id: str | None = None) -> bool:
        """End a session, with all that ``store`` keeps; False when there is none."""
        path = f"/sessions/{_segment('session', session)}"
        try:
            await self._ask(Call("DELETE", path, query(agent_id=agent_id)), dict)
        except ExecutionNotFoundError:
            return False
        return True

    async def artifact(self, request_id: str, artifact_id: str) -> bytes:
        """The bytes of a file that a run has shown. Raises ArtifactNotFoundError."""
        path = f"/executions/{_segment('request_id', request_id)}/artifacts"
        call = Call("GET", f"{path}/{_segment('artifact_id', artifact_id)}", raw=True)
        try:
            return await self._ask(call, lambda answer: bytes(answer["data"]))
        except ExecutionNotFoundError as error:
            raise ArtifactNotFoundError(str(error)) from None

    async def status(self) -> ServerState:
        """How workers, queue, journal and servers of tools are, and which runs are in flight; for a
        viewer or an admin. Raises PermissionDeniedError for an agent."""
        return await self._ask(Call("GET", "/status"), decode_state)

    def events(
        self,
        types: Iterable[str] | str | None = None,
        channel: str | None = None,
        agent_id: str | None = None,
    ) -> Feed[Event]:
        """Events as they happen, of ``types`` (all by default), until ``disconnect``.

        A connection that breaks is made again, and goes on after the last event. To miss none from
        a moment on, enter it: ``async with client.events() as events`` waits until the server
        sends. Raises InvalidRequestError for a type that there is not.
        """
        wanted = query(type=_types(types), channel_id=channel, agent_id=agent_id)
        follower = Follower(self._open(), wanted, self._options.retries)
        return Feed(follower.follow, self._tasks)

    async def _ask(self, call: Call, decode_answer: Callable[[dict[str, Any]], T]) -> T:
        return await self._open().ask(call, self._options.margin, decode_answer)

    def _open(self) -> Connection:
        if self._connection is None:
            _ = self.identity  # says what to do
        assert self._connection is not None  # noqa: S101 - as the line above has checked
        return self._connection

    def _agent(self, agent_id: str | None) -> str:
        own = self._options.agent_id or self.identity.agent_id
        return _segment("agent_id", own if agent_id is None else agent_id)

    def _patience(self, arguments: Mapping[str, Any]) -> float:
        """Seconds: the run's own deadline and the margin."""
        timeout = arguments.get("timeout")
        if isinstance(timeout, int | float) and timeout > 0:
            # A small number may be seconds that the server takes for ms.
            return max(timeout / 1000, _LONGEST_RUN if timeout < 100 else 0) + self._options.margin
        return _LONGEST_RUN + self._options.margin


_REQUEST_ID: Final = "X-Request-Id"


def _execution(arguments: Mapping[str, Any], request_id: str | None) -> Call:
    identifier = _name("request_id", request_id) if request_id else uuid.uuid4().hex
    return Call(
        "POST",
        "/execute",
        body=encode(arguments),
        headers={_REQUEST_ID: identifier, **trace_headers()},
    )


def _name(field: str, text: str) -> str:
    try:
        return header_text(field, text)
    except ConfigError:
        raise InvalidRequestError(field, repr(text)[:80], HEADER_TEXT) from None


def _segment(field: str, text: str) -> str:
    """Part of a path."""
    return quote(_name(field, text), safe="")


def _types(types: Iterable[str] | str | None) -> list[str] | None:
    if types is None:
        return None
    wanted = [types] if isinstance(types, str) else list(types)
    for each in wanted:
        if each not in EVENT_TYPES:
            raise InvalidRequestError("types", repr(each)[:80], f"of {', '.join(EVENT_TYPES)}")
    return wanted
