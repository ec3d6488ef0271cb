"""The cookie of a session, and whether a request comes from a page of this server."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

_SECURE: Final = "__Host-"
"""With this in front, a browser takes the cookie from this very host and over TLS only."""


def cookie_of(request: Request) -> str | None:
    """The session's token, as the browser gives it back. Over TLS only the secure name counts:
    the plain one could have been set by another host of the domain, or without TLS."""
    name = _name(request)
    secure = request.cookies.get(_SECURE + name)
    return secure if secure or _over_tls(request) else request.cookies.get(name)


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
    """What the browser speaks, also where a proxy in front of us ends TLS. To a host that is not
    this machine, browsers say where a request is from over TLS only."""
    headers = request.headers
    if request.url.scheme == "https" or headers.get("origin", "").startswith("https://"):
        return True
    if "https" in headers.get("x-forwarded-proto", "").lower():
        return True
    return "sec-fetch-site" in headers and not _is_this_machine(request)


def _is_this_machine(request: Request) -> bool:
    name = urlsplit(f"//{_host(request)}").hostname or ""
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False
