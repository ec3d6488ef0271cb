"""An API: its operations, its credentials, its connections, and one call of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import httpcore2

from onehop.errors import ConfigError, ToolError
from onehop.inputs.gc import no_collection
from onehop.runs.traces import TRACING, outgoing
from onehop.runs.watching import stage
from onehop.tools import ToolContext
from onehop.upstreams.openapi import _answers, _bounds
from onehop.upstreams.openapi._credentials import Credentials
from onehop.upstreams.openapi._document import Document
from onehop.upstreams.openapi._faults import DocumentError
from onehop.upstreams.openapi._loading import read_data, read_file
from onehop.upstreams.openapi._network import AddressRefusedError
from onehop.upstreams.openapi._operations import Operation, Operations
from onehop.upstreams.openapi._options import OpenApiOptions
from onehop.upstreams.openapi._patches import patched
from onehop.upstreams.openapi._requests import request_of
from onehop.upstreams.openapi._security import Scheme, schemes
from onehop.upstreams.openapi._sending import (
    Answer,
    AnswerRefusedError,
    Request,
    Sender,
    is_sendable,
)
from onehop.upstreams.openapi._servers import base_of

_log = logging.getLogger(__name__)
_NOWHERE: Final = "no request can go to {}: its host cannot be, or its path is not percent-encoded"


@dataclass(frozen=True)
class _Read:
    """What is kept of a document."""

    base: str
    operations: Sequence[Operation]
    skipped: Mapping[str, str]
    schemes: Mapping[str, Scheme]


async def open_api(options: OpenApiOptions, place: str, environ: Mapping[str, str]) -> Api:
    """Get the document and read it. Raises DocumentError, and ConfigError for settings that do not
    fit it."""
    for name, url in (("openapi", options.url), ("base_url", options.base_url)):
        if url is not None and not is_sendable(url):
            raise ConfigError(f"{place}.{name}", _NOWHERE.format(url[:200]))
    sender = Sender(private=options.private, connections=options.concurrency)
    try:
        data = await _get(sender, options) if options.url else None
        read = await asyncio.to_thread(_read, data, options)
        return Api(read, sender, Credentials(options, read.schemes, place, environ), options)
    except BaseException:
        await sender.aclose()
        raise


def _read(data: bytes | None, options: OpenApiOptions) -> _Read:
    data = read_file(options.openapi) if data is None else data
    with no_collection(len(data)):
        document = Document(patched(read_data(data), _patches(options)))
        base = base_of(document, options)
        if not is_sendable(base):
            raise DocumentError(_NOWHERE.format(base[:200]))
        operations = Operations(document, options, base)
        return _Read(base, operations.made, operations.skipped, schemes(document))


def _patches(options: OpenApiOptions) -> list[Any]:
    if not isinstance(options.patches, str):
        return list(options.patches)
    found = read_data(read_file(options.patches))
    if not isinstance(found, list):
        raise DocumentError(f"{options.patches} has no list of patches")
    return found


async def _get(sender: Sender, options: OpenApiOptions) -> bytes:
    """The document at a URL; no credentials go there. Raises DocumentError."""
    accept = "application/json, application/yaml;q=0.9, */*;q=0.1"
    headers = [("accept", accept), ("accept-encoding", "identity")]
    seconds = options.connect_timeout / 1000
    try:
        async with asyncio.timeout(seconds):
            request = Request("GET", options.openapi, headers)
            answer = await sender.send(request, _bounds.DOCUMENT)
    except TimeoutError:
        raise DocumentError(f"it did not come within {seconds:g} s") from None
    except (AnswerRefusedError, httpcore2.NetworkError) as error:
        raise DocumentError(str(error) or type(error).__name__) from None
    except (httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        raise DocumentError(f"its server does not answer well: {error}"[:300]) from None
    if answer.status != 200:
        raise DocumentError(f"its server answered with HTTP {answer.status}")
    return answer.body


class Api:
    """One API, ready to be called; ``aclose`` when it is over."""

    def __init__(
        self, read: _Read, sender: Sender, credentials: Credentials, options: OpenApiOptions
    ) -> None:
        self.operations = read.operations
        self.skipped = read.skipped
        self._base = read.base
        self._sender = sender
        self._credentials = credentials
        self._places = asyncio.Semaphore(options.concurrency)
        self._seconds = None if options.timeout is None else options.timeout / 1000

    async def aclose(self) -> None:
        """End all connections."""
        await self._sender.aclose()

    def make_call(self, operation: Operation) -> Callable[..., Any]:
        """The function that calls it."""

        async def call(arguments: dict[str, Any], /, context: ToolContext) -> Any:
            async with self._places:
                context.start()
                return await self._call(operation, arguments, context)

        return call

    async def _call(
        self, operation: Operation, arguments: dict[str, Any], context: ToolContext
    ) -> Any:
        known = await self._credentials.known()
        sent = self._credentials.sent(known, operation.security)
        answer = await self._send(operation, request_of(operation, self._base, arguments, sent))
        try:
            return _answers.value_of(
                answer,
                method=operation.method,
                effect=operation.effect,
                mask=known.mask,
                keep=context.on_media,
                advice=self._advice(operation),
            )
        except ToolError as error:
            if error.code == "auth_required":
                self._credentials.forget()
            raise

    def _advice(self, operation: Operation) -> str:
        missing = self._credentials.missing(operation.security)
        return f" (set auth for {' or '.join(missing[:5])})" if missing else ""

    async def _exchange(self, operation: Operation, request: Request) -> Answer:
        """The answer; the request says which span it belongs to."""
        method, path = operation.method, operation.path
        with stage("request", method=method, path=path, url=self._base) as noted:
            answer = await self._sender.send(_placed(request, outgoing()))
            noted.note(status=answer.status)
            return answer

    async def _send(self, operation: Operation, request: Request) -> Answer:
        """Raises ToolError."""
        after = _answers.after(operation.effect)
        try:
            async with asyncio.timeout(self._seconds) as clock:
                return await self._exchange(operation, request)
        except TimeoutError:
            if not clock.expired():
                raise
            words = f"the API did not answer within {self._seconds:g} s"
            raise ToolError("timeout", words, retryable=after == "none", effect=after) from None
        except AnswerRefusedError as error:
            raise _answers.refused(error, operation.effect) from None
        except AddressRefusedError as error:
            raise ToolError("unavailable", str(error)) from None
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
            words = f"the API cannot be reached: {error}"[:500]
            raise ToolError("unavailable", words, retryable=True, retry_after=1000) from None
        except (httpcore2.NetworkError, httpcore2.TimeoutException) as error:
            words = f"the connection to the API ended: {type(error).__name__}"
            raise ToolError(
                "unavailable", words, retryable=after == "none", retry_after=1000, effect=after
            ) from None
        except httpcore2.ProtocolError:
            words = "the API's answer is not HTTP, or was cut off"
            raise ToolError("failed", words, effect=after) from None


def _placed(request: Request, trace: Mapping[str, str]) -> Request:
    """``request``, part of ``trace`` instead of the one that the code may have named."""
    if not trace:
        return request
    given = [(name, value) for name, value in request.headers if name not in TRACING]
    return replace(request, headers=[*given, *trace.items()])
