"""Plain data of one execution: the request, the result, and their parts.

Field names are snake_case in Python and camelCase on the wire; ``to_dict()`` gives the wire
form. Units follow the contract: times in milliseconds, memory in megabytes of 2^20 bytes.

The models come with pydantic, which takes longer to load than all of onehop. A sandbox starts its
processes before it needs one: what it loads until then says ``types.ExecutionResult``, and does not
import the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onehop._late import late
from onehop.types._words import (
    TYPECHECK,
    CallChange,
    CheckPolicy,
    Effect,
    ErrorType,
    Isolation,
    IssueType,
    Language,
    LogLevel,
    Severity,
    Status,
    ToolOutcome,
    ValidationLevel,
    code_hash,
)

if TYPE_CHECKING:
    from onehop.types._models import (
        Artifact,
        Avoided,
        Correction,
        ErrorInfo,
        ExecutionRequest,
        ExecutionResult,
        Finding,
        LogEntry,
        OnLog,
        OnProgress,
        OutputPage,
        PendingApproval,
        PlannedCall,
        Progress,
        Replay,
        ResourceUsage,
        RiskAssessment,
        SessionInfo,
        SnippetInfo,
        ToolCall,
        Typecheck,
        ValidationReport,
        Wire,
    )

__all__ = [
    "TYPECHECK",
    "Artifact",
    "Avoided",
    "CallChange",
    "CheckPolicy",
    "Correction",
    "Effect",
    "ErrorInfo",
    "ErrorType",
    "ExecutionRequest",
    "ExecutionResult",
    "Finding",
    "Isolation",
    "IssueType",
    "Language",
    "LogEntry",
    "LogLevel",
    "OnLog",
    "OnProgress",
    "OutputPage",
    "PendingApproval",
    "PlannedCall",
    "Progress",
    "Replay",
    "ResourceUsage",
    "RiskAssessment",
    "SessionInfo",
    "Severity",
    "SnippetInfo",
    "Status",
    "ToolCall",
    "ToolOutcome",
    "Typecheck",
    "ValidationLevel",
    "ValidationReport",
    "Wire",
    "code_hash",
]

__getattr__ = late(
    {
        "onehop.types._models": "Artifact Avoided Correction ErrorInfo ExecutionRequest "
        "ExecutionResult Finding LogEntry OnLog OnProgress OutputPage PendingApproval "
        "PlannedCall Progress Replay ResourceUsage RiskAssessment SessionInfo "
        "SnippetInfo ToolCall Typecheck ValidationReport Wire",
    }
)
