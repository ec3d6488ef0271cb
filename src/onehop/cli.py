"""The command line: ``onehop run`` and ``onehop doctor``.

What takes time to import is imported by the command that needs it, so that help is quick.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Annotated, Any, NoReturn

import typer

from onehop._cli_mcp import app as _mcp
from onehop._exits import ExitCode
from onehop._version import onehop_version

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
            help="javascript or typescript; otherwise the file's extension decides.",
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

    The returned value goes to standard output as JSON.
    Console output and errors go to standard error.

    Try: onehop run -c "return 1 + 1"
    """

    def command() -> ExitCode:
        from onehop import _cli_input, _cli_output

        call = _cli_input.read_call(file, code, context, language, timeout, memory)
        result = _cli_input.execute(call)
        (_cli_output.print_json if as_json else _cli_output.print_result)(result)
        return _cli_output.exit_code(result)

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
        from onehop import _cli_output
        from onehop.doctor import examine

        report = examine()
        (_cli_output.print_report_json if as_json else _cli_output.print_report)(report)
        return ExitCode.SUCCESS if report.healthy else ExitCode.UNAVAILABLE

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
    from onehop._cli_output import write

    write(sys.stderr, f"onehop: {reason}\n")
    return code


if __name__ == "__main__":
    main()
