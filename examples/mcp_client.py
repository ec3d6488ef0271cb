"""Any MCP client can use onehop: this one starts `onehop mcp` itself and speaks over its streams.

python examples/mcp_client.py
"""

import asyncio
import os
import sys

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import TextContent

SERVER = StdioServerParameters(
    command=sys.executable, args=["-m", "onehop", "mcp", "--agent", "example"], env={**os.environ}
)

PROGRAM = """
const lines = context.log.split("\\n").filter(Boolean).map((line) => JSON.parse(line));
const slow = lines.filter((line) => line.ms > 100);
console.log(`${slow.length} of ${lines.length} requests were slow`);
const byPath = Object.groupBy(slow, (line) => line.path);
return Object.entries(byPath).map(([path, all]) => ({ path, slow: all.length }));
"""

LOG = """
{"path": "/search", "ms": 230}
{"path": "/", "ms": 12}
{"path": "/search", "ms": 180}
{"path": "/cart", "ms": 410}
"""


async def show_line(
    progress: float,
    total: float | None,  # noqa: ARG001 - nobody knows how many there will be
    message: str | None,
) -> None:
    """Called for console lines while the code runs."""
    print(f"  line {progress:g}:  {message}")


async def main() -> None:
    """Ask for the tools, and call `code_execute`: first well, then badly."""
    async with Client(SERVER) as client:
        for tool in (await client.list_tools()).tools:
            print(f"tool: {tool.name}")

        arguments = {"code": PROGRAM, "context": {"log": LOG}}
        result = await client.call_tool("code_execute", arguments, progress_callback=show_line)
        print(f"  output:  {result.structured_content['output']}")

        result = await client.call_tool("code_execute", {"code": "return context.user.name"})
        print(f"failed: {result.is_error}")
        for block in result.content:
            if isinstance(block, TextContent):
                print(block.text)


if __name__ == "__main__":
    asyncio.run(main())
