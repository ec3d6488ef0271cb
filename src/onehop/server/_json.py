"""JSON in and out: strict when it comes, quick when it goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from pydantic_core import from_json, to_json
from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.server._body import Receive
from onehop.server._errors import ClientLeftError, WrongMediaTypeError


class Json(Response):
    """JSON data as an answer."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Numbers that JSON does not know become null."""
        return to_json(content, inf_nan_mode="null")


async def read_object(request: Request) -> Mapping[str, Any]:
    """The JSON object that is the body. Raises InvalidRequestError and what reading it raises."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise WrongMediaTypeError("the body must be JSON: Content-Type: application/json")
    try:
        value = from_json(await _body(request.receive), allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError("body", f"what is no JSON ({error})", "a JSON object") from None
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise InvalidRequestError("body", f"a JSON value of type {kind}", "a JSON object")
    return value


async def _body(receive: Receive) -> bytes:
    chunks = list[bytes]()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)
