"""The harmless programs: realistic code of agents, kept in ``harmless/`` by theme."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from onehop.types import Language

_HEAD = re.compile(r"^//// ", re.MULTILINE)


@dataclass(frozen=True)
class Program:
    """One of them; a line that begins with four slashes names it."""

    name: str
    code: str
    language: Language


def harmless() -> list[Program]:
    """All of them, in the order of the files."""
    files = sorted((Path(__file__).parent / "harmless").iterdir())
    return [program for file in files for program in _programs(file)]


def _programs(file: Path) -> list[Program]:
    language: Language = "typescript" if file.suffix == ".ts" else "javascript"
    parts = [part.partition("\n") for part in _HEAD.split(file.read_text("utf-8"))[1:]]
    return [Program(f"{file.stem}: {name}", code, language) for name, _, code in parts]
