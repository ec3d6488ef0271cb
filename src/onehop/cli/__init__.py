"""The command line: run and validate code, ask the audit trail, examine this machine.

What takes time to import is imported by the command that needs it, so that help is quick.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from onehop._version import onehop_version
from onehop.cli._exits import ExitCode
from onehop.cli._mcp import app as _mcp
from onehop.cli._serve import agents as _agents
from onehop.cli._serve import serve as _serve

if TYPE_CHECKING:
    from onehop.cli._trail import Trail

_EXIT_CODES = """\b
Exit codes:
  0    success
  1    the code failed
  2    bad usage or bad input
  3    the sandbox cannot run here
  124  timeout
  130  interrupted
"""

app = typer.Typer(
    name="onehop",
    help="Run an agent's JavaScript or TypeScript in a jailed, disposable V8 process.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing the help with rich takes twice as long as all the rest
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve", epilog=_EXIT_CODES)(_serve)
app.add_typer(_agents, name="agents")
app.add_typer(_mcp, name="mcp")


def main() -> None:
    """Run the command that ``sys.argv`` names, and exit."""
    app(prog_name="onehop")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"onehop {onehop_version()}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


@app.command(epilog=_EXIT_CODES)
def run(
    file: Annotated[
        str | None,
        typer.Argument(metavar="FILE|-", help="The code; - reads standard input."),
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", "-c", metavar="CODE", help="The code itself.")
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="A JSON object that the code sees as `context`."),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            "-l",
            help="javascript or typescript (js, ts, tsx, …); else the file's suffix decides.",
        ),
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="MS", help="Deadline in ms, 100 to 30000.")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(metavar="MB", help="Memory the code may use, in MB.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one line of JSON.")
    ] = False,
) -> None:
    """Run code once, as the body of an async function.

    The code is validated first, and the run is recorded (see: onehop history).
    The returned value goes to standard output as JSON.
    Console output and errors go to standard error.

    Try: onehop run -c "return 1 + 1"
    """

    def command() -> ExitCode:
        from onehop.cli import _input, _output

        call = _input.read_call(file, code, context, language, timeout, memory)
        result = _input.execute(call)
        (_output.print_json if as_json else _output.print_result)(result)
        return _output.exit_code(result)

    _exit_with(command)


@app.command(epilog=_EXIT_CODES)
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Examine this machine and test the sandbox for real.

    Names each isolation layer: in force, available, degraded or missing, and why.

    Exits with 0 when every check passes, with 3 otherwise.
    """

    def command() -> ExitCode:
        from onehop.cli import _output
        from onehop.cli.doctor import examine

        report = examine()
        (_output.print_report_json if as_json else _output.print_report)(report)
        return ExitCode.SUCCESS if report.healthy else ExitCode.UNAVAILABLE

    _exit_with(command)


@app.command(epilog=_EXIT_CODES)
def validate(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE|-", help="The code; - reads standard input.")
    ] = None,
    code: Annotated[
        str | None, typer.Option("--code", "-c", metavar="CODE", help="The code itself.")
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            "--language",
            "-l",
            help="javascript or typescript (js, ts, tsx, …); else the file's suffix decides.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check code without running it: what would be rejected, and why.

    Exits with 0 when the code is safe to run, with 1 otherwise.
    """

    def command() -> ExitCode:
        from onehop.cli import _input, _output
        from onehop.validation import validate_code

        text, kind = _input.read_code(file, code, language)
        report = validate_code(text, kind)
        if as_json:
            _output.print_validation_json(report)
        else:
            _output.print_validation(report, text)
        return ExitCode.SUCCESS if report.safe else ExitCode.FAILED

    _exit_with(command)


_JSON = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command()
def stats(
    agent: Annotated[
        str | None, typer.Argument(metavar="AGENT", help="The agent; otherwise all of them.")
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Show statistics of an agent's runs: counts, times, languages, failures, security issues."""
    _ask(lambda trail: trail.stats(agent, as_json=as_json))


@app.command()
def history(
    agent: Annotated[str | None, typer.Option(help="Only this agent's runs.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only runs in this channel.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only runs that failed.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 20,
    as_json: _JSON = False,
) -> None:
    """List the latest runs, the newest first."""

    def question(trail: Trail) -> Awaitable[ExitCode]:
        from onehop.stores.base import HistoryQuery

        success = False if failed else None
        query = HistoryQuery(agent_id=agent, channel_id=channel, success=success, limit=limit)
        return trail.history(query, as_json=as_json)

    _ask(question)


@app.command()
def show(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="Which run.")],
    as_json: _JSON = False,
) -> None:
    """Show all that is kept of one run."""
    _ask(lambda trail: trail.show(request_id, as_json=as_json))


audit = typer.Typer(
    help="Examine the audit trail itself.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(audit, name="audit")


@audit.command()
def verify(
    expect: Annotated[
        str | None, typer.Option(metavar="HASH", help="The last hash that was noted elsewhere.")
    ] = None,
    as_json: _JSON = False,
) -> None:
    """Check the chain of hashes: find a changed, missing or inserted record, and say which.

    Exits with 0 when the chain holds, with 1 otherwise.
    """
    _ask(lambda trail: trail.verify(expect, as_json=as_json))


store = typer.Typer(
    help="Look after the store of the audit trail.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(store, name="store")


@store.command()
def compact(as_json: _JSON = False) -> None:
    """Write a SQLite store anew, without the room that deleted records have left.

    A store that onehop makes now shrinks by itself; one from an older onehop does so once it was
    compacted. The server may go on: records wait in its journal meanwhile.
    """
    _ask(lambda trail: trail.compact(as_json=as_json))


def _ask(question: Callable[[Trail], Awaitable[ExitCode]]) -> NoReturn:
    """Put a question to the audit trail that the settings name."""

    def command() -> ExitCode:
        from onehop.cli._trail import ask

        return ask(question)

    _exit_with(command)


def _exit_with(command: Callable[[], ExitCode]) -> NoReturn:
    """Exit with what ``command`` returns; its known failures become one line and a code."""
    from onehop.errors import ConfigError, InvalidRequestError, OnehopError

    try:
        code = command()
    except (InvalidRequestError, ConfigError) as error:
        code = _complain(error, ExitCode.BAD_INPUT)
    except OnehopError as error:
        code = _complain(error, ExitCode.UNAVAILABLE)
    except KeyboardInterrupt:
        code = _complain("interrupted", ExitCode.INTERRUPTED)
    except Exception:  # a mistake of ours must not look like a failure of the code
        traceback.print_exc()
        code = ExitCode.UNAVAILABLE
    raise typer.Exit(code)


def _complain(reason: Any, code: ExitCode) -> ExitCode:
    from onehop.cli._output import write

    write(sys.stderr, f"onehop: {reason}\n")
    return code


if __name__ == "__main__":
    main()
