"""The files of the same packages, each with ``module`` and ``exports`` but without ``require``.

What runs must run in the sandbox too, and not be refused: guarded uses are many among them. What
fails at ``require`` must fail there with the same words, or be refused. Modules with ``export``
are left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.conformance import _bare
from benchmarks.conformance._library_table import LIBRARIES
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._tally import Program, Tally
from benchmarks.conformance.libraries import compare

_LARGEST = 200_000
"""Bytes; larger files are bundles, and those are among the libraries."""
_SUFFIXES = frozenset({".js", ".cjs"})
_MOST = 1500
_HEAD = "var module = { exports: {} }, exports = module.exports;"
_TAIL = "\n;return Object.keys(module.exports)"


def corpus(packages: Packages) -> list[Program]:
    """The files of all packages of the table; each returns the names that it exports."""
    specs = list(dict.fromkeys(line.split(" ", 1)[0] for line in LIBRARIES))
    folders = packages.fetch(specs)
    return [program for spec in specs for program in _files(spec, folders[spec])]


def _files(spec: str, folder: Path) -> list[Program]:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in _SUFFIXES]
    return [
        Program(f"{spec} {file.relative_to(folder)}", _HEAD + _text(file) + _TAIL)
        for file in files
        if 0 < file.stat().st_size < _LARGEST
    ]


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace")  # some are in encodings of old


async def measure(options: Options, tally: Tally) -> None:
    """As many as the bounds allow, spread over all packages."""
    programs = await _scripts(corpus(Packages(options.folder)))
    most = replace(options, limit=options.limit or _MOST)
    await compare(most.some(programs), options, tally)


async def _scripts(programs: list[Program]) -> list[Program]:
    verdicts = await _bare.compiles([program.code for program in programs])
    return [program for program, fine in zip(programs, verdicts, strict=True) if fine]
