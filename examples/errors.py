"""What the caller of failing code gets: enough to mend it.

python examples/errors.py
"""

import asyncio

from onehop import Sandbox, SandboxConfig

FAILING = {
    "a mistake": "const user = context.user;\nreturn user.name.toUpperCase();",
    "a syntax error": "const total = ;\nreturn total;",
    "an endless loop": "while (true) {}",
    "too much memory": "const hoard = [];\nfor (;;) hoard.push(new Array(1e5).fill(0));",
    "a forbidden thing": "return await import('node:fs');",
}


async def main() -> None:
    """Run each and print the error with its place in the code."""
    async with Sandbox(SandboxConfig(timeout=500, memory_limit=64)) as sandbox:
        for what, code in FAILING.items():
            result = await sandbox.execute(code, context={"user": {}})
            assert result.error_info is not None
            print(f"{what} → {result.error_info.type}: {result.error}")
            if result.error_info.excerpt:
                print(result.error_info.excerpt)
        print("and afterwards:", (await sandbox.execute("return 'unharmed'")).output)


if __name__ == "__main__":
    asyncio.run(main())
