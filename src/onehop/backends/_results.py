"""From what a worker's end looked like to the result that the caller reads."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Final

from onehop import source, types
from onehop.limits import MIB, Limits
from onehop.workers import Died, Outcome
from onehop.workers.protocol import Failure, LargeResult, Result

if TYPE_CHECKING:
    from onehop.backends.outputs import OutputShelf
    from onehop.types import ErrorInfo, ErrorType, ExecutionRequest, ExecutionResult, Isolation

_OUT_OF_MEMORY = ("out of memory", "memory allocation of", "OOM")
_NEAR_LIMIT = 0.75
"""Share of the memory grant in use above which a crash is put down to memory."""
_EVAL = "Code generation from strings disallowed"
_IMPORT = "import() is not available"
_ALLOCATION = ("Array buffer allocation failed", "Out of memory")

_CAUSES: Final = {
    "TimeoutError": "timeout",
    "CancelledError": "cancelled",
    "ProtocolError": "protocol",
    "CpuLimitError": "cpu",
    "ThreadLimitError": "threads",
    "MemoryLimitError": "memory",
    "ForbiddenSystemCall": "system_call",
    "WorkerExit": "crash",
    "WorkerLostError": "lost",
}
"""By the name that ``_died`` gives, which no guest can choose here."""


def from_outcome(
    request: ExecutionRequest,
    digest: str,
    limits: Limits,
    outcome: Outcome,
    shelf: OutputShelf,
    isolation: Isolation = "process",
) -> ExecutionResult:
    """The result of a run that reached a worker; ``digest`` is the code's hash."""
    error = _error(request, limits, outcome)
    output, identifier = _output(outcome, limits, shelf)
    timed_out = isinstance(outcome.end, Died) and outcome.end.verdict == "timeout"
    return types.ExecutionResult.known(
        success=error is None,
        status="completed" if error is None else "failed",
        output=output,
        logs=[entry.line for entry in outcome.logs],
        log_entries=outcome.logs,
        execution_time=_thousandths(outcome.elapsed * 1000),
        code_hash=digest,
        resource_usage=types.ResourceUsage.known(
            memory=_thousandths(outcome.peak_bytes / MIB),
            timeout=timed_out,
            cpu_time=_thousandths(outcome.cpu_seconds * 1000),
            tool_time=_thousandths(outcome.waited * 1000),
        ),
        error=None if error is None else error.headline,
        error_info=error,
        output_truncated=True if identifier else None,
        persisted_output_id=identifier,
        logs_truncated=True if outcome.logs_dropped else None,
        warnings=_warnings(outcome),
        enforcement=list(outcome.enforcement),
        isolation=isolation,
    )


def _warnings(outcome: Outcome) -> list[str] | None:
    end = outcome.end
    found = end.warnings if isinstance(end, Result | LargeResult) else ()
    return list(found) or None


def _thousandths(value: float) -> float:
    """Three decimals, for a tenth of what ``round(value, 3)`` costs."""
    return round(value * 1000) / 1000


def _output(outcome: Outcome, limits: Limits, shelf: OutputShelf) -> tuple[object, str | None]:
    end = outcome.end
    if isinstance(end, Result):
        return end.output, None
    if isinstance(end, LargeResult):
        complete = len(end.text.encode()) >= end.size
        preview = end.text.encode()[: limits.output_bytes].decode(errors="ignore")
        return preview, shelf.keep(end.text, complete=complete)
    return None, None


def _error(request: ExecutionRequest, limits: Limits, outcome: Outcome) -> ErrorInfo | None:
    end = outcome.end
    if isinstance(end, Failure):
        return _thrown(request, end)
    if isinstance(end, Died):
        kind, name, message = _died(end, limits, outcome)
        return types.ErrorInfo(type=kind, name=name, message=message)
    return None


def _thrown(request: ExecutionRequest, failure: Failure) -> ErrorInfo:
    if failure.syntax:  # it has no stack: no code ran
        return located(
            request, "runtime", failure.name, failure.message, failure.line, failure.column
        )
    kind, name = _kind(failure), failure.name
    message = source.explain(request.code, name, failure.message, request.context)
    line, column = failure.line, failure.column
    if name == "ReferenceError":
        line, column = source.name_place(request.code, failure.message, line, column)
    return located(request, kind, name, message, line, column, failure.stack)


def _kind(failure: Failure) -> ErrorType:
    """What an uncaught error says about itself. The words are V8's and the bootstrap's own; a
    guest that imitates them only mislabels its own failure."""
    if failure.name == "EvalError" and failure.message.startswith(_EVAL):
        return "security"
    if failure.message.startswith(_IMPORT):
        return "security"
    if failure.name == "RangeError" and failure.message.endswith(_ALLOCATION):
        return "resource_limit"
    return "runtime"


def located(
    request: ExecutionRequest,
    kind: ErrorType,
    name: str,
    message: str,
    line: int | None,
    column: int | None,
    stack: str | None = None,
) -> ErrorInfo:
    """An error at a place of the request's code, with its excerpt."""
    excerpt = source.excerpt(request.code, line, column)
    if excerpt is None:  # there is no such line: the guest's word is not taken for it
        line = column = None
    return types.ErrorInfo(
        type=kind,
        name=name,
        message=message,
        line=line,
        column=column,
        stack=stack,
        excerpt=excerpt,
    )


def _died(died: Died, limits: Limits, outcome: Outcome) -> tuple[ErrorType, str, str]:
    if died.verdict == "timeout":
        return (
            "timeout",
            "TimeoutError",
            (f"the code ran longer than its deadline of {limits.timeout * 1000:g} ms"),
        )
    if died.verdict == "cancelled":
        return "cancelled", "CancelledError", "the run was cancelled before it ended"
    if died.verdict == "protocol":
        return "security", "ProtocolError", f"the worker broke the protocol: {died.detail}"
    if died.verdict == "cpu" or _over_cpu(died, limits, outcome):
        return (
            "resource_limit",
            "CpuLimitError",
            (f"the code used more than {limits.cpu_seconds * 1000:g} ms of CPU time"),
        )
    if died.verdict == "threads":
        return "resource_limit", "ThreadLimitError", "the worker started more threads than it may"
    if died.verdict == "memory" or _out_of_memory(died, limits, outcome):
        return (
            "resource_limit",
            "MemoryLimitError",
            (f"the code used more than its {limits.memory_bytes // MIB} MB of memory"),
        )
    return _ended_early(died)


def killed(outcome: Outcome, limits: Limits) -> str | None:
    """Why the worker was killed or ended before the code did, in one word; None if it did not."""
    end = outcome.end
    return _CAUSES[_died(end, limits, outcome)[1]] if isinstance(end, Died) else None


def _over_cpu(died: Died, limits: Limits, outcome: Outcome) -> bool:
    ended_by = died.exit.signal if died.exit else None
    return ended_by in (signal.SIGXCPU, signal.SIGKILL) and (
        outcome.cpu_seconds >= limits.cpu_seconds
    )


def _out_of_memory(died: Died, limits: Limits, outcome: Outcome) -> bool:
    if died.exit is None or died.exit.signal is None:
        return any(words in died.detail for words in _OUT_OF_MEMORY)
    near = outcome.peak_bytes >= limits.memory_bytes * _NEAR_LIMIT
    return near or any(words in died.detail for words in _OUT_OF_MEMORY)


def _ended_early(died: Died) -> tuple[ErrorType, str, str]:
    if died.exit is not None and died.exit.signal == signal.SIGSYS:
        return "security", "ForbiddenSystemCall", "the worker made a forbidden system call"
    if died.exit is None:  # what had started it ended, and took it along
        return "internal", "WorkerLostError", "the worker was lost before the code returned"
    code = died.exit.status >> 8
    how = f"by signal {died.exit.signal}" if died.exit.signal else f"with exit code {code}"
    return "runtime", "WorkerExit", f"the worker ended {how} before the code returned"
