"""Run programs that others wrote in the sandbox and by a reference, and say where they differ."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import gettempdir
from time import monotonic

from rich.console import Console
from rich.table import Table

from benchmarks.conformance._options import Options
from benchmarks.conformance._tally import KINDS, Tally

PROGRAMS = ("syntax", "libraries", "modules", "built_ins", "typescript", "console")


def main() -> int:
    """Run what is asked for; answers 1 when anything differs."""
    parser = _parser()
    given = parser.parse_args()
    unknown = set(given.programs) - set(PROGRAMS)
    if unknown:
        parser.error(f"no such program: {', '.join(sorted(unknown))}")
    options = Options(given.folder, given.limit, given.seconds)
    tallies = [Tally(name) for name in given.programs or PROGRAMS]
    try:
        for tally in tallies:
            asyncio.run(_measure(tally, options))
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    _print(tallies, given.show)
    if given.json:
        given.json.write_text(json.dumps([asdict(tally) for tally in tallies], indent=1) + "\n")
    return 1 if any(tally.faults for tally in tallies) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformance", description=__doc__)
    parser.add_argument("programs", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    parser.add_argument("--limit", type=int, help="at most so many programs of each corpus")
    parser.add_argument("--seconds", type=float, default=900, help="at most so long for each")
    parser.add_argument("--show", type=int, default=5, help="faults that are shown of each kind")
    parser.add_argument("--json", type=Path, help="write all figures and faults to this file")
    default = Path(gettempdir(), "onehop-conformance")
    parser.add_argument("--folder", type=Path, default=default, help="where corpora are kept")
    return parser


async def _measure(tally: Tally, options: Options) -> None:
    module = importlib.import_module(f"benchmarks.conformance.{tally.name}")
    tally.began = monotonic()
    try:
        await module.measure(options, tally)
    finally:
        tally.ended = monotonic()


def _print(tallies: Sequence[Tally], show: int) -> None:
    console = Console()
    if not console.is_terminal:
        console = Console(width=120)
    table = Table("corpus", "programs", "same", *KINDS, "seconds")
    for tally in tallies:
        cells = [tally.programs, tally.same, *map(tally.count, KINDS), round(tally.seconds)]
        table.add_row(tally.name, *map(str, cells))
    console.print(table)
    for tally in tallies:
        for line in _details(tally, show):
            console.print(line, markup=False, highlight=False)


def _details(tally: Tally, show: int) -> list[str]:
    lines = [f"{tally.name}: {note}" for note in tally.notes]
    for kind in KINDS:
        faults = [fault for fault in tally.faults if fault.kind == kind]
        for fault in faults[:show]:
            lines += [f"{tally.name}, {kind}: {fault.program:.200}"]
            lines += [f"  expected {fault.expected:.300}", f"  got      {fault.got:.300}"]
        if len(faults) > show:
            lines.append(f"  … and {len(faults) - show} more")
    return lines


if __name__ == "__main__":
    sys.exit(main())
