"""The place of a call in its caller's trace, as W3C Trace Context writes it."""

from __future__ import annotations

import re
from contextvars import ContextVar, Token
from typing import Final

from onehop._data import data

_PARENT: Final = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-[!-~]{1,200})?"
)
_VERSION_0: Final = 55
"""Characters of the only version that there is."""
TRACING: Final = frozenset({"traceparent", "tracestate"})
"""The names of the headers."""
_STATE: Final = re.compile(r"[ -~\t]{1,512}")


@data(frozen=True, slots=True)
class Trace:
    """A span of the caller's; ours are parts of it."""

    parent: str
    """The value of ``traceparent``."""
    state: str = ""
    """The value of ``tracestate``."""

    def headers(self) -> dict[str, str]:
        """By the names that HTTP and MCP have for them."""
        state = {"tracestate": self.state} if self.state else {}
        return {"traceparent": self.parent, **state}


def read_trace(parent: object, state: object = None) -> Trace | None:
    """What a caller sent; None if it is not a ``traceparent``: the standard wants that ignored, and
    a ``tracestate`` that is not one with it."""
    if not isinstance(parent, str) or not _PARENT.fullmatch(parent):
        return None
    if parent.startswith("00") and len(parent) != _VERSION_0:
        return None
    known = isinstance(state, str) and _STATE.fullmatch(state)
    return Trace(parent, str(state) if known else "")


_outgoing: ContextVar[Trace | None] = ContextVar("onehop.outgoing", default=None)


def go_out_with(trace: Trace | None) -> Token[Trace | None]:
    """Have requests to other servers carry ``trace`` from now on, in this context."""
    return _outgoing.set(trace)


def go_out_no_more(token: Token[Trace | None]) -> None:
    """Undo ``go_out_with``."""
    _outgoing.reset(token)


def outgoing() -> dict[str, str]:
    """The headers that a request to another server carries."""
    trace = _outgoing.get()
    return {} if trace is None else trace.headers()
