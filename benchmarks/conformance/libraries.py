"""Whole libraries as programs: none is refused that runs, and none fails only in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.conformance import _bare
from benchmarks.conformance._library_table import LIBRARIES
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._sandboxed import Ran, Sandboxed, each, open_sandboxed
from benchmarks.conformance._tally import Outcome, Program, Tally


def corpus(packages: Packages, lines: Sequence[str] = LIBRARIES) -> list[Program]:
    """Each library with the expression that uses it."""
    rows = [line.split(" ", 2) for line in lines]
    folders = packages.fetch(list(dict.fromkeys(spec for spec, _, _ in rows)))
    return [_program(folders[spec] / file, spec, use[2:]) for spec, file, use in rows]


def _program(file: Path, spec: str, use: str) -> Program:
    text = file.read_text("utf-8")
    return Program(f"{spec} {file.name}", f"{text}\n;return JSON.stringify({use})")


async def measure(options: Options, tally: Tally) -> None:
    """The libraries of the table."""
    programs = corpus(Packages(options.folder))
    await compare(options.some(programs), options, tally)


async def compare(programs: Sequence[Program], options: Options, tally: Tally) -> None:
    """Each program by the executor, with validation and corrections, and by bare Deno."""
    async with open_sandboxed(options, corrections=True) as sandboxed:
        comparison = _Comparison(sandboxed, await sandboxed.globals(), tally)
        await each(programs, comparison.examine, options, tally)
    tally.notes.append(f"{comparison.failing} end with an error by the reference too")


class _Comparison:
    def __init__(self, sandboxed: Sandboxed, names: list[str], tally: Tally) -> None:
        self._sandboxed = sandboxed
        self._names = names
        self._tally = tally
        self.failing = 0
        """How many end with an error by the reference too."""

    async def examine(self, program: Program) -> None:
        ran = await self._sandboxed.by_executor(program)
        reference = await _bare.run(program, self._names)
        self.failing += not reference.success
        self._judge(program, ran, reference)

    def _judge(self, program: Program, ran: Ran, reference: Outcome) -> None:
        if ran.state in ("worker crash", "internal error"):
            self._tally.fault(ran.state, program.name, reference, ran.outcome)
        elif ran.state == "refused" and reference.success:
            self._tally.fault("refused falsely", program.name, reference, ran.outcome)
        elif ran.state == "refused":
            self._tally.agree()
        else:
            self._compare(program, reference, ran.outcome)

    def _compare(self, program: Program, reference: Outcome, ours: Outcome) -> None:
        if _same(reference, ours):
            self._tally.agree()
        else:
            self._tally.fault("differ", program.name, reference, ours)


def _same(reference: Outcome, ours: Outcome) -> bool:
    """Not the line: in a minified file it says nothing. A message may say more than V8's."""
    if ours.success or reference.success:
        return (ours.success, ours.value) == (reference.success, reference.value)
    begins = str(ours.message).startswith(str(reference.message))
    return ours.error == reference.error and begins
