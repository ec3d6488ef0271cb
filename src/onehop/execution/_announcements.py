"""Which events tell of what happened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from onehop.events import (
    ApprovalDecided,
    ApprovalRequested,
    Event,
    ExecutionCompleted,
    ExecutionFailed,
    ExecutionPaused,
    ExecutionProgress,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionTimeout,
    ResourceLimitExceeded,
    SecurityIssue,
    ToolCompleted,
    ToolDenied,
    ToolFailed,
    ToolStarted,
    ValidationCompleted,
    ValidationStarted,
)
from onehop.execution._outcomes import blocking_findings
from onehop.limits import MIB, Limits
from onehop.types import TYPECHECK
from onehop.validation import TRIPWIRES

if TYPE_CHECKING:
    from onehop.records import ExecutionRecord
    from onehop.runs.callers import Caller
    from onehop.runs.decisions import Approval
    from onehop.runs.kept import KeptRun
    from onehop.sandbox.calls import CallEvent
    from onehop.types import (
        ErrorInfo,
        ExecutionRequest,
        ExecutionResult,
        Progress,
        ToolCall,
        ValidationReport,
    )


class Announcer:
    """Makes the events of one run."""

    def __init__(self, caller: Caller, request: ExecutionRequest, digest: str) -> None:
        self._request = request
        self._common: dict[str, Any] = {
            "agent_id": caller.agent_id,
            "channel_id": caller.channel_id,
            "request_id": caller.request_id,
            "code_hash": digest,
        }

    def validation_started(self) -> Event:
        """Before the code is examined."""
        return ValidationStarted(**self._common)

    def validated(self, report: ValidationReport, milliseconds: float) -> Iterator[Event]:
        """The verdict, and each finding that blocks or that a tripwire has caught."""
        errors = sum(finding.type == "error" for finding in report.issues)
        yield ValidationCompleted(
            **self._common,
            safe=report.safe,
            error_count=errors,
            warning_count=len(report.issues) - errors,
            validation_time=round(milliseconds, 3),
        )
        blocking = blocking_findings(report)
        for finding in report.issues:
            if finding not in blocking and finding.pattern not in TRIPWIRES:
                continue
            if finding.pattern == TYPECHECK:  # a mistake, and no matter of security
                continue
            yield SecurityIssue(
                **self._common,
                issue_type=finding.issue_type,
                description=finding.message,
                severity=finding.severity,
                pattern=finding.pattern,
                line=finding.line,
                column=finding.column,
            )

    def started(self) -> Event:
        """Before the code goes to a worker."""
        return ExecutionStarted(
            **self._common,
            language=self._request.language,
            code_length=len(self._request.code),
            timeout=self._request.timeout,
        )

    def ended(self, result: ExecutionResult, limits: Limits, output_size: int) -> Iterator[Event]:
        """The limit that ended it, if one did, and then how it ended."""
        info = result.error_info
        if info is None:
            yield self._completed(result, output_size)
            return
        if info.type in ("timeout", "resource_limit"):
            yield self._limit(info, result, limits)
        if info.type == "timeout":
            yield ExecutionTimeout(
                **self._common, timeout=self._request.timeout, actual_time=result.execution_time
            )
        yield self.failed(result.error or info.message, info, result.execution_time)

    def progress(self, report: Progress) -> Event:
        """How far the code says that it is."""
        return ExecutionProgress(**self._common, fraction=report.fraction, message=report.message)

    def paused(self, run_id: str, waiting: int) -> Event:
        """It waits for people, without a process."""
        return ExecutionPaused(**self._common, run_id=run_id, waiting=waiting)

    def resumed(self, run_id: str, pauses: int) -> Event:
        """It goes on."""
        return ExecutionResumed(**self._common, run_id=run_id, pauses=pauses)

    def tool(self, event: CallEvent, call: ToolCall) -> Event:
        """What became of a call of a tool."""
        common = {
            **self._common,
            "call_id": call.id,
            "tool": call.tool,
            "effect": call.effect,
            "arguments_hash": call.arguments_hash,
            "bytes_in": call.bytes_in,
        }
        match event:
            case "started":
                return ToolStarted(**common, queued=call.queued)
            case "completed":
                return ToolCompleted(**common, duration=call.duration, bytes_out=call.bytes_out)
            case "denied":
                return ToolDenied(**common, error=call.error, rule=call.rule)
            case "failed":
                return ToolFailed(
                    **common, outcome=call.outcome, error=call.error, duration=call.duration
                )

    def asked(self, approval: Approval) -> Event:
        """A call waits for a person, or has its decision."""
        common = {
            **self._common,
            "run_id": approval.run_id,
            "call_id": approval.call_id,
            "tool": approval.tool,
        }
        if approval.status != "pending":
            return ApprovalDecided(**common, decision=approval.status, by=approval.decided_by)
        return ApprovalRequested(
            **common,
            effect=approval.effect,
            arguments_hash=approval.arguments_hash,
            rule=approval.rule,
            expires_at=approval.expires_at,
        )

    def failed(self, error: str, info: ErrorInfo, execution_time: float = 0) -> Event:
        """How it ended, when it did not end well."""
        return ExecutionFailed(
            **self._common,
            language=self._request.language,
            error=error,
            error_type=info.type,
            execution_time=execution_time,
        )

    def _completed(self, result: ExecutionResult, output_size: int) -> Event:
        return ExecutionCompleted(
            **self._common,
            language=self._request.language,
            execution_time=result.execution_time,
            output_size=output_size,
            log_count=len(result.logs),
            resource_usage=result.resource_usage.flat(),
        )

    def _limit(self, info: ErrorInfo, result: ExecutionResult, limits: Limits) -> Event:
        usage = result.resource_usage
        common = {**self._common, "execution_time": result.execution_time}
        if info.type == "timeout":
            limit = self._request.timeout
            return ResourceLimitExceeded(
                **common, resource="time", limit=limit, actual=result.execution_time
            )
        if info.name == "CpuLimitError":
            limit = limits.cpu_seconds * 1000
            return ResourceLimitExceeded(
                **common, resource="cpu", limit=limit, actual=usage.cpu_time
            )
        limit = limits.memory_bytes / MIB
        return ResourceLimitExceeded(**common, resource="memory", limit=limit, actual=usage.memory)


def lost(record: ExecutionRecord, kept: KeptRun) -> Event:
    """The end of a kept run that nobody can make again. Its id is always the same: the store keeps
    it once, should the run be given up twice because a server died meanwhile."""
    return ExecutionFailed(
        agent_id=kept.agent_id,
        channel_id=kept.channel_id,
        request_id=kept.request_id,
        code_hash=kept.code_hash,
        event_id=hashlib.sha256(f"{kept.run_id} lost".encode()).hexdigest()[:32],
        language=record.language,
        error=record.error or "",
        error_type=record.error_type or "internal",
        execution_time=0,
    )
