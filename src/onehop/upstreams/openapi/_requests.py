"""The request that a call of an operation becomes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from onehop._version import onehop_version
from onehop.errors import ToolError
from onehop.upstreams.openapi._credentials import Sent
from onehop.upstreams.openapi._operations import Operation
from onehop.upstreams.openapi._parameters import filled
from onehop.upstreams.openapi._sending import Request, multipart


def request_of(
    operation: Operation, base: str, arguments: Mapping[str, Any], sent: Sent
) -> Request:
    """With the credentials in it, which go before whatever the code gave. Raises ToolError."""
    values = list(operation.arguments.given(arguments))
    path, _, fixed = operation.path.partition("#")[0].partition("?")
    pairs = [pair for one, value in values if one.place == "query" for pair in one.pairs(value)]
    pairs = [pair for pair in pairs if pair[0] not in map(_quoted, sent.query)]
    pairs += [(_quoted(name), _quoted(value)) for name, value in sent.query.items()]
    query = "&".join(filter(None, [quote(fixed, safe="=&%+,:;@/?-._~"), *map("=".join, pairs)]))
    media, content = _content(operation, arguments)
    headers = _headers(operation, values, sent)
    if media:
        headers["content-type"] = media
    elif operation.method in ("POST", "PUT", "PATCH"):
        headers["content-length"] = "0"
    url = base + filled(path, values) + (f"?{query}" if query else "")
    return Request(operation.method, url, list(headers.items()), content)


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _headers(operation: Operation, values: Any, sent: Sent) -> dict[str, str]:
    headers = {
        "accept": operation.accept,
        "accept-encoding": "identity",
        "user-agent": f"onehop/{onehop_version()}",
    }
    headers |= {p.name.lower(): p.header(value) for p, value in values if p.place == "header"}
    cookies = [pair for p, value in values if p.place == "cookie" for pair in p.pairs(value)]
    cookies = [pair for pair in cookies if pair[0] not in sent.cookies]
    cookies += list(sent.cookies.items())
    if cookies:
        headers["cookie"] = "; ".join(map("=".join, cookies))
    return headers | {name.lower(): value for name, value in sent.headers.items()}


def _content(operation: Operation, arguments: Mapping[str, Any]) -> tuple[str, bytes]:
    body = operation.body
    if body is None:
        return "", b""
    is_there, value = operation.arguments.body(arguments, body)
    if not is_there:
        return "", b""
    try:
        made = body.encoded(value)
    except UnicodeEncodeError:
        raise ToolError("invalid_arguments", "the body has half a surrogate pair") from None
    return (body.media, made) if isinstance(made, bytes) else multipart(made)
