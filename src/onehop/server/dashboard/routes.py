"""The addresses of the dashboard."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from onehop.config import AuditConfig
from onehop.server._errors import NotFoundError
from onehop.server.dashboard import (
    _agents,
    _approvals,
    _artifacts,
    _compare,
    _execution,
    _executions,
    _live,
    _snippets,
)
from onehop.server.dashboard._agents import Agents
from onehop.server.dashboard._assets import serve_asset
from onehop.server.dashboard._counted import Counted
from onehop.server.dashboard._door import Act, Door, Look
from onehop.server.dashboard._frame import Frame
from onehop.server.dashboard._overview import Overview
from onehop.server.dashboard._replay import replay
from onehop.server.dashboard._security import Security
from onehop.server.dashboard._sessions import Sessions
from onehop.server.dashboard._snippets import SnippetPages
from onehop.server.dashboard._tools import Tools
from onehop.server.dashboard._verifier import Verifier
from onehop.server.dashboard._visit import Page, Visit
from onehop.server.http._routing import Parts


def dashboard_routes(parts: Parts, audit: AuditConfig) -> list[Route]:
    """Pages for people, over what the API is made of; ``audit`` has the key of the trail."""
    settings = parts.settings
    sessions = Sessions(settings.session_lifetime / 1000, settings.session_idle / 1000)
    door = Door(parts, sessions, Frame(), _approvals.waiting_count)
    counted = Counted(parts.store)
    agents = Agents(counted)
    security = Security(
        Verifier(audit.key.get_secret_value().encode() if audit.key else None), counted
    )
    snippets = SnippetPages(counted)
    pages: dict[str, Look] = {
        "": Overview(counted).look,
        "/live": _live.look,
        "/live/events": _live.stream,
        "/compare": _compare.look,
        "/approvals": _approvals.look,
        "/agents": agents.look,
        "/agents/{agentId}": agents.one,
        "/tools": Tools(counted).look,
        "/snippets": snippets.look,
        "/snippets/{name}": snippets.one,
        "/security": security.look,
        "/executions": _executions.look,
        "/executions/{requestId}": _execution.look,
        "/executions/{requestId}/artifacts/{artifactId}": _artifacts.look,
        "/executions/{requestId}/{part}": _execution.raw,
    }
    forms: dict[str, Act] = {
        "/logout": door.log_out,
        "/executions/{requestId}/replay": replay,
        "/executions/{requestId}/snippet": _snippets.save,
        "/snippets/{name}/remove": _snippets.remove,
        "/approvals": _approvals.decide,
        "/agents": agents.add,
        "/agents/{agentId}/rules": agents.set_rules,
        "/agents/{agentId}/limits": agents.set_limits,
        "/agents/{agentId}/rotate": _agents.rotate,
        "/agents/{agentId}/revoke": _agents.revoke,
        "/security/verify": security.verify,
    }
    return [
        Route("/dashboard/assets/{tag}/{name}", serve_asset),
        Route("/dashboard/login", door.login(), methods=["GET", "POST"]),
        *(
            Route("/dashboard" + path, door.form(act), methods=["POST"])
            for path, act in forms.items()
        ),
        *(Route("/dashboard" + path, door.page(look)) for path, look in pages.items()),
        Route("/dashboard/{rest:path}/", _without_slash),
        Route("/dashboard/", _without_slash),
        Route("/dashboard/{rest:path}", door.page(_nothing)),
    ]


async def _without_slash(request: Request) -> Response:
    """From an address that somebody typed with a slash at its end, to the page.

    The way is relative: a proxy may put a path in front, and no address leads to another host.
    """
    last = request.url.path.rstrip("/").rpartition("/")[2]
    return RedirectResponse(f"../{quote(last, safe='')}", 307)


async def _nothing(_visit: Visit) -> Page:
    raise NotFoundError("the dashboard has no such page")
