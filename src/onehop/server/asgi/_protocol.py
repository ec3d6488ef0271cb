"""HTTP on one connection, as uvicorn speaks it, with what it leaves open: heads that never end,
errors in a form of their own, answers in one piece, clients that take nothing or say no more."""

from __future__ import annotations

import asyncio
import logging
import socket
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from onehop.server._errors import Problem
from onehop.server._memory import SpareMemory
from onehop.server.asgi._crowd import Crowd
from onehop.server.asgi._http11 import Parser

BEAT: Final = "onehop.beat"
"""Key of the scope's state under which a stream notes what may be sent at any time, so that it is
seen whether a client that says no more still listens."""
_HEAD_TIMEOUT: Final = 10.0
"""Seconds from the first byte of a request, or from the start of a connection, to the end of its
head."""
_SMALL: Final = 64 * 1024
"""Bytes up to which two writes are made one: more would take longer to copy than to send."""
_FAREWELL: Final = 2.0
"""Seconds that a client has to read why it was refused: to hang up on one that is sending would
take the words back."""
_LOOK_SECONDS: Final = 0.25
"""Between two looks whether a client that says no more is there. asyncio does not listen any more
to a connection whose other end said that, not even for its end."""
_PROBES: Final = frozenset({1, 13, 49, 157})
"""Looks at which something is sent, for a client that left to answer with a reset. Some HTTP
clients take no more than five interim answers."""
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What all connections of a server share."""

    crowd: Crowd
    unread_timeout: float
    """Seconds in which a client must take something of its answer."""
    memory: SpareMemory


class Connection(H11Protocol):
    """One connection of a client."""

    def __init__(self, bounds: Bounds, **given: Any) -> None:
        super().__init__(**given)
        self.conn = self._parser = Parser()
        self._bounds = bounds
        self._giving_up: asyncio.TimerHandle | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._refused = False
        self._says_no_more = False
        self._received = 0
        self._carried = 0
        """Bytes both ways, up to the end of the last request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is there, and should say something."""
        gathered = _Gathered(transport, self.loop, self._bounds.unread_timeout)
        super().connection_made(gathered)  # type: ignore[arg-type]
        if not self._bounds.crowd.enter(self):
            self.drop()
            return
        self._await_head()

    def drop(self) -> None:
        """End it at once."""
        self._refused = True
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Part of a request, or several."""
        self._received += len(data)
        if self._refused:
            return  # it is read so that the client comes to read why
        super().data_received(data)
        if self._is_answering():
            self._bounds.crowd.busy(self)
            self._head_is_there()
        elif not self._refused:
            self._await_head()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """The client says no more. It may have left, or wait for its answer: that is looked at."""
        if self._is_partial():
            self._parser.words = "the connection was closed before it was whole"
            self._refuse(leaves=True)
            return None
        if self.scheme == "https" or not self._is_answering() or self._refused:
            return None  # closes
        if not self._says_no_more:
            self._says_no_more = True
            self._look_again(1)
        return True

    def on_response_complete(self) -> None:
        """An answer is on its way."""
        super().on_response_complete()
        self._note_memory()
        if self._is_answering():
            return
        self._bounds.crowd.idle(self)
        if self._says_no_more:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._note_memory()
        self._bounds.crowd.leave(self)
        self._head_is_there()
        if self._looking is not None:
            self._looking.cancel()
        gathered: Any = self.transport
        gathered.forget()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - our own words are said
        """Say what is wrong with the request, unless an answer is on its way already; hang up."""
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()
            return
        self._refuse()

    def _refuse(self, *, leaves: bool = False) -> None:
        """Answer in the place of the app; the client has time to read it, unless it leaves."""
        self._refused = True
        self._head_is_there()
        self._disregard()
        self.transport.write(_refusal(self._parser.status, self._parser.words))
        if leaves or not self.transport.can_write_eof():
            self.transport.close()
        else:
            self.transport.write_eof()
            self._giving_up = self.loop.call_later(_FAREWELL, self.transport.abort)

    def _disregard(self) -> None:
        """Have the app take it that the client left: what it says is not sent."""
        self.flow.resume_reading()
        if self._is_answering():
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    def _is_partial(self) -> bool:
        """Whether a request has begun to come, and nothing of an answer was sent."""
        if self._refused:
            return False
        if self.conn.our_state is h11.IDLE:
            return bool(self.conn.trailing_data[0])
        return self.conn.our_state is h11.SEND_RESPONSE and self.cycle.more_body

    def _look_again(self, number: int) -> None:
        self._looking = self.loop.call_later(_LOOK_SECONDS, self._look, number)

    def _look(self, number: int) -> None:
        if not self._is_answering() or self.transport.is_closing():
            return
        if self._was_reset():
            self.transport.abort()
            return
        if number in _PROBES:
            self._probe()
        self._look_again(number + 1)

    def _was_reset(self) -> bool:
        connection: socket.socket = self.transport.get_extra_info("socket")
        return connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

    def _probe(self) -> None:
        """Send what means nothing: the machine of a client that left answers with a reset."""
        beat = self.scope.get("state", {}).get(BEAT)
        if beat is not None and self.cycle.response_started:
            self.transport.write(self.conn.send(h11.Data(data=beat)) or b"")
        elif not self.cycle.response_started and self.conn.their_http_version == b"1.1":
            self.transport.write(_CONTINUE)

    def _note_memory(self) -> None:
        gathered: Any = self.transport
        carried = self._received + gathered.written
        self._bounds.memory.used(carried - self._carried)
        self._carried = carried

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None at first, whatever its type says
        return cycle is not None and not cycle.response_complete

    def _await_head(self) -> None:
        if self._giving_up is None:
            self._giving_up = self.loop.call_later(_HEAD_TIMEOUT, self._give_up)

    def _give_up(self) -> None:
        """End a connection on which no head came, with a word to a client that began one."""
        if not self._is_partial():
            self.transport.close()
            return
        self._parser.status = 408
        self._parser.words = f"its first line and headers took longer than {_HEAD_TIMEOUT:g} s"
        self._refuse()

    def _head_is_there(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None


class _Gathered:
    """A transport that sends the head of an answer together with what follows in the same turn of
    the loop: a client is woken once, and shares the processor with us for less long. It ends the
    connection of a client that takes nothing for ``unread_timeout`` seconds."""

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, unread_timeout: float
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._unread_timeout = unread_timeout
        self._held = b""
        self._flushing: asyncio.Handle | None = None
        self._watching: asyncio.TimerHandle | None = None
        self.written = 0
        """Bytes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send ``data``, at the end of this turn at the latest."""
        if self._held or len(data) > _SMALL:
            self._send(data)
        elif data:
            self._held = data
            self._flushing = self._loop.call_soon(self._send, b"")

    def close(self) -> None:
        """Send what is held, and hang up."""
        self._send(b"")
        self._transport.close()

    def write_eof(self) -> None:
        """Send what is held, and say no more."""
        self._send(b"")
        self._transport.write_eof()

    def forget(self) -> None:
        """The connection is gone."""
        for timer in (self._watching, self._flushing):
            if timer is not None:
                timer.cancel()
        self._watching = self._flushing = None

    def _send(self, data: bytes) -> None:
        held, self._held = self._held, b""
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if held and len(data) > _SMALL:
            self._transport.write(held)
            self._transport.write(data)
        elif held or data:
            self._transport.write(held + data)
        self.written += len(held) + len(data)
        if self._watching is None and self._transport.get_write_buffer_size():
            self._watch(self._taken())

    def _taken(self) -> int:
        return self.written - self._transport.get_write_buffer_size()

    def _watch(self, taken: int) -> None:
        self._watching = self._loop.call_later(self._unread_timeout, self._check, taken)

    def _check(self, before: int) -> None:
        self._watching = None
        if not self._transport.get_write_buffer_size():
            return
        taken = self._taken()
        if taken > before:
            self._watch(taken)
            return
        _log.info("a client took nothing of its answer for %g s", self._unread_timeout)
        self._transport.abort()


def _refusal(status: int, words: str) -> bytes:
    """An answer to what is not a request."""
    request_id = uuid.uuid4().hex
    code = "timeout" if status == HTTPStatus.REQUEST_TIMEOUT else "invalid_request"
    body = Problem(status, code, f"request: {words}", "request").body(request_id)
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-Id: {request_id}\r\n"
        "Connection: close\r\n\r\n"
    ).encode() + body
