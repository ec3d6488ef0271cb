"""How much of the console reads as in Node: the same calls in `node` and in the sandbox.

    python -m benchmarks.conformance.console [--random 2000] [--seed 1] [--show 20]
    python -m benchmarks.conformance.console --record tests/guest/node_console.json

Stack frames are left out, since the two have different files. Node 20 is the measure: newer ones
print some values in another way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
from pathlib import Path
from random import Random

from benchmarks.conformance._options import Options
from benchmarks.conformance._tally import Tally
from benchmarks.conformance.console_calls import random_call, written
from onehop import Sandbox, SandboxConfig

_NODE = r"""
const { Console } = require('node:console');
const { Writable } = require('node:stream');
const results = [];
for (const call of JSON.parse(require('node:fs').readFileSync(0, 'utf8'))) {
  const lines = [];
  const stream = new Writable({
    decodeStrings: false, write(text, _, done) { lines.push(text.replace(/\n$/, '')); done() },
  });
  const console = new Console({ stdout: stream, stderr: stream });
  try { new Function('console', call)(console) } catch (e) { lines.push('THREW ' + e.name) }
  results.push(lines.map((line) => line.toWellFormed()));
}
process.stdout.write(JSON.stringify(results));
"""
_BATCH = 60
_RANDOM = 4000
KNOWN = {
    "console.log('%o', function f() {})": "V8 of today has no own `arguments` on functions",
    "console.dir({ n: 1234567.891 }, { numericSeparator: true })": "not worth its code",
}
"""Calls that are shown otherwise, and why."""


def in_node(calls: list[str]) -> list[list[str]]:
    """What Node prints for each call."""
    done = subprocess.run(
        ["node", "-e", _NODE], input=json.dumps(calls).encode(), capture_output=True, check=True
    )
    found: list[list[str]] = json.loads(done.stdout)
    return found


async def in_sandbox(calls: list[str]) -> list[list[str]]:
    """What the sandbox prints for each call."""
    config = SandboxConfig(max_logs=8 << 20, pool_size=2)
    async with Sandbox(config) as sandbox:
        found: list[list[str]] = []
        for start in range(0, len(calls), _BATCH):
            found += await _run_batch(sandbox, calls[start : start + _BATCH])
    return found


async def _run_batch(sandbox: Sandbox, calls: list[str]) -> list[list[str]]:
    tries = (
        f"try {{ (() => {{ {call} }})() }} catch (e) {{ console.log('THREW ' + e.name) }}\n"
        "console.log('\\x01end');"
        for call in calls
    )
    result = await sandbox.execute("\n".join(tries), timeout=30_000)
    if not result.success:
        raise RuntimeError(result.error)
    found: list[list[str]] = [[]]
    for entry in result.log_entries:
        if entry.message == "\x01end":
            found.append([])
        else:
            found[-1].append(entry.message)
    return found[:-1]


def without_frames(lines: list[str]) -> list[str]:
    """The lines without stack frames."""
    return [
        "\n".join(part for part in line.split("\n") if not part.lstrip().startswith("at "))
        for line in lines
    ]


def record(path: Path) -> None:
    """Write the calls of `written` and what Node prints for each, for the tests."""
    calls = [call for call in written() if call not in KNOWN]
    pairs = zip(calls, map(without_frames, in_node(calls)), strict=True)
    lines = (json.dumps(pair, ensure_ascii=False) for pair in pairs)
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")


async def measure(options: Options, tally: Tally) -> None:
    """The written calls and random ones; differences that are meant are left out."""
    random = Random(1)
    calls = [call for call in written() if call not in KNOWN]
    calls += [random_call(random) for _ in range(_RANDOM)]
    chosen = list(options.some(calls))
    for call, want, got in zip(chosen, in_node(chosen), await in_sandbox(chosen), strict=True):
        tally.judge(call, without_frames(want), without_frames(got))
    tally.notes.append(f"{len(KNOWN)} calls are left out, as they differ by design")


def main() -> None:
    """Print the rate, and the first differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--random", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("--record", type=Path, help="write what Node prints, and run nothing else")
    options = parser.parse_args()
    if options.record:
        record(options.record)
        return
    random = Random(options.seed)
    calls = {"written": written()}
    calls["random"] = [random_call(random) for _ in range(options.random)]
    for name, some in calls.items():
        expected, seen = in_node(some), asyncio.run(in_sandbox(some))
        differ = [
            (call, want, got)
            for call, want, got in zip(some, expected, seen, strict=True)
            if without_frames(want) != without_frames(got)
        ]
        for call, want, got in differ[: options.show]:
            print(f"--- {call}\nnode    {want}\nsandbox {got}")
        same = len(some) - len(differ)
        print(f"{name}: {same} of {len(some)} as in Node ({same / max(1, len(some)):.1%})")


if __name__ == "__main__":
    main()
