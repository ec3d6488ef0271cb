"""Where requests may go: by the address that is connected, whatever its name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from onehop import ConfigError, OpenApi, ToolError
from onehop.tools import Bound
from onehop.upstreams.openapi._addresses import refusal
from tests.openapi.running import api_server, document, free_port, opened, written
from tests.tools.calling import call


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with api_server() as url:
        yield url


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "100.100.100.200",
        "168.63.129.16", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1",
        "not an address",
    ],
)  # fmt: skip
def test_some_addresses_are_never_reached(text: str) -> None:
    assert refusal(text, private=True) is not None


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1",
        "fec0::1", "feff:ffff::1",
        "fd12::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_private_addresses_have_to_be_allowed(text: str) -> None:
    assert refusal(text, private=False) is not None
    assert refusal(text, private=True) is None


@pytest.mark.parametrize("text", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_other_addresses_are_reached(text: str) -> None:
    assert refusal(text, private=False) is None


async def one_tool(folder: Path, base: str, **options: Any) -> tuple[OpenApi, Bound]:
    data = document({"/list": {"get": {"operationId": "list"}}})
    provider, catalogue = await opened(written(folder, data), base_url=base, **options)
    return provider, catalogue.bound["api.list"]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::ffff:7f00:1]"]
)
async def test_every_way_to_write_this_machine_is_refused(
    tmp_path: Path, address: str, host: str
) -> None:
    port = address.rpartition(":")[2]
    provider, tool = await one_tool(tmp_path, f"http://{host}:{port}")
    with pytest.raises(ToolError) as raised:
        await call(tool)
    await provider.aclose()
    assert raised.value.code == "unavailable"
    assert "private" in raised.value.message


async def test_a_name_is_resolved_once_and_what_was_checked_is_connected(
    tmp_path: Path, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name server answers with a public address first, and with this machine from then on."""
    loop, asked = asyncio.get_running_loop(), []
    port = int(address.rpartition(":")[2])

    async def resolve(host: str, at: int, **options: Any) -> Any:
        asked.append(host)
        found = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (found, at))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)
    provider, tool = await one_tool(tmp_path, f"http://rebind.test:{port}", timeout=300)
    for _ in range(2):
        with pytest.raises(ToolError) as raised:
            await call(tool)
    await provider.aclose()
    assert "private" in raised.value.message
    assert asked == ["rebind.test", "rebind.test"]


async def test_a_private_document_has_to_be_allowed(address: str) -> None:
    provider = OpenApi(f"{address}/openapi.json")
    await provider.open("api")
    fault = provider.fault
    await provider.aclose()
    assert fault is not None
    assert "private" in fault


async def test_a_document_cannot_have_credentials_sent_to_another_host(tmp_path: Path) -> None:
    """It names a server of its own; whoever reads it has set credentials."""
    async with serving(document({}, servers=[{"url": "https://evil.test"}])) as url:
        provider = OpenApi(url, private=True, headers={"Authorization": "Bearer secret-token"})
        await provider.open("api")
        fault = provider.fault
        await provider.aclose()
    assert fault is not None
    assert "set base_url" in fault


async def test_an_answer_that_is_not_http_is_a_failure(tmp_path: Path) -> None:
    async with answering(b"SSH-2.0-OpenSSH\r\n\r\n") as base:
        provider, tool = await one_tool(tmp_path, base, private=True)
        with pytest.raises(ToolError) as raised:
            await call(tool)
        await provider.aclose()
    assert raised.value.code == "failed"


async def test_an_answer_that_is_cut_off_is_a_failure(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"
    async with answering(head + b"[1") as base:
        provider, tool = await one_tool(tmp_path, base, private=True)
        with pytest.raises(ToolError) as raised:
            await call(tool)
        await provider.aclose()
    assert raised.value.code == "failed"


def answering(data: bytes) -> Any:
    """A server that says ``data``, whatever it is asked."""
    from contextlib import asynccontextmanager

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def served() -> AsyncIterator[str]:
        port = free_port()
        async with await asyncio.start_server(answer, "127.0.0.1", port):
            yield f"http://127.0.0.1:{port}"

    return served()


def serving(data: dict[str, Any]) -> Any:
    import json

    text = json.dumps(data).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(text)}\r\n\r\n".encode()
    return answering(head + text)


async def test_settings_that_do_not_fit_a_document_at_a_url_are_refused_at_once() -> None:
    async with serving(document({}, servers=[{"url": "https://api.test"}])) as url:
        provider = OpenApi(url, private=True, base_url="https://api.test", auth={"no": "env:X"})
        with pytest.raises(ConfigError, match="no such security scheme"):
            await provider.open("api")
        assert provider.fault is not None
