"""Tools that run in this process, for the runs of one client: offered to its server, and called
by it over a stream that the client holds open.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from pydantic_core import from_json

from onehop.client._connection import Call, Connection
from onehop.client._retries import asked_of, passes, pause
from onehop.client._wire import encode
from onehop.errors import (
    ConfigError,
    NotConnectedError,
    OnehopError,
    ServerUnreachableError,
    ToolError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from onehop.tools import Bound, Catalogue, Tools

_PATH: Final = "/tools/connections"
_RESULT: Final = 4 << 20
"""Bytes of a value, if the server does not say how many."""
_WAIT: Final = 60.0
_PATIENCE: Final = 30.0
"""Seconds in which an answer must reach the server."""
_MOST: Final = 1000
"""Calls that are carried out at once."""
_AT_FIRST: Final = 3
"""Failures that are borne before the first connection stands."""

_log = logging.getLogger(__name__)


class HandedTools:
    """``tools``: functions, ``Tool`` objects, or a ``Tools`` of them. Raises ConfigError."""

    def __init__(self, tools: Any) -> None:
        self._given = _composed(tools)
        self._catalogue = _catalogue(self._given)
        self._connection: Connection | None = None
        self._following: asyncio.Task[None] | None = None
        self._id: asyncio.Future[str] | None = None
        self._largest = _RESULT
        self.wait = _WAIT
        """Seconds that a run may wait for tools while its deadline stands still."""
        self._calls: dict[str, asyncio.Task[None]] = {}

    async def open(self, connection: Connection) -> None:
        """Offer them, and wait until the server has taken them.

        Raises InvalidRequestError for a tool that it does not take, and what calls of the client
        raise.
        """
        self._connection = connection
        loop = asyncio.get_running_loop()
        self._id = loop.create_future()
        self._following = loop.create_task(self._follow(connection))
        try:
            await self._standing()
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Give up the calls that are carried out, and the connection."""
        following, self._following = self._following, None
        ending = [*self._calls.values(), *([following] if following else [])]
        for task in ending:
            task.cancel()
        if ending:
            await asyncio.gather(*ending, return_exceptions=True)
        self._catalogue.close()
        self._catalogue = _catalogue(self._given)  # the client may connect again

    async def headers(self) -> Mapping[str, str]:
        """What a run says so that its code has these tools; waits until they are offered."""
        return {"X-Tool-Connection": await self._standing()}

    async def _standing(self) -> str:
        if self._id is None or self._following is None:
            raise NotConnectedError("the client was disconnected meanwhile")
        waiting = asyncio.ensure_future(asyncio.shield(self._id))
        try:
            both: list[asyncio.Future[Any]] = [waiting, self._following]
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                self._following.result()  # it never ends but by an error
            return await waiting
        finally:
            waiting.cancel()

    # --- the connection ---

    async def _follow(self, connection: Connection) -> None:
        failures, has_stood = 0, False
        while True:
            error: OnehopError | None = None
            try:
                await self._read(connection)
            except OnehopError as caught:
                error = caught
            if self._lose():
                has_stood, failures = True, 0
            failures += 1
            if error is not None and not _passes(error, has_stood, failures):
                raise error
            asked = None if error is None else asked_of(error)
            wait = pause(failures, asked, random.random())  # noqa: S311 - no secret
            _log.info("the connection for tools ended (%s); again in %.1f s", error, wait)
            await asyncio.sleep(wait)

    def _lose(self) -> bool:
        """The connection is gone, and the server has given up its calls; whether it stood."""
        for task in self._calls.values():
            task.cancel()
        if self._id is None or not self._id.done():
            return False
        self._id = asyncio.get_running_loop().create_future()
        return True

    async def _read(self, connection: Connection) -> None:
        body = encode({"tools": [_listed(bound) for bound in self._catalogue.bound.values()]})
        async with connection.stream(Call("POST", _PATH, body=body)) as source:
            async for sent in source:
                self._hear(sent.event, _object(sent.data))

    def _hear(self, event: str, data: dict[str, Any]) -> None:
        match event, data:
            case "ready", {"connectionId": str(name)}:
                self._begin(name, data.get("limits"))
            case "call", {"callId": str(call_id), "tool": str(path)}:
                self._start(call_id, path, data)
            case "cancel", {"callId": str(call_id)} if call_id in self._calls:
                self._calls[call_id].cancel()

    def _begin(self, name: str, limits: Any) -> None:
        told = limits if isinstance(limits, dict) else {}
        if type(most := told.get("result")) is int and most > 0:
            self._largest = most
        if type(wait := told.get("wait")) is int and wait > 0:
            self.wait = wait / 1000
        if self._id is not None and not self._id.done():
            self._id.set_result(name)

    # --- calls ---

    def _start(self, call_id: str, path: str, data: Mapping[str, Any]) -> None:
        if call_id in self._calls or self._id is None or not self._id.done():
            return
        if len(self._calls) >= _MOST:
            _log.warning("the server has more than %d calls at once; one was left out", _MOST)
            return
        address = f"{_PATH}/{self._id.result()}/calls/{quote(call_id, safe='')}"
        work = self._carry_out(address, path, data)
        task = self._calls[call_id] = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda _task: self._calls.pop(call_id, None))

    async def _carry_out(self, address: str, path: str, data: Mapping[str, Any]) -> None:
        try:
            answer = await self._answer(path, data)
        except ToolError as error:
            answer = _failure(error)
        try:
            assert self._connection is not None  # noqa: S101 - opened
            await self._connection.tell(Call("POST", address, body=answer), _PATIENCE)
        except OnehopError as error:
            _log.info("the answer of %s was not taken: %s", path, error)

    async def _answer(self, path: str, data: Mapping[str, Any]) -> bytes:
        from onehop.tools import ToolContext

        bound = self._catalogue.bound.get(path)
        arguments = data.get("arguments")
        if bound is None or not isinstance(arguments, dict):
            raise ToolError("unknown_tool", f"this client has no tool {path}", path)
        context = ToolContext(
            agent_id=_text(data.get("agentId")),
            channel_id=_text(data.get("channelId")),
            request_id=_text(data.get("requestId")),
            tool=path,
        )
        checked = await bound.check_large(arguments)
        value = await bound.invoke(checked, context, largest=self._largest)
        return b'{"value":%b}' % value


def _composed(tools: Any) -> Tools:
    from onehop.tools import composed  # takes a while to load

    given: Tools = composed(tools)
    for name in given.providers:
        words = "a client hands functions in; a server is given to onehop itself"
        raise ConfigError(f"tools.{name}", words)
    return given


def _catalogue(given: Tools) -> Catalogue:
    from onehop.tools import Catalogue

    made = Catalogue.of(given)
    if not made.bound:
        raise ConfigError("tools", "there are none in it: leave it out")
    return made


def _listed(bound: Bound) -> dict[str, Any]:
    told = {
        "name": bound.tool.name,
        "namespace": bound.namespace or None,
        "description": bound.description,
        "inputSchema": bound.input_schema,
        "outputSchema": bound.output_schema,
        "effect": bound.effect,
    }
    return {name: value for name, value in told.items() if value is not None}


def _failure(error: ToolError) -> bytes:
    fields = error.to_dict()
    fields["message"] = error.message.replace("the host's log", "the log of its client")
    known = ("code", "message", "field", "expected", "retryable", "retryAfter", "status", "effect")
    return encode({"error": {name: fields[name] for name in known if name in fields}})


def _passes(error: OnehopError, has_stood: bool, failures: int) -> bool:
    silent = isinstance(error, ServerUnreachableError | UnexpectedAnswerError)
    return (passes(error) or (silent and has_stood)) and (has_stood or failures <= _AT_FIRST)


def _object(data: str) -> dict[str, Any]:
    try:
        found = from_json(data) if data else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(given: Any) -> str:
    return given if isinstance(given, str) else ""
