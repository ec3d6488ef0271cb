"""Test an agent without Deno: its sandbox gives the answers that the test wants."""

import asyncio
from typing import Any

from onehop import Sandbox
from onehop.testing import FakeBackend


async def cheapest(sandbox: Sandbox, offers: list[dict[str, Any]]) -> str:
    """The agent under test: it has code choose, and says so in a sentence."""
    code = "return context.offers.sort((a, b) => a.price - b.price)[0]"
    result = await sandbox.execute(code, context={"offers": offers})
    if not result.success:
        return f"I could not compare the offers: {result.error}"
    return f"{result.output['name']} is the cheapest"


async def main() -> None:
    backend = FakeBackend({"name": "B", "price": 1})
    async with Sandbox(backend=backend) as sandbox:
        assert await cheapest(sandbox, [{"name": "A", "price": 2}]) == "B is the cheapest"
        assert backend.calls[0].context == {"offers": [{"name": "A", "price": 2}]}

        backend.answer = TypeError("no offers")
        said = await cheapest(sandbox, [])
        assert said == "I could not compare the offers: TypeError: no offers"
    print(f"the agent passed, in {len(backend.calls)} runs of nothing")


asyncio.run(main())
