"""Arguments that most calls leave out, over MCP."""

from __future__ import annotations

import pytest
from mcp.client import Client

pytestmark = pytest.mark.asyncio(loop_scope="package")


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
