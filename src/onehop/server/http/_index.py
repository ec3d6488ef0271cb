"""``GET /``: where everything is, as a page for people and as JSON for programs."""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from onehop._version import onehop_version
from onehop.server.asgi._json import Json

_PLACES: Final = {
    "dashboard": ("dashboard", "what agents do, for people with a viewer's key"),
    "docs": ("docs", "the API, to read and try out"),
    "api": ("api/v1", "the start of every address of the API"),
    "openapi": ("openapi.json", "the description of the API"),
    "mcp": ("mcp", "the address for MCP clients"),
    "health": ("healthz", "whether the server is alive"),
    "ready": ("readyz", "whether it can run code"),
}
"""Name to address, relative so that a proxy may put a path in front, and what is there."""
_HEADERS: Final = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Vary": "Accept",
    "X-Content-Type-Options": "nosniff",
}


def index_route(*, dashboard: bool = True) -> Route:
    """Needs no key: it tells nothing about anybody."""
    absent = set() if dashboard else {"dashboard"}

    async def index(request: Request) -> Response:
        return await _index(request, absent)

    return Route("/", index)


async def _index(request: Request, absent: set[str]) -> Response:
    left_out = absent if find_spec("mcp") else absent | {"mcp"}
    places = {name: place for name, place in _PLACES.items() if name not in left_out}
    if _wants_html(request.headers.get("Accept", "")):
        return Response(_page(places), headers=_HEADERS, media_type="text/html")
    links = {name: f"/{address}" for name, (address, _) in places.items()}
    return Json({"name": "onehop", "version": onehop_version(), **links}, headers=_HEADERS)


def _wants_html(accept: str) -> bool:
    """Whether HTML is asked for by name: a browser does so, and programs take anything."""
    kinds = [part.replace(" ", "").lower().split(";") for part in accept.split(",")]
    return any(
        kind[0] in ("text/html", "application/xhtml+xml") and "q=0" not in kind for kind in kinds
    )


def _page(places: dict[str, tuple[str, str]]) -> str:
    rows = "\n".join(
        f"<li>{_linked(name, address)} {escape(what)}</li>"
        for name, (address, what) in places.items()
    )
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>onehop</title>\n'
        f"<h1>onehop {escape(onehop_version())}</h1>\n"
        f"<p>This server runs JavaScript and TypeScript in a sandbox.</p>\n<ul>\n{rows}\n</ul>\n"
    )


def _linked(name: str, address: str) -> str:
    """A link, except to the API, whose start is not a page."""
    return f"/{address}" if name == "api" else f'<a href="{address}">/{address}</a>'
