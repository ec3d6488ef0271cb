"""Connections to addresses that were looked at: a name is resolved once, and what is connected to
is what was checked, so that no answer of a name server can change in between."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any

from httpcore2 import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from onehop.upstreams.openapi._addresses import refusal


class AddressRefusedError(ConnectError):
    """The host has no address that a request may go to."""


class CheckedNetwork(AsyncNetworkBackend):
    """``private`` allows private addresses."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """Connect to the first address of the host that may be and answers. Raises ConnectError."""
        failure = ConnectError(f"{host} has no address")
        for address in await self._allowed(host, port):
            try:
                stream = await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except ConnectError as error:
                failure = error
                continue
            await self._check_peer(stream)
            return stream
        raise failure

    async def sleep(self, seconds: float) -> None:
        """As the backend underneath."""
        await self._inner.sleep(seconds)

    async def _allowed(self, host: str, port: int) -> list[str]:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(f"the name {host} is not known: {error.strerror}") from None
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        reasons = {one: refusal(one, private=self._private) for one in addresses}
        allowed = [one for one in addresses if reasons[one] is None]
        if addresses and not allowed:
            first = addresses[0]
            named = "" if first == host else f"{host}: "
            raise AddressRefusedError(f"{named}{reasons[first]}")
        return allowed

    async def _check_peer(self, stream: AsyncNetworkStream) -> None:
        """What is connected is what was looked at; whatever the system did in between."""
        peer = stream.get_extra_info("server_addr")
        reason = refusal(str(peer[0]), private=self._private) if peer else "its address is unknown"
        if reason is not None:
            await stream.aclose()
            raise AddressRefusedError(reason)
