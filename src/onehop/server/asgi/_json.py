"""JSON in and out: strict when it comes, quick when it goes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from pydantic_core import to_json
from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.inputs.gc import no_collection
from onehop.inputs.strict import RepeatedKeyError, parse
from onehop.server._errors import ClientLeftError, WrongMediaTypeError
from onehop.server.asgi._scope import Receive

_CHARSET: Final = re.compile(r""";\s*charset\s*=\s*["']?([^;"'\s]*)""", re.IGNORECASE)
_UTF_8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
"""What a body in UTF-8 may be called."""
_LARGE: Final = 64 * 1024
"""Bytes of a body from which it is read in a thread, so that others are answered meanwhile."""


class Json(Response):
    """JSON data as an answer, or its text."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Numbers that JSON does not know become null."""
        return content if isinstance(content, bytes) else to_json(content, inf_nan_mode="null")


def check_media(headers: Mapping[str, str]) -> None:
    """Raise WrongMediaTypeError unless the headers name plain JSON in UTF-8."""
    told = headers.get("content-type", "")
    if told.partition(";")[0].strip().lower() != "application/json":
        raise WrongMediaTypeError("the body must be JSON: Content-Type: application/json")
    charset = _CHARSET.search(told)
    if charset is not None and charset[1].lower() not in _UTF_8:
        raise WrongMediaTypeError(f"the body must be UTF-8, not {charset[1][:40]}")
    coding = headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise WrongMediaTypeError(f"the body must not be compressed: got {coding[:40]!r}")


async def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object that is the body. Raises InvalidRequestError and what reading it raises."""
    check_media(request.headers)
    body = await _body(request.receive)
    if len(body) < _LARGE:
        value = _parse(body)
    else:
        with no_collection(len(body)):
            value = await asyncio.to_thread(_parse, body)
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise InvalidRequestError("body", f"a JSON value of type {kind}", "a JSON object")
    return value


def _parse(body: bytes) -> Any:
    try:
        return parse(body.decode())
    except RepeatedKeyError as error:
        raise InvalidRequestError("body", str(error), "JSON with each key once") from None
    except UnicodeDecodeError as error:
        got = f"bytes that are not UTF-8, at byte {error.start}"
        raise InvalidRequestError("body", got, "a JSON object") from None
    except ValueError as error:
        got = f"text that is not JSON ({str(error)[:200]})"
        raise InvalidRequestError("body", got, "a JSON object") from None


async def _body(receive: Receive) -> bytes:
    chunks = list[bytes]()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
