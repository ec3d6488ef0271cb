"""The FastMCP client, which others wrote, at every door."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest

from tests.mcp.doors import TOOL, Era, Service, process

if TYPE_CHECKING:
    from fastmcp import Client

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.thorough
@pytest.mark.parametrize("era", get_args(Era))
@pytest.mark.parametrize("transport", ["stdio", "HTTP"])
async def test_it_lists_calls_and_reads(
    served: Service, tmp_path: Path, transport: str, era: Era
) -> None:
    from fastmcp.exceptions import ToolError  # takes long, and each process collects this

    async with client_of(served, tmp_path, transport, era) as client:
        assert [tool.name for tool in await client.list_tools()] == [TOOL, "code_wait"]
        result = await client.call_tool(
            TOOL, {"code": "return { n: context.n }", "context": {"n": 5}}
        )
        assert result.structured_content["output"] == {"n": 5}
        assert result.data.output == {"n": 5}
        with pytest.raises(ToolError, match="TypeError"):
            await client.call_tool(TOOL, {"code": "null.x"})
        large = await client.call_tool(TOOL, {"code": "return 'x'.repeat(300_000)"})
        (page,) = await client.read_resource(large.content[1].uri)
        assert page.text.startswith('"xxx')


def client_of(served: Service, folder: Path, transport: str, era: Era) -> Client[Any]:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

    if transport == "HTTP":
        over_http = StreamableHttpTransport(served.url, headers=served.headers())
        return Client(over_http, mode=era)
    how = process(folder)
    started = StdioTransport(how.command, how.args, how.env, str(folder), keep_alive=False)
    return Client(started, mode=era)
