"""The MCP server: running code, finding tools, and the large outputs of its caller's runs.

Both eras of the protocol are served, and nothing is kept of a client between its requests, so
that any replica can answer any of them.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from importlib.util import find_spec
from itertools import islice
from typing import Any, Final

import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError
from starlette.types import ASGIApp

from onehop._version import onehop_version
from onehop.config import ServerConfig
from onehop.errors import OnehopError
from onehop.execution.executor import Executor
from onehop.runs.traces import Trace, read_trace
from onehop.sandbox.calls import Grant
from onehop.server._runs import Runs
from onehop.server.mcp import _artifacts
from onehop.server.mcp._calls import Admit, Answer, Call, Calls, Principal
from onehop.server.mcp._elicitation import Elicitation
from onehop.server.mcp._http import Authenticate, KeyCheck, OnePiece, Running, Sessions, session_of
from onehop.server.mcp._lookup import answer
from onehop.server.mcp._notices import Notices
from onehop.server.mcp._outputs import KeptOutputs, link, template
from onehop.server.mcp._refusals import cancelled
from onehop.server.mcp._tool import (
    INPUT_SCHEMA,
    LOOKUP,
    LOOKUP_SCHEMA,
    NAME,
    WAIT,
    WAIT_SCHEMA,
    make_tools,
)
from onehop.types import OutputPage

Context = ServerRequestContext[Any, Any]
Whoever = Callable[[Context], Principal]
"""Tells on whose behalf a request comes."""

PAGE_META: Final = "onehop/page"
"""In ``_meta`` of a resource's text: which part of the whole it is."""
_INSTRUCTIONS: Final = (
    "Use code_execute for anything that takes several steps over data you have: one program in "
    "one call instead of many calls."
)
_HOUR: Final = 3_600_000
_LISTED: Final = 100
"""Kept outputs that are listed."""

_log = logging.getLogger(__name__)


class Handlers:
    """Answers what clients ask."""

    def __init__(
        self,
        calls: Calls,
        outputs: KeptOutputs,
        whoever: Whoever,
        running: Running,
        executor: Executor,
        notices: Notices,
    ) -> None:
        self._notices = notices
        self._calls = calls
        self._outputs = outputs
        self._whoever = whoever
        self._running = running
        self._executor = executor
        self._sandbox = executor.sandbox
        self._only = uuid.uuid4().hex
        """The conversation where there is but one client, as over stdio."""

    async def list_tools(
        self, context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        """``code_execute``, and ``code_tools`` where there are tools to find. Raises MCPError."""
        self._notices.remember(context)
        return types.ListToolsResult(tools=make_tools(await self._view(context)))

    async def _view(self, context: Context) -> Grant:
        """What the caller's code may call. Raises MCPError."""
        try:
            return await self._executor.view(self._whoever(context).agent_id)
        except OnehopError as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None

    async def call_tool(self, context: Context, params: types.CallToolRequestParams) -> Answer:
        """Run code, or find tools. Raises MCPError for another tool's name."""
        if params.name == LOOKUP and (view := await self._view(context)).offer:
            return answer(view.discovery, params.arguments or {})
        if params.name == WAIT:
            return await self._calls.wait(self._whoever(context), params.arguments or {})
        if params.name != NAME:
            raise MCPError(
                types.INVALID_PARAMS, f"Unknown tool: {params.name[:80]}; the tool is {NAME}"
            )
        meta: dict[str, Any] = dict(context.meta or {})
        call = Call(
            self._whoever(context),
            params.arguments or {},
            meta,
            _channel(context),
            self._conversation(context),
            _trace(context),
            self._elicitation(context),
            params.request_state,
            params.input_responses,
        )
        report = context.session.report_progress if "progress_token" in meta else None
        with self._cancellable(context, call.principal):
            return await self._calls.carry_out(call, report)
        return cancelled()

    def _elicitation(self, context: Context) -> Elicitation | None:
        """The client's person, where the settings let it decide and the client can ask it."""
        if not self._calls.clients_decide:
            return None
        elicitation = Elicitation(context)
        return elicitation if elicitation.is_possible else None

    def _conversation(self, context: Context) -> str:
        """What tells the client's conversation from others: its session, or being the only one."""
        if context.request is None:
            return self._only
        return session_of(context.request.scope) or ""

    async def list_resources(
        self, context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        """The caller's latest large outputs."""
        agent_id = self._whoever(context).agent_id
        found = islice(self._outputs.of(agent_id), _LISTED)
        resources = [types.Resource(**link(name).model_dump(exclude={"type"})) for name in found]
        return types.ListResourcesResult(resources=resources)

    async def list_templates(
        self, _context: Context, _params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        """How pages of large outputs are named."""
        return types.ListResourceTemplatesResult(
            resource_templates=[template(), _artifacts.template()]
        )

    async def read_resource(
        self, context: Context, params: types.ReadResourceRequestParams
    ) -> types.ReadResourceResult:
        """One page of a large output, or a file that a run has shown. Raises MCPError."""
        try:
            if params.uri.startswith(_artifacts.PREFIX):
                agent_id = self._whoever(context).agent_id
                file = _artifacts.read(self._sandbox, agent_id, params.uri)
                return types.ReadResourceResult(contents=[file])
            page = await self._outputs.read(self._whoever(context).agent_id, params.uri)
        except OnehopError as error:
            raise MCPError(types.INVALID_PARAMS, str(error), {"uri": params.uri[:200]}) from None
        except Exception:
            _log.exception("a resource could not be read")
            raise MCPError(
                types.INTERNAL_ERROR, "internal error; the log of onehop has more"
            ) from None
        return types.ReadResourceResult(contents=[_contents(params.uri, page)])

    def _cancellable(
        self, context: Context, principal: Principal
    ) -> AbstractContextManager[object]:
        """Where clients name their session: what ends early when the client says so."""
        session = session_of(context.request.scope) if context.request is not None else None
        if session is None:
            return nullcontext()
        return self._running.entered(principal.agent_id, session, context.request_id)


def build_mcp(
    executor: Executor,
    authenticate: Authenticate,
    settings: ServerConfig,
    *,
    admit: Admit = nullcontext,
    runs: Runs | None = None,
    closing: asyncio.Event | None = None,
) -> tuple[ASGIApp, AbstractAsyncContextManager[None]]:
    """The application for the path ``/mcp``, and what it must run within.

    Route it as it is, at the whole path: a mount would redirect clients to ``/mcp/``. Host and
    Origin are for the application around it to check. ``authenticate`` tells who calls, or raises
    an OnehopError; ``admit`` holds each agent's runs to its limits. Streams end when ``closing``
    is set.
    """
    running = Running()
    server, notices = make_server(runs or Runs(executor), executor, _of_request, admit, running)
    streamed, whole = (
        StreamableHTTPSessionManager(
            server, stateless=True, json_response=json, max_request_body_size=settings.max_body
        )
        for json in (False, True)
    )
    answering = OnePiece(streamed.handle_request, whole.handle_request)
    return KeyCheck(Sessions(answering, running), authenticate), _all(
        notices.open(closing), streamed, whole
    )


@asynccontextmanager
async def _all(
    notices: AbstractAsyncContextManager[None], *managers: StreamableHTTPSessionManager
) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(notices)
        for manager in managers:
            await stack.enter_async_context(manager.run())
        yield


def make_server(
    runs: Runs,
    executor: Executor,
    whoever: Whoever,
    admit: Admit = nullcontext,
    running: Running | None = None,
) -> tuple[Server[Any], Notices]:
    """The protocol's server, and what tells its clients of changes, for the caller to open;
    ``whoever`` tells whose request it is, ``running`` cancels calls of clients that have
    sessions."""
    outputs = KeptOutputs(executor)
    calls = Calls(runs, outputs, admit, executor)
    toolbox = executor.sandbox.toolbox
    notices = Notices(
        toolbox, executor.snippets.on_change, lambda context: whoever(context).agent_id
    )
    handlers = Handlers(calls, outputs, whoever, running or Running(), executor, notices)
    server: Server[Any] = Server(
        "onehop",
        title="onehop",
        version=onehop_version(),
        instructions=_INSTRUCTIONS,
        cache_hints={
            "tools/list": CacheHint(_HOUR, "private"),  # an agent's rules may hide tools from it
            "resources/templates/list": CacheHint(_HOUR, "public"),
        },
        get_tool_input_schema={NAME: INPUT_SCHEMA, LOOKUP: LOOKUP_SCHEMA, WAIT: WAIT_SCHEMA}.get,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_subscriptions_listen=notices.listen,
    )
    if find_spec("opentelemetry.sdk") is None:
        server.middleware.clear()  # it traces each request, to nowhere
    return server, notices


def _of_request(context: Context) -> Principal:
    """Who the key of an HTTP request belongs to."""
    request: Any = context.request
    principal: Principal = request.scope["user"]
    return principal


def _channel(context: Context) -> str:
    """What the request's header says, where it came with headers."""
    if context.request is None:
        return ""
    channel: str = context.request.headers.get("x-channel-id", "")
    return channel


def _trace(context: Context) -> Trace | None:
    """The trace of the HTTP request, where there is one."""
    if context.request is None:
        return None
    headers = context.request.headers
    return read_trace(headers.get("traceparent"), headers.get("tracestate"))


def _contents(uri: str, page: OutputPage) -> types.TextResourceContents:
    part = page.model_dump(by_alias=True, exclude={"text"})
    whole = page.offset == 0 and page.next_offset is None and page.complete
    kind = "application/json" if whole else "text/plain"
    return types.TextResourceContents(
        uri=uri, mime_type=kind, text=page.text, _meta={PAGE_META: part}
    )
