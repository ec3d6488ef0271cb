"""test262-parser-tests: what V8 compiles the sandbox compiles, and nothing else.

A module of the corpus is a program like any other here: the reference says whether it is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.conformance import _bare
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._sandboxed import Ran, Sandboxed, each, open_sandboxed
from benchmarks.conformance._tally import Program, Tally

_CORPUS = "test262-parser-tests@0.0.5"
_FOLDERS = ("pass", "pass-explicit", "fail", "early")
_TIMEOUT = 1000
"""ms; some of them loop for good, and compiling is all that counts."""


def corpus(folder: Path) -> list[Program]:
    """All programs below ``folder``, but empty ones and those with a NUL, which no door takes."""
    files = [file for part in _FOLDERS for file in sorted(folder.glob(f"{part}/*.js"))]
    programs = [
        Program(f"{file.parent.name}/{file.name}", file.read_text("utf-8", "replace"))
        for file in files
    ]
    return [program for program in programs if program.code and "\0" not in program.code]


async def measure(options: Options, tally: Tally) -> None:
    """The corpus of npm."""
    folder = Packages(options.folder).fetch([_CORPUS])[_CORPUS]
    await compare(options.some(corpus(folder)), options, tally)


async def compare(programs: Sequence[Program], options: Options, tally: Tally) -> None:
    """Each program compiled by both."""
    expected = await _bare.compiles([program.code for program in programs])
    accepted = {program.name: verdict for program, verdict in zip(programs, expected, strict=True)}
    async with open_sandboxed(options, corrections=False) as sandboxed:
        comparison = _Comparison(sandboxed, await sandboxed.globals(), accepted, tally)
        await each(programs, comparison.examine, options, tally)


class _Comparison:
    def __init__(
        self, sandboxed: Sandboxed, names: list[str], accepted: dict[str, bool], tally: Tally
    ) -> None:
        self._sandboxed = sandboxed
        self._names = names
        self._accepted = accepted
        self._tally = tally

    async def examine(self, program: Program) -> None:
        ran = await self._sandboxed.by_executor(program, _TIMEOUT)
        if ran.state == "refused" and await self._wrongly_refused(program, ran):
            return
        if ran.state == "refused":
            ran = await self._sandboxed.by_sandbox(program, _TIMEOUT)
        self._judge(program, ran)

    async def _wrongly_refused(self, program: Program, ran: Ran) -> bool:
        if not self._accepted[program.name]:
            return False
        reference = await _bare.run(program, self._names)
        if reference.success:
            self._tally.fault("refused falsely", program.name, reference, ran.outcome)
        return reference.success

    def _judge(self, program: Program, ran: Ran) -> None:
        if ran.state in ("worker crash", "internal error"):
            self._tally.fault(ran.state, program.name, "an outcome", ran.outcome)
            return
        accepted = ran.outcome.error != "SyntaxError"
        if accepted == self._accepted[program.name]:
            self._tally.agree()
            return
        expected = "compiles" if self._accepted[program.name] else "a syntax error"
        self._tally.fault("differ", f"{program.name} {program.code!r:.100}", expected, ran.outcome)
