"""JSON in and out: strict when it comes, quick when it goes."""

from __future__ import annotations

import asyncio
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

_LARGE: Final = 64 * 1024
"""Bytes of a body from which it is read in a thread, so that others are answered meanwhile."""


class Json(Response):
    """JSON data as an answer, or its text."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Numbers that JSON does not know become null."""
        return content if isinstance(content, bytes) else to_json(content, inf_nan_mode="null")


async def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object that is the body. Raises InvalidRequestError and what reading it raises."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongMediaTypeError("the body must be JSON: Content-Type: application/json")
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
