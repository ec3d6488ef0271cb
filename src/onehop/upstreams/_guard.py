"""What comes from a server, before the SDK sees it: masked, counted, and sifted."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import mcp_types as types
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage

from onehop.upstreams._bounds import Budget, FloodError
from onehop.upstreams._listing import sift
from onehop.upstreams._secrets import Mask

OnEnd = Callable[[str], None]
"""Called once, with the reason, when nothing more comes."""


class GuardedStream:
    """A stream of messages as the SDK reads it. Its end is reported, and a flood is an end."""

    def __init__(
        self, stream: ReadStream[SessionMessage | Exception], mask: Mask, on_end: OnEnd
    ) -> None:
        self._stream = stream
        self._mask = mask
        self._on_end = on_end
        self._budget = Budget()
        self._asked = 0

    def asked(self) -> None:
        """A request goes out: one more answer may come."""
        self._asked += 1

    @property
    def last_context(self) -> Any:
        """What the SDK asks of its own streams."""
        return getattr(self._stream, "last_context", None)

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        return self._checked(await self._stream.receive())

    async def aclose(self) -> None:
        """Close the stream underneath."""
        await self._stream.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        try:
            return self._checked(await self._stream.__anext__())
        except StopAsyncIteration:
            self._on_end("it closed the connection")
            raise
        except FloodError as error:
            self._on_end(str(error))
            raise StopAsyncIteration from None

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc, traceback)

    def _checked(self, item: SessionMessage | Exception) -> SessionMessage | Exception:
        if isinstance(item, Exception):
            self._budget.take()
            return item
        message = item.message
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError) and self._asked:
            self._asked -= 1
        else:
            self._budget.take(len(message.model_dump_json()))
        self._clean(message)
        return item

    def _clean(self, message: types.JSONRPCMessage) -> None:
        if isinstance(message, types.JSONRPCResponse):
            message.result = sift(self._mask.value(message.result))
        elif isinstance(message, types.JSONRPCError):
            message.error.message = self._mask.text(message.error.message)
            message.error.data = self._mask.value(message.error.data)
        else:
            message.params = self._mask.value(message.params)


class CountedWrites:
    """The stream that the SDK writes to; requests are reported."""

    def __init__(self, stream: WriteStream[SessionMessage], on_request: Callable[[], None]) -> None:
        self._stream = stream
        self._on_request = on_request

    async def send(self, item: SessionMessage, /) -> None:
        """Pass it on."""
        if isinstance(item.message, types.JSONRPCRequest):
            self._on_request()
        await self._stream.send(item)

    async def aclose(self) -> None:
        """Close the stream underneath."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        await self._stream.__aenter__()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stream.__aexit__(exc_type, exc, traceback)
