"""The page ``/docs``: Swagger UI out of this package, so that no other host is asked for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES: Final = {
    "/docs": "page/docs.html",
    "/docs/docs.css": "page/docs.css",
    "/docs/docs.js": "page/docs.js",
    "/docs/favicon.png": "swagger_ui/favicon-32x32.png",
    "/docs/swagger-ui-bundle.js": "swagger_ui/swagger-ui-bundle.js",
    "/docs/swagger-ui.css": "swagger_ui/swagger-ui.css",
}
"""Address to file. The page's links are relative, for a proxy that puts a path in front."""
_TYPES: Final = {
    "css": "text/css",
    "html": "text/html",
    "js": "text/javascript",
    "png": "image/png",
}
_HEADERS: Final = {
    # Every page may be kept, and is asked for again: what is kept of an older version is not used.
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def docs_routes() -> list[Route]:
    """The page and what it loads, which need no key: they tell nothing about anybody."""
    return [Route(address, _serve(file)) for address, file in _FILES.items()]


def _serve(file: str) -> Callable[[Request], Response]:
    """An endpoint that is not async: the file is read in a thread."""

    def serve(request: Request) -> Response:
        content, tag = _read(file)
        headers = {**_HEADERS, "ETag": tag}
        if tag in request.headers.get("If-None-Match", ""):
            return Response(status_code=304, headers=headers)
        return Response(content, headers=headers, media_type=_TYPES[file.rpartition(".")[2]])

    return serve


@cache
def _read(file: str) -> tuple[bytes, str]:
    """What is in a file of this package, and its ETag."""
    content = files(__package__).joinpath(file).read_bytes()
    return content, f'"{sha256(content).hexdigest()[:32]}"'
