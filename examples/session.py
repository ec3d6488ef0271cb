"""An agent works as in a notebook: calls of one session share variables, and store outlives them.

python examples/session.py
"""

import asyncio

from onehop import Sandbox

LOAD = (
    "const rows = context.rows; function total(of) { return of.reduce((sum, r) => sum + r.n, 0) }"
)
ASK = """
const large = rows.filter((row) => row.n > 10);
await store.set("large", large.map((row) => row.name));
progress(1, "done");
const lines = large.map((row) => `${row.name},${row.n}`);
show(lines.join("\\n"), { type: "text/csv", title: "large.csv" });
return total(large);
"""
CORRECT = "function total(of) { return of.length } return total(rows)"


async def main() -> None:
    rows = [{"name": "a", "n": 4}, {"name": "b", "n": 20}, {"name": "c", "n": 30}]
    async with Sandbox() as sandbox, sandbox.session() as session:
        await session.execute(LOAD, context={"rows": rows})
        asked = await session.execute(ASK)
        (file,) = asked.artifacts or []
        print("large rows:", asked.output)
        print(file.name, sandbox.read_artifact(file.id).decode().splitlines())
        print("declared anew:", (await session.execute(CORRECT)).output)
        await session.execute("while (true);", timeout=100)
        after = await session.execute("return await store.get('large')")
        print("stored:", after.output)
        for warning in after.warnings or []:
            print(warning)


asyncio.run(main())
