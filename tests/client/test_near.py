"""What a client's connections to a server on this machine do, and what they leave to a general HTTP
client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from onehop.client import AgentClient
from onehop.errors import InvalidRequestError, NotConnectedError
from tests.client.scripted import ME, RESULT

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answer(body: object, *more: str, status: str = "200 OK") -> bytes:
    content = json.dumps(body).encode()
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *more, "", ""]
    return "\r\n".join(head).encode() + content


@asynccontextmanager
async def server_of(serve: Serve) -> AsyncIterator[str]:
    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(closing, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_small_request_comes_in_one_piece_over_a_connection_that_is_kept() -> None:
    pieces: list[list[bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pieces.append([])
        while piece := await reader.read(65_536):
            pieces[-1].append(piece)
            writer.write(answer(ME if piece.startswith(b"GET") else RESULT))

    async with server_of(serve) as url, AgentClient(server_url=url, api_key="key") as client:
        for _ in range(3):
            assert (await client.execute("return 1 + 1")).output == 2
    ((_, *runs),) = pieces
    assert len(runs) == 3
    assert all(b"\r\n\r\n{" in each and each.endswith(b'{"code":"return 1 + 1"}') for each in runs)
    assert all(b"Authorization: Bearer key\r\n" in each for each in runs)


async def test_what_a_server_says_unasked_answers_no_later_request() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            writer.write(answer(ME if piece.startswith(b"GET") else RESULT))
            await asyncio.sleep(0.05)
            writer.write(answer({**RESULT, "output": "unasked"}))

    async with server_of(serve) as url, AgentClient(server_url=url) as client:
        for _ in range(3):
            await asyncio.sleep(0.2)
            assert (await client.execute("return 1 + 1")).output == 2


async def test_an_answer_with_a_cookie_or_in_parts_is_read_as_any_other() -> None:
    """What stands before several servers may tell them apart by a cookie."""
    seen = []
    text = json.dumps(RESULT).encode()
    half = b"%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n" % (9, text[:9], len(text) - 9, text[9:])
    parts = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            if piece.startswith(b"GET"):
                writer.write(answer(ME, "Set-Cookie: server=two"))
                continue
            while not piece.endswith(b"}"):
                piece += await reader.read(65_536)
            seen.append(b"server=two" in piece)
            for byte in parts + half:
                writer.write(bytes([byte]))
                await asyncio.sleep(0)

    async with server_of(serve) as url, AgentClient(server_url=url) as client:
        assert (await client.execute("return 2")).output == 2
    assert seen == [True]


async def test_a_request_that_is_too_large_hears_why_before_it_was_read() -> None:
    error = {"code": "too_large", "message": "code: got 9 MB; it must be less", "field": "code"}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        piece = await reader.read(1000)
        if piece.startswith(b"GET"):
            writer.write(answer(ME, "Connection: close"))
            return
        writer.write(answer({"error": error}, "Connection: close", status="413 Too Large"))
        await writer.drain()
        await asyncio.sleep(0.2)

    async with server_of(serve) as url, AgentClient(server_url=url, retries=0) as client:
        with pytest.raises(InvalidRequestError, match="must be less"):
            await client.execute("x" * 9_000_000)


async def test_a_run_that_is_cancelled_or_given_up_breaks_its_connection() -> None:
    left = asyncio.Queue[None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65_536):
            if piece.startswith(b"GET"):
                writer.write(answer(ME))
        left.put_nowait(None)

    async with server_of(serve) as url:
        async with AgentClient(server_url=url) as client:
            running = asyncio.ensure_future(client.execute("for (;;) {}"))
            await asyncio.sleep(0.05)
            running.cancel()
            await asyncio.wait_for(left.get(), 5)
            other = asyncio.ensure_future(client.execute("for (;;) {}"))
            await asyncio.sleep(0.05)
        with pytest.raises(NotConnectedError):
            await other
        await asyncio.wait_for(left.get(), 5)
