"""Rewards for reinforcement learning: completions of a model, scored by the tests of their tasks.

python examples/rewards.py

The rows have the shape of a Hugging Face dataset: dicts, one after the other, as many as there are.
"""

from collections.abc import Iterator
from typing import Any

import onehop

ROWS: list[dict[str, Any]] = [
    {
        "prompt": "Write a function `clamp(x, low, high)`.",
        "tests": [[[5, 0, 10], 5], [[-1, 0, 10], 0], [[11, 0, 10], 10]],
        "name": "clamp",
        "completions": [
            "function clamp(x, low, high) { return Math.min(high, Math.max(low, x)) }",
            "function clamp(x, low, high) { return Math.max(low, x) }",
            "function clamp(x, low, high) { while (x < low) x = x; return x }",
        ],
    },
    {
        "prompt": "Write a function `words(text)` that counts words.",
        "tests": [[["a b"], 2], [[" a  b "], 2], [[""], 0]],
        "name": "words",
        "completions": [
            "const words = (text) => text.split(/\\s+/).filter(Boolean).length",
            "const words = (text) => text.split(' ').length",
            "const words = (text) =>",
        ],
    },
]

SCORE = """
const passed = context.tests.map(([input, expected]) => {
  try { return JSON.stringify(NAME(...input)) === JSON.stringify(expected) } catch { return false }
});
return passed.filter(Boolean).length / passed.length;
"""


def requests(rows: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One for each completion; nothing is kept of a row once its requests are made."""
    for row in rows:
        for completion in row["completions"]:
            code = completion + SCORE.replace("NAME", row["name"])
            yield {"code": code, "context": {"tests": row["tests"]}, "timeout": 500}


def main() -> None:
    """Print the rewards of each task, in the order of its completions."""
    results = onehop.map(requests(ROWS), isolation="realm")
    for row in ROWS:
        scored = [next(results) for _ in row["completions"]]
        print(row["prompt"])
        for result in scored:
            reward = result.output if result.success else 0.0
            why = "" if result.success else f"  ({result.error})"
            print(f"  reward {reward:.2f}{why}")


if __name__ == "__main__":
    main()
