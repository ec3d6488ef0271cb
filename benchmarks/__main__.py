"""All benchmarks, one after the other, each in its own process: ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import subprocess
import sys

PROGRAMS = (
    "latency",
    "doors",
    "throughput",
    "realms",
    "compute",
    "typescript",
    "contexts",
    "memory",
    "imports",
    "store",
    "scaling",
    "validation",
    "roundtrips",
    "taskbench",
    "endstates",
    "codemodes",
    "calls",
    "resuming",
    "typecheck",
    "mcp_tokens",
    "discovery",
    "feed",
    "dashboard",
)


def main() -> int:
    """Run what is asked for; answers 1 when a program failed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Run all benchmarks, or those named."
    )
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help=", ".join(PROGRAMS))
    parser.add_argument("--quick", action="store_true", help="fewer samples, rougher numbers")
    options = parser.parse_args()
    unknown = set(options.programs) - set(PROGRAMS)
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    flags = ["--quick"] if options.quick else []
    failed = [name for name in options.programs or PROGRAMS if _run(name, flags)]
    for name in failed:
        print(f"benchmarks.{name} failed", file=sys.stderr)
    return 1 if failed else 0


def _run(name: str, flags: list[str]) -> int:
    command = [sys.executable, "-m", f"benchmarks.{name}", *flags]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
