"""Arguments that most calls leave out, over MCP."""

from __future__ import annotations

import re
from base64 import b64decode

import pytest
from mcp.client import Client
from mcp.types import BlobResourceContents, ImageContent, ResourceLink

pytestmark = pytest.mark.asyncio(loop_scope="package")

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


async def test_seed_and_clock_fix_a_run(client: Client) -> None:
    arguments = {"code": "return [Math.random(), Date.now()]", "seed": 7, "clock": "2026-01-31"}
    first, again = [await client.call_tool("code_execute", arguments) for _ in range(2)]
    assert first.structured_content is not None
    assert first.structured_content == again.structured_content
    assert first.structured_content["output"][1] == 1_769_817_600_000


async def test_a_wrong_seed_is_an_answer_that_says_what_it_may_be(client: Client) -> None:
    result = await client.call_tool("code_execute", {"code": "return 1", "seed": -1})
    assert result.is_error
    assert "seed: got -1; it must be an integer from 0" in str(result.content)


async def test_calls_of_a_session_share_variables(client: Client) -> None:
    first = await client.call_tool("code_execute", {"code": "let n = 40", "session": "mcp"})
    assert not first.is_error
    second = await client.call_tool("code_execute", {"code": "return n + 2", "session": "mcp"})
    assert second.structured_content is not None
    assert second.structured_content["output"] == 42


async def test_a_picture_is_an_image_block_and_other_files_are_links(client: Client) -> None:
    code = f"""
      show(Uint8Array.fromBase64("{PNG}"), {{ title: "dot.png" }});
      show("a,b", {{ type: "text/csv", title: "table.csv" }});
      show("no picture", {{ type: "image/png" }})"""
    result = await client.call_tool("code_execute", {"code": code})
    _, picture, table, false = result.content
    assert isinstance(picture, ImageContent)
    assert (picture.mime_type, picture.data) == ("image/png", PNG)
    assert isinstance(table, ResourceLink)
    assert isinstance(false, ResourceLink)
    assert (table.name, table.mime_type, table.size) == ("table.csv", "text/csv", 3)
    (read,) = (await client.read_resource(table.uri)).contents
    assert isinstance(read, BlobResourceContents)
    assert b64decode(read.blob) == b"a,b"
    assert result.structured_content is not None
    assert result.structured_content["artifacts"][1] == "table.csv (text/csv, 3 bytes)"


async def test_progress_is_a_notification_where_the_client_asks_for_it(client: Client) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    code = """
      for (const part of [0.25, 1]) {
        progress(part, "part"); await new Promise((done) => setTimeout(done, 150)) }"""
    await client.call_tool("code_execute", {"code": code}, progress_callback=hear)
    assert (0.25, 1, "25%: part") in seen
    assert (1, 1, "100%: part") in seen


async def test_a_run_that_yields_is_waited_for_by_another_tool(client: Client) -> None:
    code = "await new Promise((done) => setTimeout(done, 500)); return 42"
    first = await client.call_tool("code_execute", {"code": code, "yield": 50})
    assert first.structured_content is not None
    assert first.structured_content["status"] == "running"
    (request_id,) = re.findall(r"requestId '(\w+)'", first.structured_content["next"][0])
    rest = await client.call_tool("code_wait", {"requestId": request_id})
    assert rest.structured_content == {"status": "completed", "output": 42}
    unknown = await client.call_tool("code_wait", {"requestId": "unknown"})
    assert unknown.is_error
    assert "no run 'unknown' is known" in str(unknown.content)
