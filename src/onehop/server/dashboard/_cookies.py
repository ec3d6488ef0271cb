"""The cookie of a session, and whether a request comes from a page of this server."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

_SECURE: Final = "__Host-"
"""With this in front, a browser takes the cookie from this very host and over TLS only."""


def cookie_of(request: Request) -> str | None:
    """The session's token, as the browser gives it back."""
    name = _name(request)
    return request.cookies.get(_SECURE + name) or request.cookies.get(name)


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Give the browser a session; it ends with the browser, or earlier here."""
    secure = _over_tls(request)
    response.set_cookie(
        (_SECURE if secure else "") + _name(request),
        token,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",  # a link in a chat opens the page that it names; forms need a token too
    )


def drop_cookie(request: Request, response: Response) -> None:
    """Take it back."""
    secure = _over_tls(request)
    name = (_SECURE if secure else "") + _name(request)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def is_from_here(request: Request) -> bool:
    """Whether a page of this server sent the form: every browser says where a form is from."""
    origins = request.headers.getlist("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    if len(origins) != 1 or site != "same-origin":
        return False
    page = urlsplit(origins[0])
    return page.scheme in ("http", "https") and page.netloc.lower() == _host(request)


def _name(request: Request) -> str:
    """With the port: to cookies, two servers on one machine are the same host."""
    port = _host(request).rpartition(":")[2]
    return f"onehop_{port if port.isdigit() else 'session'}"


def _host(request: Request) -> str:
    return request.headers.get("host", "").lower()


def _over_tls(request: Request) -> bool:
    """What the browser speaks, also where a proxy in front of us ends TLS."""
    origin = request.headers.get("origin", "")
    return request.url.scheme == "https" or origin.startswith("https://")
