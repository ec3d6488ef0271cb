"""CORS, whose refusals have the body of every other error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from onehop.server._errors import Problem
from onehop.server.asgi._scope import REQUEST_ID, answer

_OF_THE_BODY: Final = ("content-length", "content-type")


class Cors(CORSMiddleware):
    """Middleware: tells browsers which pages may call, and with what."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """What a browser hears that asks before it lets a page call."""
        asked = super().preflight_response(request_headers)
        if asked.status_code < 400:
            return asked
        headers = {k: v for k, v in asked.headers.items() if k not in _OF_THE_BODY}
        return _Refusal(_words(bytes(asked.body).decode()), headers)


class _Refusal(Response):
    """Names the request, which is known when it is sent."""

    def __init__(self, words: str, headers: Mapping[str, str]) -> None:
        super().__init__()
        self._problem = Problem(403, "forbidden", words, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        await answer(send, self._problem, scope[REQUEST_ID])


def _words(framework: str) -> str:
    what = framework.rpartition("CORS ")[2]
    return f"pages may not call with this {what}: Access-Control-Allow-… name what they may"
