"""Clients that are slow, that leave, and that are too many."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from tests.chaos.subject import Subject

_SLOW: Final = 30
"""Of each kind"""
_FOR: Final = 2.0
"""Seconds"""
_LONG: Final = "await new Promise((done) => setTimeout(done, 20000))"


async def _open(subject: Subject) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    where = urlsplit(subject.url)
    return await asyncio.open_connection(where.hostname, where.port)


def _request(key: str, **body: Any) -> bytes:
    text = json.dumps(body).encode()
    head = (
        f"POST /api/v1/execute HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text


@dataclass(frozen=True)
class SlowClients:
    """Some send a byte at a time, others read nothing of a large answer."""

    name: str = "slow clients"
    recovers: float = 10.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        key = await subject.agent_key("slow")
        dripping = [asyncio.create_task(_drip(subject, key)) for _ in range(_SLOW)]
        deaf = [asyncio.create_task(_read_nothing(subject, key)) for _ in range(_SLOW)]
        await asyncio.gather(*dripping, *deaf)


async def _drip(subject: Subject, key: str) -> None:
    _reader, writer = await _open(subject)
    try:
        for byte in _request(key, code="return 1")[: int(_FOR / 0.1)]:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)
    finally:
        writer.transport.abort()


async def _read_nothing(subject: Subject, key: str) -> None:
    reader, writer = await _open(subject)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    try:
        writer.write(_request(key, code="return 'x'.repeat(500_000)"))
        await asyncio.sleep(_FOR)
    finally:
        writer.transport.abort()


@dataclass(frozen=True)
class LeavingClients:
    """Some ask for a long run, and leave at once."""

    name: str = "clients that leave"
    recovers: float = 10.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        key = await subject.agent_key("leaving")
        for _ in range(_SLOW):
            _reader, writer = await _open(subject)
            writer.write(_request(key, code=_LONG, timeout=25_000))
            await asyncio.sleep(0.05)
            writer.transport.abort()


@dataclass(frozen=True)
class Floods:
    """Another agent asks for far more than there is room for."""

    name: str = "a flood from another agent"
    recovers: float = 10.0
    aftermath: float = 0.0

    async def strike(self, subject: Subject) -> None:
        key = await subject.agent_key("flood")
        connections = [await _open(subject) for _ in range(100)]
        for _reader, writer in connections:
            writer.write(_request(key, code="for (;;);", timeout=300))
        await asyncio.sleep(_FOR)
        for _reader, writer in connections:
            writer.transport.abort()
