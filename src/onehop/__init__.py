"""onehop: run an agent's JavaScript or TypeScript in a jailed, disposable V8 process.

>>> import onehop
>>> onehop.run("return 1 + 1").output
2
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onehop.batches import map  # noqa: A004
    from onehop.client import AgentClient, SyncAgentClient
    from onehop.config import (
        AnalyticsConfig,
        AuditConfig,
        CorrectionConfig,
        RecordingConfig,
        SandboxConfig,
        SessionConfig,
        ValidationConfig,
    )
    from onehop.errors import (
        ApprovalNotFoundError,
        ArtifactNotFoundError,
        AuditUnavailableError,
        AuthenticationError,
        ConfigError,
        DuplicateRequestError,
        ExecutionNotFoundError,
        InvalidRequestError,
        LayerUnavailableError,
        NotCompiledError,
        NotConnectedError,
        NotReplayableError,
        OnehopError,
        OutputNotFoundError,
        Overloaded,
        PermissionDeniedError,
        RateLimitedError,
        RecordRejectedError,
        RemoteError,
        RunLostError,
        RunNotFoundError,
        SandboxClosedError,
        SandboxUnavailableError,
        ServerError,
        ServerTimeoutError,
        ServerUnreachableError,
        SessionNotFoundError,
        SnippetNotFoundError,
        SnippetRefusedError,
        StoreError,
        StoreUnavailableError,
        ToolError,
        ToolFailed,
        TooManySessionsError,
        UnexpectedAnswerError,
        UpstreamUnavailableError,
        WorkerStartError,
    )
    from onehop.events import Event
    from onehop.execution.bus import EventBus
    from onehop.execution.compose import open_executor
    from onehop.execution.executor import Executor
    from onehop.limits import ToolLimits
    from onehop.records import ExecutionRecord
    from onehop.runs.callers import Caller
    from onehop.runs.decisions import Approval, Approve, Edit, Reject
    from onehop.sandbox import Sandbox, run
    from onehop.stores import open_store
    from onehop.stores.analytics import Analytics
    from onehop.tools import Rule, Tool, ToolContext, Tools, tool
    from onehop.types import (
        Artifact,
        Correction,
        ErrorInfo,
        ExecutionResult,
        Finding,
        LogEntry,
        OutputPage,
        PendingApproval,
        Progress,
        Replay,
        ResourceUsage,
        RiskAssessment,
        SessionInfo,
        SnippetInfo,
        ValidationReport,
    )
    from onehop.upstreams import McpUpstream, OpenApi
    from onehop.validation import Validator, validate_code

_HOMES = {
    "onehop.stores.analytics": ["Analytics"],
    "onehop.batches": ["map"],
    "onehop.execution.bus": ["EventBus"],
    "onehop.runs.callers": ["Caller"],
    "onehop.client": ["AgentClient", "SyncAgentClient"],
    "onehop.execution.compose": ["open_executor"],
    "onehop.config": [
        "AnalyticsConfig",
        "AuditConfig",
        "CorrectionConfig",
        "RecordingConfig",
        "SandboxConfig",
        "SessionConfig",
        "ValidationConfig",
    ],
    "onehop.runs.decisions": ["Approval", "Approve", "Edit", "Reject"],
    "onehop.errors": [
        "ApprovalNotFoundError",
        "ArtifactNotFoundError",
        "AuditUnavailableError",
        "AuthenticationError",
        "ConfigError",
        "DuplicateRequestError",
        "ExecutionNotFoundError",
        "InvalidRequestError",
        "LayerUnavailableError",
        "NotConnectedError",
        "NotCompiledError",
        "NotReplayableError",
        "OnehopError",
        "OutputNotFoundError",
        "Overloaded",
        "PermissionDeniedError",
        "RateLimitedError",
        "RecordRejectedError",
        "RemoteError",
        "RunLostError",
        "RunNotFoundError",
        "SandboxClosedError",
        "SandboxUnavailableError",
        "ServerError",
        "ServerTimeoutError",
        "ServerUnreachableError",
        "SessionNotFoundError",
        "SnippetNotFoundError",
        "SnippetRefusedError",
        "StoreError",
        "StoreUnavailableError",
        "TooManySessionsError",
        "ToolError",
        "ToolFailed",
        "UnexpectedAnswerError",
        "UpstreamUnavailableError",
        "WorkerStartError",
    ],
    "onehop.events": ["Event"],
    "onehop.execution.executor": ["Executor"],
    "onehop.limits": ["ToolLimits"],
    "onehop.records": ["ExecutionRecord"],
    "onehop.sandbox": ["Sandbox", "run"],
    "onehop.stores": ["open_store"],
    "onehop.tools": ["Rule", "Tool", "ToolContext", "Tools", "tool"],
    "onehop.types": [
        "Artifact",
        "Correction",
        "ErrorInfo",
        "ExecutionResult",
        "Finding",
        "LogEntry",
        "OutputPage",
        "PendingApproval",
        "Progress",
        "Replay",
        "ResourceUsage",
        "RiskAssessment",
        "SessionInfo",
        "SnippetInfo",
        "ValidationReport",
    ],
    "onehop.upstreams": ["McpUpstream", "OpenApi"],
    "onehop.validation": ["Validator", "validate_code"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AgentClient",
    "Analytics",
    "AnalyticsConfig",
    "Approval",
    "ApprovalNotFoundError",
    "Approve",
    "Artifact",
    "ArtifactNotFoundError",
    "AuditConfig",
    "AuditUnavailableError",
    "AuthenticationError",
    "Caller",
    "ConfigError",
    "Correction",
    "CorrectionConfig",
    "DuplicateRequestError",
    "Edit",
    "ErrorInfo",
    "Event",
    "EventBus",
    "ExecutionNotFoundError",
    "ExecutionRecord",
    "ExecutionResult",
    "Executor",
    "Finding",
    "InvalidRequestError",
    "LayerUnavailableError",
    "LogEntry",
    "McpUpstream",
    "NotCompiledError",
    "NotConnectedError",
    "NotReplayableError",
    "OnehopError",
    "OpenApi",
    "OutputNotFoundError",
    "OutputPage",
    "Overloaded",
    "PendingApproval",
    "PermissionDeniedError",
    "Progress",
    "RateLimitedError",
    "RecordRejectedError",
    "RecordingConfig",
    "Reject",
    "RemoteError",
    "Replay",
    "ResourceUsage",
    "RiskAssessment",
    "Rule",
    "RunLostError",
    "RunNotFoundError",
    "Sandbox",
    "SandboxClosedError",
    "SandboxConfig",
    "SandboxUnavailableError",
    "ServerError",
    "ServerTimeoutError",
    "ServerUnreachableError",
    "SessionConfig",
    "SessionInfo",
    "SessionNotFoundError",
    "SnippetInfo",
    "SnippetNotFoundError",
    "SnippetRefusedError",
    "StoreError",
    "StoreUnavailableError",
    "SyncAgentClient",
    "TooManySessionsError",
    "Tool",
    "ToolContext",
    "ToolError",
    "ToolFailed",
    "ToolLimits",
    "Tools",
    "UnexpectedAnswerError",
    "UpstreamUnavailableError",
    "ValidationConfig",
    "ValidationReport",
    "Validator",
    "WorkerStartError",
    "map",
    "open_executor",
    "open_store",
    "run",
    "tool",
    "validate_code",
]


def __getattr__(name: str) -> Any:
    """Load a public name on first use, so that importing onehop stays light."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'onehop' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
