"""Programs that validation refuses though they run, in folders of JavaScript and TypeScript.

    python -m benchmarks.conformance.false_blocks FOLDER …
    python -m benchmarks.conformance.false_blocks --npm lodash moment

Each file is a program. What is refused is run; one that then succeeds is a false block. The exit
code is 1 if there is any. ``--before FILE`` puts a text in front of each, such as a test harness.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from onehop import Sandbox
from onehop.types import Language
from onehop.validation import Validator

ENDINGS: dict[str, Language] = {
    ".js": "javascript",
    ".cjs": "javascript",
    ".mjs": "javascript",
    ".ts": "typescript",
}
LONGEST = 400_000
"""Characters; a longer file is left out."""
AT_ONCE = 2


@dataclass
class Count:
    """What came of the programs."""

    programs: int = 0
    refused: int = 0
    false: list[Path] = field(default_factory=list)


def programs(folders: list[Path], before: str) -> Iterator[tuple[Path, str, Language]]:
    """Every file that is a text, in order."""
    for path in sorted(each for folder in folders for each in folder.rglob("*")):
        language = ENDINGS.get(path.suffix)
        if language is None or not path.is_file() or path.name.endswith(".d.ts"):
            continue
        try:
            code = before + path.read_text("utf-8")
        except UnicodeError:
            continue
        if 0 < len(code) <= LONGEST:
            yield path, code, language


async def count(folders: list[Path], before: str) -> Count:
    """Validate all; run what is refused."""
    found, validator, limit = Count(), Validator(), asyncio.Semaphore(AT_ONCE)
    async with Sandbox() as sandbox, asyncio.TaskGroup() as group:

        async def run(path: Path, code: str, language: Language) -> None:
            async with limit:
                result = await sandbox.execute(code, language=language)
            if result.success:
                found.false.append(path)
                print(f"runs, and is refused: {path}", flush=True)

        for path, code, language in programs(folders, before):
            found.programs += 1
            if not validator.validate(code, language).safe:
                found.refused += 1
                group.create_task(run(path, code, language))
            await asyncio.sleep(0)
    return found


def install(names: list[str], folder: str) -> Path:
    """Packages of npm, without what they want to run."""
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", folder]
    subprocess.run(["npm", "install", *options, *names], check=True, stdout=sys.stderr)
    return Path(folder) / "node_modules"


def main() -> int:
    """Count what is asked for; answers 1 when anything is refused that runs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.conformance.false_blocks")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--npm", nargs="+", default=[], metavar="PACKAGE")
    parser.add_argument("--before", nargs="+", default=[], type=Path, metavar="FILE")
    options = parser.parse_args()
    before = "".join(path.read_text("utf-8") + "\n" for path in options.before)
    with tempfile.TemporaryDirectory() as folder:
        installed = [install(options.npm, folder)] if options.npm else []
        found = asyncio.run(count([*options.folders, *installed], before))
    print(f"{found.programs} programs, {found.refused} refused, {len(found.false)} of them run")
    return 1 if found.false else 0


if __name__ == "__main__":
    sys.exit(main())
