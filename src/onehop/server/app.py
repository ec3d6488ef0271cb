"""The application: routes, guards around them, and what lives as long as it does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    nullcontext,
)
from importlib.util import find_spec
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route, compile_path

from onehop._version import onehop_version
from onehop.config import AuditConfig, ServerConfig, TelemetryConfig
from onehop.errors import OnehopError
from onehop.execution.executor import Executor
from onehop.server._errors import problem_of
from onehop.server.agents import Agents
from onehop.server.asgi._body import BodyBounds, BodyLimit
from onehop.server.asgi._cors import Cors
from onehop.server.asgi._guard import Guard, is_loopback
from onehop.server.asgi._head import Head
from onehop.server.asgi._homes import Homes, Inside, Place
from onehop.server.asgi._json import Json
from onehop.server.asgi._requests import Requests
from onehop.server.asgi._room import Room
from onehop.server.asgi._scope import REQUEST_ID, ASGIApp, Scope
from onehop.server.dashboard.routes import dashboard_routes
from onehop.server.http import handed, routes
from onehop.server.http._code import execute
from onehop.server.http._docs import docs_routes
from onehop.server.http._index import index_route
from onehop.server.http._metrics import metrics_router
from onehop.server.http._openapi import make_openapi
from onehop.server.http._routing import Parts
from onehop.server.http._states import states
from onehop.server.principal import Principal
from onehop.telemetry import Metrics
from onehop.validation import Validator

_HEADERS: Final = (
    "Authorization",
    "X-API-Key",
    "X-Agent-Id",
    "X-Channel-Id",
    "X-Request-Id",
    "X-Tool-Connection",
    "Content-Type",
    "Last-Event-ID",
    "Mcp-Session-Id",
    "Mcp-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "Traceparent",
    "Tracestate",
)
_FIELDS: Final = 100
"""Values that a body may hold beside the context's."""
_ANSWERED: Final = (OnehopError, HTTPException, RequestValidationError, ValidationError)
_EXPOSED: Final = ("X-Request-Id", "Retry-After", "Mcp-Session-Id")


def create_app(
    executor: Executor,
    agents: Agents,
    settings: ServerConfig | None = None,
    validator: Validator | None = None,
    metrics: Metrics | None = None,
    telemetry: TelemetryConfig | None = None,
    audit: AuditConfig | None = None,
    place: Place | None = None,
) -> FastAPI:
    """The application over ``executor``, which is open and stays the caller's; ``metrics`` watch
    its runs, and ``telemetry`` says who may read them; ``audit`` has the key of its trail, if
    there is one; ``place`` is set where several processes serve one port.

    Raises StoreError for an executor that keeps nothing.
    """
    config = settings or ServerConfig()
    parts = Parts(executor, agents, config, validator or Validator())
    readers = (telemetry or TelemetryConfig()).metrics
    inner = [*_mcp(parts)]
    app = FastAPI(
        title="onehop",
        version=onehop_version(),
        lifespan=_lifespan(parts, [context for _, context in inner]),
        middleware=[
            *_middleware(parts),
            *_carrying(parts, place),
            Middleware(Head),
        ],
        openapi_url=None,  # made when it is first asked for, in a thread
        docs_url=None,  # the framework's page asks other hosts for its parts
        redoc_url=None,
        redirect_slashes=False,  # to send a key again, perhaps in the clear, is not ours to ask
        generate_unique_id_function=lambda route: route.name,
        exception_handlers=dict.fromkeys(_ANSWERED, _answer),
    )
    app.state.parts = parts
    app.router.routes.extend(_short_ways(inner))
    app.include_router(routes.probes)
    app.include_router(routes.api)
    app.include_router(handed.api)
    app.include_router(states)
    app.include_router(metrics_router(metrics, readers))
    app.router.routes.extend([index_route(dashboard=config.dashboard), *docs_routes()])
    app.router.routes.append(Route("/openapi.json", _document))
    if config.dashboard:
        app.router.routes.extend(dashboard_routes(parts, audit or AuditConfig()))
    for served, _ in inner:
        app.router.routes.append(Route("/mcp", served))
    app.openapi = lambda: _remembered(app)  # type: ignore[method-assign]
    return app


def _mcp(parts: Parts) -> list[tuple[ASGIApp, AbstractAsyncContextManager[None]]]:
    """What serves ``/mcp``, if its package is installed."""
    if find_spec("mcp") is None:
        return []
    from onehop.server.mcp.app import build_mcp  # takes a second to import

    def admit(principal: Any) -> Any:
        whoever: Principal = principal
        whoever.hold(parts.gate.run(whoever.holder, whoever.limits))
        return nullcontext()

    return [
        build_mcp(
            parts.executor,
            parts.authenticate,
            parts.settings,
            admit=admit,
            runs=parts.runs,
            closing=parts.closing,
        )
    ]


def _short_ways(inner: list[tuple[ASGIApp, AbstractAsyncContextManager[None]]]) -> list[Route]:
    """Where runs are asked for, before all other routes: the framework would look for what each
    depends on, which takes as long as all that the server does itself. They stay its routes too,
    for its documentation and for other methods."""
    running = Route("/api/v1/execute", execute, methods=["POST"])
    return [running, *(Route("/mcp", served, methods=["POST"]) for served, _ in inner)]


def _lifespan(
    parts: Parts, contexts: list[AbstractAsyncContextManager[None]]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for context in contexts:
                await stack.enter_async_context(context)
            parts.feed.open()
            stack.callback(parts.feed.close)
            if parts.gate.elsewhere is not None:
                parts.gate.elsewhere.open()
                stack.push_async_callback(parts.gate.elsewhere.aclose)
            stack.callback(parts.agents.rest)
            yield
            parts.closing.set()

    return lifespan


def _middleware(parts: Parts) -> list[Middleware]:
    """From the outside in."""
    config = parts.settings
    values = parts.executor.sandbox.get_config().max_values
    bounds = BodyBounds(config.max_body, values + _FIELDS, config.body_timeout / 1000)
    room = Room(config.agent_bodies, config.max_bodies)
    layers = [
        Middleware(Inside),
        Middleware(Requests, refusals=parts.refusals),
        Middleware(Guard, hosts=_hosts(config), origins=config.origins),
        Middleware(BodyLimit, bounds=bounds, room=room),
    ]
    if config.origins:
        cors = Middleware(
            Cors,
            allow_origins=config.origins,
            allow_methods=("GET", "POST", "PUT", "DELETE"),
            allow_headers=_HEADERS,
            expose_headers=_EXPOSED,
        )
        layers.insert(3, cors)
    return layers


def _carrying(parts: Parts, place: Place | None) -> list[Middleware]:
    """What carries requests to the process that they are for."""
    if place is None:
        return []

    async def find_agent(scope: Scope) -> str | None:
        try:
            return (await parts.authenticate(scope)).agent_id
        except OnehopError:  # told by what answers
            return None

    return [Middleware(Homes, place=place, find_agent=find_agent)]


def _hosts(config: ServerConfig) -> tuple[str, ...] | None:
    """The names that are answered; None for all of them."""
    if config.hosts or is_loopback(config.host.strip("[]")) or not config.auth:
        return config.hosts
    return None


async def _document(request: Request) -> Response:
    return Json(await asyncio.to_thread(_remembered, request.app))


def _remembered(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = make_openapi(app)
    return app.openapi_schema


async def _answer(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    headers = dict(problem.headers)
    if problem.status == 405:
        headers["Allow"] = await asyncio.to_thread(_allowed, request)
    return Response(
        problem.body(request.scope[REQUEST_ID]),
        problem.status,
        headers=headers,
        media_type="application/json",
    )


def _allowed(request: Request) -> str:
    """Every method of the address; the framework tells those of its first route only."""
    for path, operations in _remembered(request.app)["paths"].items():
        if compile_path(path)[0].match(request.url.path):
            methods = {method.upper() for method in operations}
            return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
    return "GET, HEAD"
