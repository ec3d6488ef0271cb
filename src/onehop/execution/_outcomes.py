"""From the end of a run to the record that is kept of it, and back to the result."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from onehop import source
from onehop.records import INTERRUPTED, SNIPPET_LENGTH, ExecutionRecord
from onehop.runs.callers import Caller
from onehop.types import (
    Artifact,
    Avoided,
    Correction,
    ErrorInfo,
    ExecutionRequest,
    ExecutionResult,
    Finding,
    LogEntry,
    ResourceUsage,
    ToolCall,
    Typecheck,
    ValidationReport,
    code_hash,
)

if TYPE_CHECKING:
    from onehop.runs.kept import KeptRun

_INTERRUPTED: Final = ErrorInfo.known(type="internal", name="Interrupted", message=INTERRUPTED)


def refused(request: ExecutionRequest, report: ValidationReport) -> ExecutionResult:
    """The result of code that validation does not let run."""
    blocking = blocking_findings(report)
    first = blocking[0]
    message = f"{first.message} [{_decided(first)}]"
    if len(blocking) > 1:
        message += f" and {len(blocking) - 1} more"
    info = ErrorInfo(
        type="validation",
        name="ValidationError",
        message=message,
        line=first.line,
        column=first.column,
        excerpt=source.excerpt(request.code, first.line, first.column),
    )
    return _failed(request, info, f" (line {first.line}, column {first.column})")


def _decided(finding: Finding) -> str:
    """Why a finding blocks."""
    if finding.type == "error":
        return f"rule {finding.pattern}"
    return f"rule {finding.pattern}, a warning, which blocks because the operator chose STRICT"


def blocking_findings(report: ValidationReport) -> list[Finding]:
    """The findings for which the code may not run."""
    if report.safe:
        return []
    errors = [finding for finding in report.issues if finding.type == "error"]
    strict = report.risk_assessment.level == "STRICT"
    serious = [finding for finding in report.issues if strict and finding.severity != "low"]
    return errors or serious or report.issues


def cancelled(request: ExecutionRequest) -> ExecutionResult:
    """The result of a run whose caller gave it up."""
    message = "the run was cancelled before it ended"
    info = ErrorInfo(type="cancelled", name="CancelledError", message=message)
    return _failed(request, info)


def revoked(request: ExecutionRequest) -> ExecutionResult:
    """The result of a run whose agent was revoked while it was paused."""
    message = "the agent was revoked while its run was paused"
    return _failed(request, ErrorInfo(type="security", name="AgentRevokedError", message=message))


def lost(kept: KeptRun, message: str, facts: dict[str, Any]) -> ExecutionRecord:
    """The record of a run that nobody can make again, nor end; ``facts`` are what is known of its
    calls."""
    request = ExecutionRequest(code="", timeout=1)
    info = ErrorInfo(type="internal", name="LostRunError", message=message)
    caller = Caller(agent_id=kept.agent_id, channel_id=kept.channel_id, request_id=kept.request_id)
    result = _unsuccessful(kept.code_hash, info)
    return record_of(caller, kept.run_id, request, result, kept.created_at, facts)


def interrupted(digest: str) -> ExecutionResult:
    """What is on record of a run until it has ended; ``digest`` is the code's hash."""
    return _unsuccessful(digest, _INTERRUPTED)


def _failed(request: ExecutionRequest, info: ErrorInfo, place: str = "") -> ExecutionResult:
    return _unsuccessful(code_hash(request.code), info, place)


def _unsuccessful(digest: str, info: ErrorInfo, place: str = "") -> ExecutionResult:
    return ExecutionResult.known(
        success=False,
        status="failed",
        logs=[],
        log_entries=[],
        code_hash=digest,
        resource_usage=ResourceUsage.known(memory=0.0),
        error=f"{info.name}: {info.message}{place}",
        error_info=info,
        enforcement=[],
    )


def record_of(
    caller: Caller,
    run_id: str,
    request: ExecutionRequest,
    result: ExecutionResult,
    executed_at: int,
    facts: dict[str, Any],
) -> ExecutionRecord:
    """The record of a run; ``facts`` is what the host knows beyond the result, in wire form."""
    usage = result.resource_usage
    return ExecutionRecord(
        run_id=run_id,
        request_id=caller.request_id,
        agent_id=caller.agent_id,
        channel_id=caller.channel_id,
        language=request.language,
        code_hash=result.code_hash,
        code_length=len(request.code),
        code_snippet=request.code[:SNIPPET_LENGTH],
        success=result.success,
        output=result.output,
        logs=result.logs,
        error=result.error,
        error_type=result.error_info.type if result.error_info else None,
        execution_time=result.execution_time,
        timeout=request.timeout,
        memory_usage=usage.memory,
        timeout_occurred=usage.timeout,
        context_data=request.context,
        description=request.description,
        executed_at=executed_at,
        created_at=time.time_ns() // 1_000_000,
        details={**_details(result), **_choices(request), **facts},
    )


def _choices(request: ExecutionRequest) -> dict[str, Any]:
    """What the call asked for beyond the record's own fields."""
    chosen = {"seed": request.seed, "clock": request.clock, "session": request.session}
    return {name: value for name, value in chosen.items() if value is not None}


def _details(result: ExecutionResult) -> dict[str, Any]:
    """What the result says beyond the record's own fields."""
    wire = {
        "cpuTime": result.resource_usage.cpu_time,
        "toolTime": result.resource_usage.tool_time,
        "enforcement": result.enforcement,
        "logTimes": [entry.time for entry in result.log_entries],
        "logLevels": [entry.level for entry in result.log_entries],
        "errorInfo": result.error_info and result.error_info.flat(),
        "outputTruncated": result.output_truncated,
        "persistedOutputId": result.persisted_output_id,
        "logsTruncated": result.logs_truncated,
        "corrections": [item.model_dump(by_alias=True) for item in result.corrections or ()],
        "warnings": result.warnings,
        "hints": result.hints,
        "findings": [item.model_dump(by_alias=True) for item in result.findings or ()],
        "toolCalls": [item.model_dump(by_alias=True) for item in result.tool_calls or ()],
        "artifacts": [item.model_dump(by_alias=True) for item in result.artifacts or ()],
        "avoided": result.avoided and result.avoided.model_dump(by_alias=True),
        "typecheck": result.typecheck and result.typecheck.model_dump(by_alias=True),
    }
    return {name: value for name, value in wire.items() if value not in (None, [])}


def result_of(record: ExecutionRecord) -> ExecutionResult:
    """The result that a record tells of; what was masked or left out of it stays so."""
    details = record.details
    info = details.get("errorInfo")
    return ExecutionResult(
        success=record.success,
        status="completed" if record.success else "failed",
        output=record.output,
        logs=record.logs,
        log_entries=_log_entries(record),
        execution_time=record.execution_time,
        code_hash=record.code_hash,
        resource_usage=ResourceUsage(
            memory=record.memory_usage,
            timeout=record.timeout_occurred,
            cpu_time=details.get("cpuTime", 0),
            tool_time=details.get("toolTime", 0),
        ),
        error=record.error,
        error_info=ErrorInfo.model_validate(info) if info else None,
        output_truncated=details.get("outputTruncated"),
        persisted_output_id=details.get("persistedOutputId"),
        logs_truncated=details.get("logsTruncated"),
        corrections=[Correction.model_validate(item) for item in details.get("corrections", ())]
        or None,
        warnings=details.get("warnings"),
        hints=details.get("hints"),
        findings=[Finding.model_validate(item) for item in details.get("findings", ())] or None,
        enforcement=details.get("enforcement", []),
        tool_calls=[ToolCall.model_validate(item) for item in details.get("toolCalls", ())] or None,
        avoided=Avoided.model_validate(details["avoided"]) if details.get("avoided") else None,
        artifacts=[Artifact.model_validate(item) for item in details.get("artifacts", ())] or None,
        typecheck=Typecheck.model_validate(details["typecheck"])
        if details.get("typecheck")
        else None,
        request_id=record.request_id,
    )


def _log_entries(record: ExecutionRecord) -> list[LogEntry]:
    times = record.details.get("logTimes", [])
    levels = record.details.get("logLevels", [])
    # Lines that were cut from the record have left no time behind, and the other way round.
    rows = zip(record.logs, levels, times, strict=False)
    return [
        LogEntry(level=level, message=_without_prefix(line, level), time=at)
        for line, level, at in rows
    ]


def _without_prefix(line: str, level: str) -> str:
    return line.removeprefix(f"[{level.upper()}] ")
