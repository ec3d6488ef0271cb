"""The reference: the same Deno without onehop, a process for each program."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.conformance._tally import Outcome, Program

_FLAGS = ("--no-prompt", "--no-config", "--no-remote", "--no-npm", "--no-lock", "--quiet")
_SCRIPTS = Path(__file__).parent
_TIMEOUT = 60.0
_TOO_LONG = Outcome(False, error="TimeoutError")


async def compiles(texts: Sequence[str]) -> list[bool]:
    """Whether V8 takes each text for the body of an async function."""
    found: list[bool] = await _ask("compile.js", list(texts))
    return found


async def run(
    program: Program,
    names: Sequence[str] | None,
    context: dict[str, Any] | None = None,
    *,
    evals: bool = False,
) -> Outcome:
    """Run ``program`` with no other globals than ``names`` (None: with all that Deno has), and
    without ``eval`` and ``Function`` unless ``evals``."""
    job = {"code": program.code, "names": names, "context": context or {}, "evals": evals}
    try:
        return Outcome(**await _ask("bare.js", job))
    except TimeoutError:
        return _TOO_LONG


async def _ask(script: str, question: Any) -> Any:
    """What a script prints last, given a question as JSON."""
    process = await asyncio.create_subprocess_exec(
        importlib.import_module("deno").find_deno_bin(),
        "run",
        *_FLAGS,
        str(_SCRIPTS / script),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        env={**os.environ, "NO_COLOR": "1", "TZ": "UTC", "LANG": "en_US.UTF-8"},
    )
    try:
        talk = process.communicate(json.dumps(question).encode())
        output, _ = await asyncio.wait_for(talk, _TIMEOUT)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(output.splitlines()[-1]) if output else _ended(process.returncode)


def _ended(status: int | None) -> dict[str, Any]:
    """A program that ended the process, as an uncaught rejection does."""
    return {"success": False, "error": "Exit", "message": f"status {status}"}
