"""`onehop replay`: make a recorded run again, offline, and say whether it does the same."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog

if TYPE_CHECKING:
    from onehop.sandbox.recordings import Recording
    from onehop.types import Replay

EXITS: Final = epilog(
    {
        ExitCode.FAILED: "it does something else, or gives something else",
        ExitCode.BAD_INPUT: "bad usage, or the answers of the run are not kept",
        ExitCode.UNAVAILABLE: "the store or the sandbox cannot be used",
    }
)


def replay(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="Which run.")],
    agent: Annotated[str | None, typer.Option(help="Whose run, if several have one.")] = None,
    as_test: Annotated[
        Path | None,
        typer.Option(
            "--as-test",
            metavar="FILE",
            help="Write a test for pytest instead, with all answers of the run in plain text.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Make a recorded run again, with the answers that it had.

    It runs in a fresh worker.

    No tool is called. It says `same`, or where the run first differs.
    """

    def command() -> ExitCode:
        from onehop.errors import NotReplayableError

        try:
            recording = asyncio.run(_recording(request_id, agent))
        except NotReplayableError as error:
            return _complain(str(error))
        if as_test is not None:
            return _write_test(as_test, request_id, recording)
        return _print(asyncio.run(_replayed(recording)), as_json)

    exit_with(command)


async def _recording(request_id: str, agent: str | None) -> Recording:
    from onehop.config import AuditConfig, RecordingConfig
    from onehop.execution.keeping import Keeper
    from onehop.stores import open_store

    store = await open_store(AuditConfig())
    try:
        keeper = Keeper(store, RecordingConfig().replace(runs="all"), 0)
        return await keeper.recording(request_id, agent)
    finally:
        await store.aclose()


async def _replayed(recording: Recording) -> Replay:
    from onehop.config import SandboxConfig
    from onehop.sandbox import Sandbox

    async with Sandbox(SandboxConfig().replace(pool_size=1)) as sandbox:
        return await sandbox.replay(recording)


def _print(replay: Replay, as_json: bool) -> ExitCode:
    from onehop.cli._output import to_json, write
    from onehop.cli._table import clean

    if as_json:
        wire = replay.model_dump(by_alias=True, exclude={"result"})
        write(sys.stdout, to_json({**wire, "result": replay.result.to_dict()}) + "\n")
    elif replay.same:
        write(sys.stdout, f"same: {_answered(replay.calls)}\n")
    else:
        write(sys.stdout, f"different: {clean(replay.difference or '')}\n")
    return ExitCode.SUCCESS if replay.same else ExitCode.FAILED


def _answered(calls: int) -> str:
    if not calls:
        return "it calls no tools"
    if calls == 1:
        return "1 call of a tool had its recorded answer and was not made"
    return f"{calls} calls of tools had their recorded answers and were not made"


def _write_test(file: Path, request_id: str, recording: Recording) -> ExitCode:
    from onehop.cli._output import write
    from onehop.sandbox.recordings import test_text

    try:
        with file.open("x", encoding="utf-8") as out:
            file.chmod(0o600)
            out.write(test_text(request_id, recording))
    except OSError as error:
        return _complain(f"{file} cannot be written: {error.strerror}")
    write(
        sys.stderr, f"{file} has the answers of the run in plain text: look before you share it\n"
    )
    return ExitCode.SUCCESS


def _complain(words: str) -> ExitCode:
    from onehop.cli._output import write

    write(sys.stderr, f"onehop: {words}\n")
    return ExitCode.BAD_INPUT
