"""Where the operations of a document are: the one address that all requests go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import SplitResult, urljoin, urlsplit

from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import DocumentError
from onehop.upstreams.openapi._options import OpenApiOptions
from onehop.upstreams.openapi._parameters import TEMPLATE

_PORTS: Final = {"http": 80, "https": 443}
Origin = tuple[str, str, int]


def base_of(document: Document, options: OpenApiOptions) -> str:
    """The address that paths are appended to, without a slash at its end. Raises DocumentError."""
    if options.base_url is not None:
        return options.base_url.rstrip("/")
    servers = document.data.get("servers") or [{"url": "/"}]
    server = servers[0] if isinstance(servers, list) else None
    found = _address(server, options.variables, options.url)
    if origin_of(found) is None:
        raise DocumentError(f"its server is {found[:200]!r}: set base_url to the API's address")
    if "@" in urlsplit(found).netloc:
        raise DocumentError("its server has a password in it: set base_url, and use auth")
    _refuse_stranger(found, options)
    return found.split("?")[0].split("#")[0].rstrip("/")


def _refuse_stranger(found: str, options: OpenApiOptions) -> None:
    """A document from one host must not have credentials sent to another."""
    has_secrets = bool(options.auth or options.headers)
    if has_secrets and options.url and origin_of(options.url) != origin_of(found):
        raise DocumentError(
            f"it is at another host than the server that it names, {found[:200]!r}, which would "
            "get the credentials: set base_url to the API's address"
        )


def _address(server: Any, variables: Mapping[str, str], document_url: str | None) -> str:
    if not isinstance(server, dict) or not isinstance(server.get("url"), str):
        raise DocumentError("its servers have no url: set base_url to the API's address")
    known = server.get("variables")
    pieces = TEMPLATE.split(server["url"])
    filled = "".join(
        _variable(piece, known, variables) if index % 2 else piece
        for index, piece in enumerate(pieces)
    )
    return urljoin(document_url, filled) if document_url else filled


def _variable(name: str, known: Any, chosen: Mapping[str, str]) -> str:
    """Raises DocumentError."""
    said = known.get(name) if isinstance(known, dict) else None
    said = said if isinstance(said, dict) else {}
    value = chosen.get(name, said.get("default"))
    if value is None:
        raise DocumentError(f"the server's variable {name[:80]} has no value: set it in variables")
    allowed = said.get("enum")
    if isinstance(allowed, list) and allowed and value not in allowed:
        shown = ", ".join(map(str, allowed[:20]))
        raise DocumentError(f"the server's variable {name[:80]} may be one of: {shown}")
    return str(value)


def is_elsewhere(document: Document, parts: list[dict[str, Any]], base: str) -> bool:
    """Whether an operation says of itself that it has a server of its own."""
    for part in parts:
        servers = part.get("servers")
        if not isinstance(servers, list) or not servers:
            continue
        if servers == document.data.get("servers"):
            return False
        first = servers[0] if isinstance(servers[0], dict) else {}
        url = urljoin(base + "/", str(first.get("url", "")))
        return url.rstrip("/") != base
    return False


def origin_of(url: str) -> Origin | None:
    """Scheme, host and port; None for what is not an address of HTTP."""
    try:
        parts: SplitResult = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]
