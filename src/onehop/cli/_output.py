"""What the command line prints: values to standard output, everything else to standard error.

Code under test may print what it likes, but never steer the reader's terminal.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from onehop.cli._exits import ExitCode
from onehop.types.shown.hidden import HIDDEN, HIDDEN_IN_JSON

if TYPE_CHECKING:
    from onehop.cli.doctor import Report
    from onehop.types import ErrorInfo, ExecutionResult, Finding, PlannedCall, ValidationReport

_STATE_STYLES = {
    "in force": "green",
    "available": "cyan",
    "degraded": "yellow",
    "missing": "bold red",
}


def exit_code(result: ExecutionResult) -> ExitCode:
    """The exit code that says how a run ended."""
    if result.success and result.status != "paused":
        return ExitCode.SUCCESS
    return ExitCode.TIMEOUT if result.resource_usage.timeout else ExitCode.FAILED


def print_json(result: ExecutionResult) -> None:
    """The whole result, on one line."""
    write(sys.stdout, to_json(result.to_dict()) + "\n")


def print_result(result: ExecutionResult) -> None:
    """Console output, then the value or the error, then a summary for people."""
    for line in result.logs:
        write(sys.stderr, line + "\n")
    if result.plan is not None:
        _print_plan(result.plan)
    elif result.status == "paused":
        _print_pause(result)
    elif result.success:
        _print_output(result)
    else:
        _print_error(result)
    for warning in result.warnings or ():
        write(sys.stderr, f"warning: {warning}\n", "yellow")
    if sys.stderr.isatty():
        write(sys.stderr, _summary(result) + "\n", "dim")


def print_validation_json(report: ValidationReport) -> None:
    """The verdict, on one line."""
    write(sys.stdout, to_json(report.to_dict()) + "\n")


def print_validation(report: ValidationReport, code: str) -> None:
    """Each finding with its place, and then the verdict."""
    from onehop.source import excerpt

    for finding in report.issues:
        style = "bold red" if finding.type == "error" else "yellow"
        place = f"line {finding.line}, column {finding.column}"
        write(sys.stdout, f"{finding.type}", style)
        write(sys.stdout, f" {place}: {finding.message} [{finding.pattern}, {finding.severity}]\n")
        write(sys.stdout, f"{excerpt(code, finding.line, finding.column) or ''}\n")
        if finding.suggestion:
            write(sys.stdout, f"  {finding.suggestion}\n", "dim")
    verdict = "safe to run" if report.safe else "would be rejected"
    write(
        sys.stdout, f"{verdict} (risk {report.risk_assessment.score:.2f})\n", _verdict(report.safe)
    )


def print_report_json(report: Report) -> None:
    """The doctor's report, on one line."""
    wire = {**dataclasses.asdict(report), "healthy": report.healthy}
    write(sys.stdout, to_json(wire) + "\n")


def print_report(report: Report) -> None:
    """The doctor's report for people; plain text where there is no terminal."""
    width = max((len(name) for name in report.versions), default=0) + 2
    _heading("Versions and settings")
    for name, text in report.versions.items():
        write(sys.stdout, f"  {name:<{width}}{text}\n")
    _heading("Isolation layers")
    for layer in report.layers:
        write(sys.stdout, f"  {layer.name:<14}")
        write(sys.stdout, f"{layer.state:<11}", _STATE_STYLES.get(layer.state, ""))
        write(sys.stdout, f"{layer.reason}\n")
    _print_checks(report)


def _print_checks(report: Report) -> None:
    _heading("Self-test")
    for check in report.selftest:
        write(sys.stdout, "  ok    " if check.passed else "  FAIL  ", _verdict(check.passed))
        write(sys.stdout, f"{check.name}{'' if check.passed else f': {check.detail}'}\n")
        if check.advice and not check.passed:
            write(sys.stdout, f"        {check.advice}\n")
    healthy = "All is well." if report.healthy else "The sandbox does not work as it should here."
    write(sys.stdout, f"\n{healthy}\n", _verdict(report.healthy))


def _verdict(passed: bool) -> str:
    return "green" if passed else "bold red"


def _heading(text: str) -> None:
    write(sys.stdout, f"\n{text}\n", "bold")


def _print_output(result: ExecutionResult) -> None:
    if result.output_truncated:
        write(sys.stdout, f"{result.output}\n")
        note = "the output is longer than CODE_EXEC_MAX_OUTPUT; this is its beginning"
        write(sys.stderr, f"onehop: {note}\n", "yellow")
    else:
        write(sys.stdout, to_json(result.output, indent=2) + "\n")


def _print_pause(result: ExecutionResult) -> None:
    """What a person has to decide, and how to go on: the run has no value yet."""
    waiting = result.approvals or ()
    names = ", ".join(f"{each.tool} ({each.call_id})" for each in waiting)
    write(sys.stderr, f"paused: a person must decide about {names}\n", "yellow")
    for run_id in dict.fromkeys(each.run_id for each in waiting):
        write(sys.stderr, f"  onehop approvals approve {run_id}    or: deny\n")
    write(sys.stderr, f"  onehop show {result.request_id}\n")
    note = "after the decision a server with this store and these tools goes on with the run"
    write(sys.stderr, f"{note}\n", "dim")


def _print_plan(calls: list[PlannedCall]) -> None:
    from onehop.definition.told import planned

    for call in calls:
        write(sys.stdout, f"{planned(call)}\n")
    note = f"{len(calls)} calls of tools; nothing was executed"
    write(sys.stderr, f"onehop: {note}\n", "dim")


def _print_error(result: ExecutionResult) -> None:
    write(sys.stderr, f"{result.error}\n", "bold red")
    info = result.error_info
    if info is None:
        return
    if info.excerpt:
        write(sys.stderr, f"{info.excerpt}\n")
    for line in (info.stack or "").splitlines():
        if line.lstrip().startswith("at "):
            write(sys.stderr, f"    {line.strip()}\n", "dim")
    for finding in result.findings or ():
        if not _is_told(finding, info):
            place = f"line {finding.line}, column {finding.column}"
            write(sys.stderr, f"{finding.type}: {finding.message} ({place})\n", "yellow")
        if finding.suggestion:
            write(sys.stderr, f"hint: {finding.suggestion}\n", "cyan")
    for hint in result.hints or ():
        write(sys.stderr, f"hint: {hint}\n", "cyan")


def _is_told(finding: Finding, info: ErrorInfo) -> bool:
    """Whether the error is the finding."""
    is_there = (finding.line, finding.column) == (info.line, info.column)
    return is_there and info.message.startswith(finding.message)


def _summary(result: ExecutionResult) -> str:
    usage = result.resource_usage
    layers = ", ".join(result.enforcement) or "no isolation layer"
    return f"{result.execution_time:.1f} ms · {usage.memory:.1f} MB · {layers}"


def to_json(value: Any, *, indent: int | None = None) -> str:
    """JSON that the stream can encode, without a character that a terminal obeys."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    text = json.dumps(value, ensure_ascii=not unicode, indent=indent)
    return HIDDEN_IN_JSON.sub(lambda found: json.dumps(found.group())[1:-1], text)


def write(stream: TextIO, text: str, style: str = "") -> None:
    """Write ``text``; on a terminal in ``style`` and without what would steer it."""
    if stream.isatty():
        text = HIDDEN.sub("\ufffd", text)
    try:
        if style and stream.isatty():
            _write_styled(stream, text, style)
        else:
            _write_plain(stream, text)
    except BrokenPipeError:  # the reader has seen enough; the exit code still tells the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _write_plain(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    stream.flush()


def _write_styled(stream: TextIO, text: str, style: str) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, soft_wrap=True, highlight=False)
    console.print(Text(text, style), end="")
    stream.flush()
