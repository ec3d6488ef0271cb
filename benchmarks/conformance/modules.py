"""Every file of the same packages as it is: what runs without its module loader is not refused.

Most fail at once, at ``require`` or ``export``; these must fail in the sandbox too. Guarded uses
are many among them, and some files are headers that ask for each kind of loader.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.conformance._library_table import LIBRARIES
from benchmarks.conformance._options import Options
from benchmarks.conformance._packages import Packages
from benchmarks.conformance._tally import Program, Tally
from benchmarks.conformance.libraries import compare

_LARGEST = 200_000
"""Bytes; larger files are bundles, and those are among the libraries."""
_SUFFIXES = frozenset({".js", ".cjs"})
_MOST = 1500


def corpus(packages: Packages) -> list[Program]:
    """The files of all packages of the table; each returns nothing."""
    specs = list(dict.fromkeys(line.split(" ", 1)[0] for line in LIBRARIES))
    folders = packages.fetch(specs)
    return [program for spec in specs for program in _files(spec, folders[spec])]


def _files(spec: str, folder: Path) -> list[Program]:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in _SUFFIXES]
    return [
        Program(f"{spec} {file.relative_to(folder)}", _text(file) + "\n;return 0")
        for file in files
        if 0 < file.stat().st_size < _LARGEST
    ]


def _text(file: Path) -> str:
    return file.read_text("utf-8", "replace")  # some are in encodings of old


async def measure(options: Options, tally: Tally) -> None:
    """As many as the bounds allow, spread over all packages."""
    programs = corpus(Packages(options.folder))
    most = replace(options, limit=options.limit or _MOST)
    await compare(most.some(programs), options, tally)
