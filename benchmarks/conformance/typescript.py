"""TypeScript that packages ship, as it is and compiled by the TypeScript compiler: the same comes
of both. The compiler is fetched with the corpus; the product has none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.conformance._mappings import source_lines
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._sandboxed import Ran, Sandboxed, each, open_sandboxed
from benchmarks.conformance._tally import Outcome, Program, Tally

_COMPILER = "typescript@5.9.3"
_CORPORA = (
    "@effect/schema@0.75.5",
    "@noble/curves@2.0.1",
    "@noble/hashes@2.0.1",
    "@preact/signals-core@1.12.1",
    "@reduxjs/toolkit@2.9.0",
    "@scure/base@2.0.0",
    "@tanstack/query-core@5.90.2",
    "abitype@1.1.0",
    "effect@3.18.0",
    "immer@10.2.0",
    "mobx@6.13.5",
    "redux@5.0.1",
    "reselect@5.1.1",
    "rxjs@7.8.2",
    "zod@3.25.76",
)
_LARGEST = 400_000
_CUT = Path(__file__).parent / "cut.cjs"


@dataclass(frozen=True)
class Pair:
    """One program in both languages."""

    name: str
    ts: str
    js: str
    map: str


def corpus(packages: Packages) -> list[tuple[str, Path]]:
    """The names and places of the TypeScript files of all packages."""
    folders = packages.fetch(_CORPORA)
    return [pair for spec in _CORPORA for pair in _files(spec, folders[spec])]


def _files(spec: str, folder: Path) -> list[tuple[str, Path]]:
    return [
        (f"{spec} {file.relative_to(folder)}", file)
        for file in sorted(folder.rglob("*.ts"))
        if not file.name.endswith(".d.ts") and 0 < file.stat().st_size < _LARGEST
    ]


def compiled(files: Sequence[tuple[str, Path]], compiler: Path) -> list[Pair]:
    """The files as programs. Raises CalledProcessError when the compiler fails."""
    question = json.dumps([{"name": f"{name}", "file": str(file)} for name, file in files])
    command = ["node", str(_CUT), str(compiler)]
    done = subprocess.run(command, input=question.encode(), capture_output=True, check=True)
    return [Pair(**entry) for entry in json.loads(done.stdout)]


async def measure(options: Options, tally: Tally) -> None:
    """The files of the packages."""
    packages = Packages(options.folder)
    compiler = packages.fetch([_COMPILER])[_COMPILER]
    await compare(compiled(options.some(corpus(packages)), compiler), options, tally)


async def compare(pairs: Sequence[Pair], options: Options, tally: Tally) -> None:
    """Each pair in one sandbox."""
    programs = {pair.name: pair for pair in pairs}
    async with open_sandboxed(options, corrections=False) as sandboxed:
        comparison = _Comparison(sandboxed, programs, tally)
        texts = [Program(pair.name, pair.ts, "typescript") for pair in pairs]
        await each(texts, comparison.examine, options, tally)
    tally.notes.append(f"{comparison.failing} end with an error in both")


class _Comparison:
    def __init__(self, sandboxed: Sandboxed, pairs: dict[str, Pair], tally: Tally) -> None:
        self._sandboxed = sandboxed
        self._pairs = pairs
        self._tally = tally
        self.failing = 0

    async def examine(self, program: Program) -> None:
        pair = self._pairs[program.name]
        ours = await self._sandboxed.by_sandbox(program)
        plain = await self._sandboxed.by_sandbox(Program(program.name, pair.js))
        self._judge(pair, ours, plain.outcome)

    def _judge(self, pair: Pair, ours: Ran, plain: Outcome) -> None:
        if ours.state in ("worker crash", "internal error"):
            self._tally.fault(ours.state, pair.name, plain, ours.outcome)
            return
        if _same(pair, ours.outcome, plain):
            self._tally.agree()
            self.failing += not plain.success
        else:
            self._tally.fault("differ", pair.name, plain, ours.outcome)


def _same(pair: Pair, ours: Outcome, plain: Outcome) -> bool:
    """The same value, or the same error on a line that the compiled one was made of."""
    if ours.success or plain.success:
        return ours == plain
    if plain.error == "SyntaxError":  # each compiler has its own words
        return ours.error == "SyntaxError"
    same_error = (ours.error, ours.message) == (plain.error, plain.message)
    return same_error and _on_the_line(pair, ours.line, plain.line)


def _on_the_line(pair: Pair, ours: int | None, plain: int | None) -> bool:
    if ours is None or plain is None:
        return ours == plain
    lines = source_lines(pair.map)
    return plain > len(lines) or ours in lines[plain - 1]
