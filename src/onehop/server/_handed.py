"""Tools that clients hand in: each runs in the process of its client, for that agent's runs only.

A client's connection is a stream that the server sends calls on; the answers come in requests of
their own. Whatever a client says is a stranger's word, as an upstream server's is.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Protocol, get_args

from pydantic_core import to_json

from onehop.errors import (
    ConfigError,
    InvalidRequestError,
    ToolError,
    ToolErrorCode,
    ToolErrorEffect,
    ToolsGoneError,
)
from onehop.limits import MIB
from onehop.sandbox.calls import Beside
from onehop.server._errors import NotFoundError
from onehop.tools import Effect, Tool, ToolContext, Tools, mixed_alphabets

MOST: Final = 200
"""Tools of one connection."""
LARGEST: Final = 4 * MIB
"""Bytes of the request that lists them."""
_LARGEST_TOOL: Final = 256 * 1024
"""Bytes of the schemas of one."""
_DESCRIPTION: Final = 8192
"""Characters of its description."""
_ERROR: Final = 8192
"""Characters of what a client says of a failure."""
_SHORT: Final = 500
_LONGEST_NAME: Final = 256
"""Characters that are looked at: a longer name is refused."""
_LONGEST_WAIT: Final = 86_400_000
"""Milliseconds that a client may ask to wait before another try: a day."""
_CODES: Final = frozenset(
    {
        "invalid_arguments",
        "timeout",
        "unavailable",
        "auth_required",
        "failed",
        "too_large",
        "invalid_result",
        "internal",
    }
)
"""What a client may say; the rest is the host's to decide."""
_EFFECTS: Final = frozenset(get_args(ToolErrorEffect))
_UNREAD: Final = 16 * MIB
"""Bytes of calls that wait for a client which does not read them."""
_GONE: Final = "the client whose tool it is has left"

Form = Callable[[str, Mapping[str, Any]], bytes]
"""From the name and the data of an event to its bytes on the wire."""


class Listed(Protocol):
    """A tool as a client lists it."""

    @property
    def name(self) -> str: ...
    @property
    def namespace(self) -> str | None: ...
    @property
    def description(self) -> str: ...
    @property
    def input_schema(self) -> Mapping[str, Any]: ...
    @property
    def output_schema(self) -> Mapping[str, Any] | None: ...
    @property
    def effect(self) -> Effect: ...


class Handed:
    """The tools of one client, as long as its connection stands."""

    def __init__(self, owner: tuple[str, str], listed: Sequence[Listed], form: Form) -> None:
        """``owner`` is the key's agent and the agent whose runs these are. Raises
        InvalidRequestError for what cannot be a tool."""
        self.id = secrets.token_urlsafe(24)
        self.owner = owner
        self.beside = Beside(_tools(listed, self._call))
        self._form = form
        self._open: dict[str, _Call] = {}
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._moved = asyncio.Event()
        self.is_closed = False

    async def calls(self) -> AsyncGenerator[bytes, None]:
        """What the client is to do, for ever, in its form on the wire."""
        while not self.is_closed:
            while self._waiting:
                sent = self._waiting.popleft()
                self._size -= len(sent)
                yield sent
            self._moved.clear()
            await self._moved.wait()

    def open_call(self, call_id: str) -> _Call:
        """A call that has no answer yet. Raises NotFoundError."""
        call = self._open.get(call_id)
        if call is None or call.answer.done():
            raise _over()
        return call

    def close(self) -> None:
        """The client has left: calls in flight and further ones are ``unavailable``."""
        self.is_closed = True
        self._moved.set()
        for call in self._open.values():
            call.lose()

    def _send(self, name: str, data: Mapping[str, Any]) -> None:
        made = self._form(name, data)
        self._waiting.append(made)
        self._size += len(made)
        self._moved.set()

    async def _call(
        self, path: str, effect: Effect, arguments: dict[str, Any], /, context: ToolContext
    ) -> Any:
        if self.is_closed:
            raise ToolError("unavailable", _GONE, retryable=True, effect="none")
        call = _Call(effect)
        told = {"callId": call.id, "tool": path, "arguments": arguments, **_about(context)}
        self._ask(told)
        self._open[call.id] = call
        try:
            return await call.answer
        except asyncio.CancelledError:
            self._send("cancel", {"callId": call.id})
            raise
        finally:
            del self._open[call.id]

    def _ask(self, told: Mapping[str, Any]) -> None:
        if self._size > _UNREAD:
            words = "the client whose tool it is does not read what it is asked"
            raise ToolError("unavailable", words, retryable=True, effect="none")
        self._send("call", told)


class _Call:
    """One that waits for the client."""

    def __init__(self, effect: Effect) -> None:
        self.id = secrets.token_urlsafe(18)
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._effect = effect

    def settle(self, body: Mapping[str, Any]) -> None:
        """Take the answer: ``{"value": …}`` or ``{"error": {…}}``.

        Raises InvalidRequestError for what is neither, and NotFoundError when the call is over.
        """
        if self.answer.done():
            raise _over()
        if body.keys() == {"value"}:
            self.answer.set_result(body["value"])
        elif body.keys() == {"error"} and isinstance(body["error"], dict):
            self.answer.set_exception(_error(body["error"], self._effect))
        else:
            allowed = "an object with value, or one with an object error"
            raise InvalidRequestError("body", f"the fields {sorted(body)}"[:200], allowed)

    def refuse(self, code: ToolErrorCode, words: str) -> None:
        """The client's answer cannot be used, so that the call is over."""
        if not self.answer.done():
            self.answer.set_exception(ToolError(code, words, effect=after(self._effect)))

    def lose(self) -> None:
        """The client has left."""
        if not self.answer.done():
            self.answer.set_exception(_gone(self._effect))


class HandedTools:
    """All connections of clients that hand tools in."""

    def __init__(self) -> None:
        self._known: dict[str, Handed] = {}

    def add(self, handed: Handed) -> None:
        """From now on runs may name it."""
        self._known[handed.id] = handed

    def remove(self, handed: Handed) -> None:
        """Its client has left."""
        self._known.pop(handed.id, None)
        handed.close()

    def find(self, connection_id: str, owner: tuple[str, str]) -> Handed:
        """An owner's connection. Raises ToolsGoneError for one that is not, or another's: which of
        the two is not told."""
        handed = self._known.get(connection_id)
        if handed is None or handed.owner != owner:
            raise ToolsGoneError("no connection of a client with tools has this id: it has ended")
        return handed


def _over() -> NotFoundError:
    return NotFoundError("there is no such call, or it is over")


def _about(context: ToolContext) -> dict[str, Any]:
    return {
        "agentId": context.agent_id,
        "channelId": context.channel_id or "",
        "requestId": context.request_id,
    }


def _tools(listed: Sequence[Listed], call: Callable[..., Any]) -> Tools:
    """Raises InvalidRequestError."""
    if len(listed) > MOST:
        raise InvalidRequestError("tools", f"{len(listed)} tools", f"at most {MOST}")
    root: list[Tool] = []
    spaces: dict[str, list[Tool]] = {}
    for number, one in enumerate(listed):
        space = root if one.namespace is None else spaces.setdefault(one.namespace, [])
        space.append(_tool(f"tools.{number}", one, call))
    try:
        return Tools(*root, **spaces)
    except ConfigError as error:
        raise InvalidRequestError("tools", "one that cannot be used", str(error)) from None


def _tool(place: str, one: Listed, call: Callable[..., Any]) -> Tool:
    size = len(to_json([one.input_schema, one.output_schema]))
    if size > _LARGEST_TOOL:
        raise InvalidRequestError(place, f"{size} bytes", f"at most {_LARGEST_TOOL} bytes")
    _check_letters(place, one.name)
    _check_letters(place, one.namespace or "")
    path = one.name if one.namespace is None else f"{one.namespace}.{one.name}"
    try:
        return Tool(
            one.name,
            partial(call, path, one.effect),
            one.description[:_DESCRIPTION],
            one.input_schema,
            one.output_schema,
            one.effect,
            is_hint=True,
        )
    except ConfigError as error:
        raise InvalidRequestError(place, "one that cannot be used", str(error)) from None


def _check_letters(place: str, name: str) -> None:
    if found := mixed_alphabets(name[:_LONGEST_NAME]):
        got = f"{name!r:.80}, a word with letters of {' and '.join(found)}"
        raise InvalidRequestError(place, got, "a name whose words have letters of one alphabet")


def after(effect: Effect) -> ToolErrorEffect:
    """What is known of a call that began and has no answer."""
    return "none" if effect == "read" else "unknown"


def _gone(effect: Effect) -> ToolError:
    retryable = effect == "read"
    return ToolError("unavailable", _GONE, retryable=retryable, effect=after(effect))


def _error(told: Mapping[str, Any], effect: Effect) -> ToolError:
    """What a client says of a failure, as far as it may: what only the host decides it cannot."""
    code: ToolErrorCode = told["code"] if told.get("code") in _CODES else "failed"
    known: ToolErrorEffect = told["effect"] if told.get("effect") in _EFFECTS else after(effect)
    return ToolError(
        code,
        _text(told.get("message")) or "the tool failed, and its client does not say why",
        field=_text(told.get("field"), _SHORT),
        expected=_text(told.get("expected"), _SHORT),
        retryable=told.get("retryable") is True,
        retry_after=_number(told.get("retryAfter")),
        status=_status(told.get("status")),
        effect=known,
    )


def _text(given: Any, most: int = _ERROR) -> str | None:
    return given[:most].encode("utf-8", "replace").decode() if isinstance(given, str) else None


def _number(given: Any) -> float | None:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return given if is_number and 0 <= given <= _LONGEST_WAIT else None


def _status(given: Any) -> int | None:
    return given if type(given) is int and 100 <= given <= 599 else None
