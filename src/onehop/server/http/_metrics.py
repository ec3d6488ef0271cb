"""``GET /metrics``: for Prometheus, with a key that may look at everything.

Metrics name upstream servers, and say how often code fails and how full the server is: that helps
anyone who wants to press it. So they need a key, unless the operator says that the network decides.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from onehop.server._errors import ForbiddenError, NotFoundError
from onehop.server.http._routing import Here, Who, errors, no_query
from onehop.telemetry import Metrics

Readers = Literal["viewer", "open", "off"]

_OFF: Final = "metrics are off here: ONEHOP_METRICS=viewer turns them on"
_MISSING: Final = "metrics are not installed here: pip install 'onehop[metrics]'"
_TEXT: Final[dict[str, Any]] = {
    "text/plain": {
        "schema": {"type": "string"},
        "example": 'onehop_executions_total{language="javascript",outcome="completed"} 42.0\n',
    }
}


def metrics_router(metrics: Metrics | None, readers: Readers) -> APIRouter:
    """The address, for those ``readers``."""
    guards = [] if readers == "open" else [Depends(_reader)]
    router = APIRouter(tags=["health"], dependencies=[*guards, Depends(no_query)])

    @router.get(
        "/metrics",
        name="metrics",
        response_class=Response,
        responses={**errors(404), 200: {"content": _TEXT}},
    )
    async def metrics_(request: Request, here: Here) -> Response:
        """Give the metrics that Prometheus reads; for a viewer or an admin."""
        if metrics is None:
            raise NotFoundError(_OFF if readers == "off" else _MISSING)
        state = await here.executor.state()
        text, media_type = metrics.render(state, request.headers.get("accept", ""))
        return Response(text, headers={"Content-Type": media_type, "Cache-Control": "no-store"})

    return router


def _reader(principal: Who) -> None:
    if not principal.sees_all:
        raise ForbiddenError("metrics are for a viewer or an admin: this key's role is agent")
