"""An output larger than the caller wants at once: a preview comes back, the rest in pages.

python examples/large_output.py
"""

import asyncio

from onehop import Sandbox, SandboxConfig


async def main() -> None:
    """Make a large value and read it page by page."""
    async with Sandbox(SandboxConfig(max_output=1000)) as sandbox:
        result = await sandbox.execute("return Array.from({ length: 10000 }, (_, i) => i)")
        identifier = result.persisted_output_id
        assert identifier is not None
        print(f"preview: {result.output[:40]}…")
        offset: int | None = 0
        while offset is not None:
            page = sandbox.read_output(identifier, offset, limit=20_000)
            print(f"characters {page.offset} to {page.offset + len(page.text)} of {page.total}")
            offset = page.next_offset


if __name__ == "__main__":
    asyncio.run(main())
