"""``onehop batch``: run each line of a file, and write a line of results for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._watching import caller, watched

if TYPE_CHECKING:
    from collections import Counter

    from onehop.batches import Batch, Progress

BATCH_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "every request has a result, and each succeeded",
        ExitCode.FAILED: "every request has a result, and some failed, now or earlier",
        ExitCode.UNAVAILABLE: "onehop failed; the same command goes on where it stopped",
    }
)
_EVERY: Final = 10.0
"""Seconds between two lines of progress where there is no terminal."""


def batch(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE.jsonl|-",
            help="A line of JSON for each request: code, language, timeout, context, "
            "captureConsole, and an id that its result gets too; - reads standard input. "
            "FILE.jsonl.gz and FILE.jsonl.zst are read as they are.",
        ),
    ] = "-",
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where the results go; compressed if its name ends on .gz or .zst. If some are "
            "there, the batch goes on behind them. Standard output by default.",
        ),
    ] = None,
    code: Annotated[
        str | None,
        typer.Option("--code", metavar="FILE", help="The code of each line that has none."),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="FILE|JSON", help="The context of each line that has none."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", "-l", help="The language of lines that name none.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="MS", help="The deadline of lines that have none.")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(
            metavar="CLASS", help="process or realm, which is quicker; process by default."
        ),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Runs at the same time.")
    ] = None,
    unordered: Annotated[
        bool,
        typer.Option("--unordered", help="Write results as they come, not in the input's order."),
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="Drop the results that are there, and start anew.")
    ] = False,
) -> None:
    """Run many requests, one a line, and write their results.

    When it was interrupted or killed, the same command goes on: what has a result is not run again.
    A result is written as soon as it is there. The runs are not validated beforehand, and not kept
    in the history: the results are in the file.

    Try: onehop batch programs.jsonl --out results.jsonl
    """

    def command() -> ExitCode:
        import asyncio

        results = _paths(file, out)
        made = _batch(file, results, _defaults(code, context, language, timeout), isolation)
        made = _with(made, concurrency, not unordered)
        made.results.open(restart=restart)
        try:
            with _shown() as hear:
                progress = asyncio.run(_traced(made, hear))
        finally:
            made.results.close()
        return ExitCode.FAILED if progress.all_failed else ExitCode.SUCCESS

    exit_with(_known(command))


async def _traced(made: Batch, hear: Callable[[Progress], None]) -> Progress:
    import dataclasses

    async with watched() as watchers:
        traced = dataclasses.replace(made, watchers=watchers, traceparent=caller())
        return await traced.run(hear)


def _known(command: Callable[[], ExitCode]) -> Callable[[], ExitCode]:
    """``command``, with what the disk or the reader of the output does as one line."""
    from onehop.cli._command import complain

    def attempt() -> ExitCode:
        try:
            return command()
        except OSError as error:
            return complain(f"the results cannot be written: {error}", ExitCode.UNAVAILABLE)

    return attempt


def _paths(file: str, out: str | None) -> Path | None:
    from onehop.errors import InvalidRequestError

    if out is None:
        return None
    if file != "-" and Path(out).exists() and Path(file).exists() and Path(out).samefile(file):
        raise InvalidRequestError("--out", repr(out), "another file than the input")
    return Path(out)


def _defaults(
    code: str | None, context: str | None, language: str | None, timeout: float | None
) -> dict[str, Any]:
    """What lines leave out. Raises InvalidRequestError and ConfigError."""
    from onehop.cli import _input
    from onehop.inputs.languages import language_of_file

    given: dict[str, Any] = {"language": language, "timeout": timeout}
    if code is not None:
        given["code"] = _input.read_file("--code", code)
        given["language"] = language or language_of_file(code)
    if context is not None:
        given["context"] = _input.read_context(context)
    return {name: value for name, value in given.items() if value is not None}


def _batch(file: str, out: Path | None, defaults: dict[str, Any], isolation: str | None) -> Batch:
    from onehop.batches import Batch, Requests, ResultsFile
    from onehop.config import SandboxConfig
    from onehop.requests import check_isolation

    wanted = None if isolation is None else check_isolation(isolation)
    path = None if file == "-" else Path(file)
    if path is not None and not path.exists():
        from onehop.errors import InvalidRequestError

        raise InvalidRequestError("FILE", f"{file!r} (no such file)", "a file of lines of JSON")
    return Batch(Requests(path, defaults), ResultsFile(out), SandboxConfig(), wanted)


def _with(made: Batch, concurrency: int | None, ordered: bool) -> Batch:
    import dataclasses

    return dataclasses.replace(made, concurrency=concurrency, ordered=ordered)


@contextmanager
def _shown() -> Iterator[Callable[[Progress], None]]:
    """Hears of progress, and shows it: a bar on a terminal, else a line now and then; and a summary
    at the end, also of a batch that was interrupted."""
    import sys

    from onehop.errors import ConfigError

    last: list[Progress] = []
    shown = _bar if sys.stderr.isatty() else _lines
    try:
        with shown() as show:

            def hear(progress: Progress) -> None:
                last[:] = [progress]
                show(progress)

            yield hear
    except ConfigError:
        last[:] = [
            progress for progress in last if progress.done
        ]  # nothing ran: the error says why
        raise
    finally:
        for progress in last:
            _say(_summary(progress))


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, words="")

        def show(progress: Progress) -> None:
            words = f"{progress.rate:.0f}/s, {progress.all_failed} failed"
            done = progress.skipped + progress.done
            bar.update(task, total=progress.total, completed=done, words=words)

        yield show


@contextmanager
def _lines() -> Iterator[Callable[[Progress], None]]:
    import time

    told = [time.monotonic()]

    def show(progress: Progress) -> None:
        if time.monotonic() - told[0] >= _EVERY:
            told[0] = time.monotonic()
            _say(_line(progress))

    yield show


def _line(progress: Progress) -> str:
    done = progress.skipped + progress.done
    total = "" if progress.total is None else f" of {progress.total}"
    left = "" if progress.left is None else f", {progress.left:.0f} s left"
    failed = progress.all_failed
    return f"onehop: {done}{total} done, {failed} failed, {progress.rate:.0f}/s{left}"


def _summary(progress: Progress) -> str:
    failed = f", {_failed(progress.failed)}" if progress.failed else ""
    verb = "was" if progress.skipped == 1 else "were"
    skipped = f"{progress.skipped} {verb} there already" if progress.skipped else ""
    if progress.failed_before:
        skipped += f" ({_failed(progress.failed_before)})"
    if skipped and progress.skipped == progress.total:
        return f"onehop: nothing was left to run: {skipped}"
    seconds = progress.done / progress.rate if progress.done else 0.0
    pace = f" in {seconds:.1f} s ({progress.rate:.0f}/s, {progress.cpu_time / 1000:.1f} s of CPU)"
    before = skipped and f", {skipped}"
    return f"onehop: {progress.succeeded} succeeded{failed}{before}{pace}"


def _failed(kinds: Counter[str]) -> str:
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    return f"{kinds.total()} failed: {listed}"


def _say(line: str) -> None:
    import sys

    from onehop.cli._output import write

    write(sys.stderr, f"{line}\n")
