"""``onehop run``, ``onehop validate`` and ``onehop doctor``."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from onehop.cli._command import exit_with
from onehop.cli._exits import ExitCode, epilog
from onehop.cli._once import run_once
from onehop.cli._options import McpServers, RunRules, RunTools

DOCTOR_EXITS: Final = epilog(
    {ExitCode.UNAVAILABLE: "a check failed, or onehop cannot run here as configured"}
)
VALIDATE_EXITS: Final = epilog(
    {
        ExitCode.SUCCESS: "the code is safe to run",
        ExitCode.FAILED: "the code would be rejected",
        ExitCode.UNAVAILABLE: "onehop failed",
    }
)

_Code = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE|CODE|-",
        help="A file that exists, else the code itself; - reads standard input.",
        show_default=False,
    ),
]
_CodeOption = Annotated[
    str | None, typer.Option("--code", "-c", metavar="CODE", help="The code itself, never a file.")
]
_Language = Annotated[
    str | None,
    typer.Option(
        "--language",
        "-l",
        help="javascript or typescript (js, ts, tsx, …); else the file's suffix decides.",
    ),
]


def run(
    words: typer.Context,
    source: _Code = None,
    code: _CodeOption = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|JSON|-",
            help="A JSON object that the code sees as `context`: a file, the JSON itself, or - "
            "for standard input.",
        ),
    ] = None,
    language: _Language = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            metavar="MS", help="Deadline in ms, 100 to 30000; waiting for tools does not count."
        ),
    ] = None,
    memory: Annotated[
        int | None, typer.Option(metavar="MB", help="Memory the code may use, in MB.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(metavar="INTEGER", help="Fixes random numbers: the same seed, the same ones."),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(
            metavar="MS|TIME",
            help="The time at which every clock of the code stands still: ms since 1970, or an ISO "
            "time.",
        ),
    ] = None,
    session: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The session that the code runs in. What its store keeps is there in the next "
            "run of that name; variables end with this command.",
        ),
    ] = None,
    tools: RunTools = None,
    rule: RunRules = None,
    mcp_servers: McpServers = None,
    typecheck: Annotated[
        str | None,
        typer.Option(
            metavar="off|provable|strict",
            help="What the check before the run may refuse: nothing, what must fail (the default "
            "where tools are given), or all that TypeScript says.",
        ),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="Check the code and list its calls of tools; run nothing."),
    ] = False,
    record: Annotated[
        bool, typer.Option("--record/--no-record", help="Whether to keep the run in the history.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole result as one line of JSON.")
    ] = False,
) -> None:
    """Run code once, as the body of an async function.

    The argument is a file if one of that name exists. If none does, it is code when it looks like
    code (it has spaces or signs that file names rarely have), and otherwise the name of a missing
    file, which is an error. Without an argument the code is read from standard input.

    The code is validated first. The run is recorded (see: onehop history) unless you say
    --no-record. The returned value goes to standard output as JSON. Console output and errors go
    to standard error.

    Try: onehop run "return 1 + 1"
    """

    exit_with(
        lambda: run_once(
            words.obj,
            source=source,
            code=code,
            context=context,
            language=language,
            timeout=timeout,
            memory=memory,
            seed=seed,
            clock=clock,
            session=session,
            tools=tools,
            rules=rule,
            mcp_servers=mcp_servers,
            typecheck=typecheck,
            plan=plan,
            record=record,
            as_json=as_json,
        )
    )


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Examine this machine and test the sandbox for real.

    Names each isolation layer, says whether it is in force, available, degraded or missing, and
    why.
    """

    def command() -> ExitCode:
        from onehop.cli import _output
        from onehop.cli.doctor import examine

        report = examine()
        (_output.print_report_json if as_json else _output.print_report)(report)
        return ExitCode.SUCCESS if report.healthy else ExitCode.UNAVAILABLE

    exit_with(command)


def validate(
    source: _Code = None,
    code: _CodeOption = None,
    language: _Language = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Check code without running it: what would be rejected, and why.

    FILE, CODE and - mean what they mean for onehop run.
    """

    def command() -> ExitCode:
        from onehop.cli import _input, _output
        from onehop.validation import validate_code

        text, kind = _input.read_code(source, code, language)
        report = validate_code(text, kind)
        if as_json:
            _output.print_validation_json(report)
        else:
            _output.print_validation(report, text)
        return ExitCode.SUCCESS if report.safe else ExitCode.FAILED

    exit_with(command)
