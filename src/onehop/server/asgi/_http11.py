"""HTTP/1.1, strict: what two servers could read in two ways is refused."""

from __future__ import annotations

from typing import Any, Final

import h11

MAX_HEAD: Final = 32 * 1024
"""Bytes of a request's first line and headers."""


class Parser(h11.Connection):
    """Refuses what h11 lets pass; ``status`` is the answer to what was refused last."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, MAX_HEAD)
        self.status = 400
        self.words = "it is not a valid HTTP request"

    def next_event(self) -> Any:
        """What came next. Raises h11.RemoteProtocolError."""
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            if self.our_state is not h11.IDLE:
                self.words = "its body is not framed as HTTP has it: a chunk's size or end is wrong"
            elif error.error_status_hint == 431:
                raise self._too_long() from None
            raise
        if isinstance(event, h11.Request):
            self._check(event)
        return event

    def _check(self, request: h11.Request) -> None:
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size + len(request.target) > MAX_HEAD:  # it may have come in one piece
            raise self._too_long()
        if not request.http_version.startswith(b"1."):
            self.status = 505
            self.words = "HTTP/1.1 and HTTP/1.0 are spoken here"
            raise h11.RemoteProtocolError(self.words)
        names = [name for name, _ in request.headers]
        if b"transfer-encoding" not in names:
            return
        if b"content-length" in names:
            self.words = "Content-Length and Transfer-Encoding came together: send one of them"
            raise h11.RemoteProtocolError(self.words)
        if request.http_version < b"1.1":
            self.words = "HTTP/1.0 knows no Transfer-Encoding: send Content-Length"
            raise h11.RemoteProtocolError(self.words)

    def _too_long(self) -> h11.RemoteProtocolError:
        self.status = 431
        self.words = f"its first line and headers are longer than {MAX_HEAD} bytes"
        return h11.RemoteProtocolError(self.words)
