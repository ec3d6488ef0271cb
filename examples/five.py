"""Five small runs through the library: a sum, statistics, a filter, the console, TypeScript.

python examples/five.py
"""

import asyncio
import json
from typing import Any

from onehop import ExecutionResult, Sandbox

PEOPLE = [
    {"name": "Ada", "score": 92},
    {"name": "Grace", "score": 88},
    {"name": "Linus", "score": 61},
    {"name": "Edsger", "score": 95},
]

TYPESCRIPT = """
interface User { name: string; age: number }

const users: User[] = [{ name: "Alice", age: 30 }, { name: "Bob", age: 25 }];
const oldest = (all: User[]): User => all.reduce((a, b) => (a.age >= b.age ? a : b));
return oldest(users);
"""

EXAMPLES: list[tuple[str, str, dict[str, Any]]] = [
    ("A sum", "return 1 + 1", {}),
    (
        "Statistics of an array",
        """
const numbers = [3, 1, 4, 1, 5, 9, 2, 6];
const sum = numbers.reduce((a, b) => a + b, 0);
return { sum, mean: sum / numbers.length, max: Math.max(...numbers) };
""",
        {},
    ),
    (
        "Filtering the data of the host",
        "return context.data.filter((person) => person.score > 80).map((person) => person.name)",
        {"context": {"data": PEOPLE}},
    ),
    (
        "Console output",
        'console.log("working on %d items", 3); console.warn("one looks odd"); return "done"',
        {},
    ),
    ("TypeScript", TYPESCRIPT, {"language": "typescript"}),
]


async def main() -> None:
    """Run each example and show what came back."""
    async with Sandbox() as sandbox:
        for title, code, options in EXAMPLES:
            result = await sandbox.execute(code, **options)
            show(title, code, result)
    print("\nEach run had a fresh V8 process, confined by:", ", ".join(result.enforcement))


def show(title: str, code: str, result: ExecutionResult) -> None:
    """Print one run."""
    print(f"\n{title}")
    for line in code.strip().splitlines():
        print(f"  | {line}")
    for line in result.logs:
        print(f"  console: {line}")
    print(f"  output:  {json.dumps(result.output)}" if result.success else f"  {result.error}")
    print(f"  took:    {result.execution_time:.1f} ms, {result.resource_usage.memory:.1f} MB")


if __name__ == "__main__":
    asyncio.run(main())
