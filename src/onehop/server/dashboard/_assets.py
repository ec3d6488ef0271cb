"""What the pages load: files of this package, under names that change when they do."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from onehop.server._errors import NotFoundError

_FILES: Final = {
    "dashboard.css": "assets/dashboard.css",
    "page.js": "assets/page.js",
    "renew.js": "assets/renew.js",
    "live.js": "assets/live.js",
    "code.js": "assets/code.js",
    "charts.js": "assets/charts.js",
    "icon.svg": "assets/icon.svg",
    "uplot.js": "uplot/uPlot.iife.min.js",
    "uplot.css": "uplot/uPlot.min.css",
}
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    packed: bytes
    tag: str
    media: str


@cache
def asset(name: str) -> Asset:
    """One of the files. Raises KeyError."""
    content = files(__package__).joinpath(_FILES[name]).read_bytes()
    media = _TYPES[name.rpartition(".")[2]]
    packed = gzip.compress(content, 9, mtime=0)
    return Asset(content, packed, sha256(content).hexdigest()[:16], media)


def asset_path(name: str) -> str:
    """Where it is, seen from ``/``."""
    return f"dashboard/assets/{asset(name).tag}/{name}"


def serve_asset(request: Request) -> Response:
    """Not async, so that files are read in a thread. They need no login: they tell nothing."""
    name = request.path_params["name"]
    if name not in _FILES or request.path_params["tag"] != asset(name).tag:
        raise NotFoundError("there is no such file")
    found = asset(name)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers = {**_HEADERS, "Content-Encoding": "gzip"}
        return Response(found.packed, headers=headers, media_type=found.media)
    return Response(found.content, headers=_HEADERS, media_type=found.media)
