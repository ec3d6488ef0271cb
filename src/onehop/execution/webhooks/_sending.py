"""One attempt to deliver a message, to an address that may be reached."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final

import httpcore2

from onehop.upstreams.network import CheckedNetwork

_ALL: Final = 20.0
"""Seconds that an attempt may take."""
_LONGEST_WAIT: Final = 3600.0
"""Seconds that a receiver may ask us to wait."""

_FAILURES: Final = (
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
    OSError,
)


class NotTakenError(Exception):
    """The receiver did not take the message. ``wait`` is how many seconds it wants us to wait;
    ``is_final`` when it never wants it."""

    def __init__(self, message: str, wait: float = 0.0, *, is_final: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.is_final = is_final


class Receiver:
    """The address that messages go to. ``private`` allows private addresses."""

    def __init__(self, url: str, *, private: bool) -> None:
        self._url = url
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=8,
            keepalive_expiry=20.0,
            network_backend=CheckedNetwork(private=private),
        )

    async def send(self, headers: Mapping[str, str], body: bytes) -> None:
        """Deliver. A redirect is a refusal, and what is answered is not read.

        Raises NotTakenError.
        """
        try:
            async with asyncio.timeout(_ALL):
                await self._send(headers, body)
        except TimeoutError:
            raise NotTakenError(f"it did not answer within {_ALL:g} s") from None
        except _FAILURES as error:
            raise NotTakenError(str(error) or type(error).__name__) from None

    async def _send(self, headers: Mapping[str, str], body: bytes) -> None:
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        async with self._pool.stream("POST", self._url, headers=sent, content=body) as answer:
            status = answer.status
            wait = _wait(dict(answer.headers).get(b"Retry-After", b""))
        if not 200 <= status < 300:
            raise NotTakenError(f"it answered {status}", wait, is_final=status == 410)

    async def aclose(self) -> None:
        """End all connections."""
        await self._pool.aclose()


def _wait(text: bytes) -> float:
    is_number = text.isdigit() and len(text) < 6
    return min(float(text), _LONGEST_WAIT) if is_number else 0.0
