"""The events of an execution: eight of the run, its progress and pauses, six of its calls of tools.

Event
├── ValidationStarted        code:validation:started
├── ValidationCompleted      code:validation:completed
├── SecurityIssue            code:security:issue
├── ExecutionStarted         code:execution:started
├── ExecutionCompleted       code:execution:completed
├── ExecutionFailed          code:execution:failed
├── ResourceLimitExceeded    code:resource:limit:exceeded
├── ExecutionTimeout         code:execution:timeout
├── ExecutionProgress        code:execution:progress
├── ExecutionPaused          code:execution:paused
├── ExecutionResumed         code:execution:resumed
├── ToolStarted              code:tool:started
├── ToolCompleted            code:tool:completed
├── ToolFailed               code:tool:failed
├── ToolDenied               code:tool:denied
├── ApprovalRequested        code:approval:requested
└── ApprovalDecided          code:approval:decided

Fields are snake_case here and camelCase on the wire; times are milliseconds.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final, Literal, get_args

from onehop.types import Effect, ErrorType, IssueType, Language, Severity, ToolOutcome

SOURCE: Final = "CodeExecutionSandbox"

EventType = Literal[
    "code:validation:started",
    "code:validation:completed",
    "code:security:issue",
    "code:execution:started",
    "code:execution:completed",
    "code:execution:failed",
    "code:resource:limit:exceeded",
    "code:execution:timeout",
    "code:execution:progress",
    "code:execution:paused",
    "code:execution:resumed",
    "code:tool:started",
    "code:tool:completed",
    "code:tool:failed",
    "code:tool:denied",
    "code:approval:requested",
    "code:approval:decided",
]
Resource = Literal["memory", "cpu", "time"]

CODE_VALIDATION_STARTED: Final = "code:validation:started"
CODE_VALIDATION_COMPLETED: Final = "code:validation:completed"
CODE_SECURITY_ISSUE: Final = "code:security:issue"
CODE_EXECUTION_STARTED: Final = "code:execution:started"
CODE_EXECUTION_COMPLETED: Final = "code:execution:completed"
CODE_EXECUTION_FAILED: Final = "code:execution:failed"
CODE_RESOURCE_LIMIT_EXCEEDED: Final = "code:resource:limit:exceeded"
CODE_EXECUTION_TIMEOUT: Final = "code:execution:timeout"
CODE_EXECUTION_PROGRESS: Final = "code:execution:progress"
CODE_EXECUTION_PAUSED: Final = "code:execution:paused"
CODE_EXECUTION_RESUMED: Final = "code:execution:resumed"
CODE_TOOL_STARTED: Final = "code:tool:started"
CODE_TOOL_COMPLETED: Final = "code:tool:completed"
CODE_TOOL_FAILED: Final = "code:tool:failed"
CODE_TOOL_DENIED: Final = "code:tool:denied"
CODE_APPROVAL_REQUESTED: Final = "code:approval:requested"
CODE_APPROVAL_DECIDED: Final = "code:approval:decided"


def _new_id() -> str:
    return os.urandom(16).hex()


def _now() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened to one execution."""

    event_type: ClassVar[EventType]

    agent_id: str
    channel_id: str
    request_id: str
    code_hash: str
    event_id: str = field(default_factory=_new_id)
    timestamp: int = field(default_factory=_now)
    """ms since the epoch."""

    def to_dict(self) -> dict[str, Any]:
        """The envelope of the contract: camelCase JSON data."""
        return {
            "eventId": self.event_id,
            "eventType": self.event_type,
            "timestamp": self.timestamp,
            "agentId": self.agent_id,
            "channelId": self.channel_id,
            "source": SOURCE,
            "data": {
                "eventType": self.event_type,
                "requestId": self.request_id,
                "codeHash": self.code_hash,
                **{wire: getattr(self, name) for name, wire in _DATA[type(self)]},
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationStarted(Event):
    """The code is about to be examined."""

    event_type: ClassVar[EventType] = CODE_VALIDATION_STARTED


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationCompleted(Event):
    """The verdict."""

    event_type: ClassVar[EventType] = CODE_VALIDATION_COMPLETED

    safe: bool
    error_count: int
    warning_count: int
    validation_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityIssue(Event):
    """One finding that blocks: sent for each."""

    event_type: ClassVar[EventType] = CODE_SECURITY_ISSUE

    issue_type: IssueType
    description: str
    severity: Severity
    pattern: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionStarted(Event):
    """The code passed validation and goes to a worker."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_STARTED

    language: Language
    code_length: int
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionCompleted(Event):
    """The code returned."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_COMPLETED

    language: Language
    execution_time: float
    output_size: int
    """Bytes of the output's JSON."""
    log_count: int
    resource_usage: dict[str, Any]
    """The result's ``resourceUsage``, in wire form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFailed(Event):
    """The code was refused, threw, or was ended."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_FAILED

    language: Language
    error: str
    error_type: ErrorType
    execution_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceLimitExceeded(Event):
    """A limit ended the run. Times are in ms, memory in MB (2^20 bytes)."""

    event_type: ClassVar[EventType] = CODE_RESOURCE_LIMIT_EXCEEDED

    resource: Resource
    limit: float
    actual: float
    execution_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionTimeout(Event):
    """The deadline ended the run."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_TIMEOUT

    timeout: float
    actual_time: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionProgress(Event):
    """The code says how far it is; not each report of a quick one is an event."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_PROGRESS

    fraction: float
    """0 to 1."""
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPaused(Event):
    """The run waits for people, and has no process meanwhile."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_PAUSED

    run_id: str
    """What decisions are about."""
    waiting: int
    """Calls that wait for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionResumed(Event):
    """Something was decided, and the run is made again up to where it was."""

    event_type: ClassVar[EventType] = CODE_EXECUTION_RESUMED

    run_id: str
    pauses: int
    """How often this has happened, this time included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEvent(Event):
    """Something about one call of a tool; arguments and answers are not told, only their size."""

    call_id: str
    tool: str
    """Its path, such as ``crm.find_person``."""
    effect: Effect
    arguments_hash: str
    bytes_in: int
    """Of the arguments, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolStarted(ToolEvent):
    """The tool is asked."""

    event_type: ClassVar[EventType] = CODE_TOOL_STARTED

    queued: float
    """ms that the call waited for a place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCompleted(ToolEvent):
    """The tool has answered."""

    event_type: ClassVar[EventType] = CODE_TOOL_COMPLETED

    duration: float
    """ms."""
    bytes_out: int
    """Of the answer, as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolFailed(ToolEvent):
    """The call ended in an error, or with the run."""

    event_type: ClassVar[EventType] = CODE_TOOL_FAILED

    outcome: ToolOutcome
    error: str | None
    """The code of the ToolError."""
    duration: float
    """ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDenied(ToolEvent):
    """A rule did not let the call through."""

    event_type: ClassVar[EventType] = CODE_TOOL_DENIED

    error: str | None
    rule: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequested(Event):
    """A call waits for a person."""

    event_type: ClassVar[EventType] = CODE_APPROVAL_REQUESTED

    run_id: str
    """What the decision is about, with ``call_id``."""
    call_id: str
    tool: str
    effect: Effect
    arguments_hash: str
    rule: str | None
    """The rule that asks."""
    expires_at: int
    """ms since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalDecided(Event):
    """Somebody has decided, or nobody has in time."""

    event_type: ClassVar[EventType] = CODE_APPROVAL_DECIDED

    run_id: str
    call_id: str
    tool: str
    decision: str
    """``approved``, ``edited``, ``denied`` or ``expired``."""
    by: str | None
    """Who; None if nobody."""


EVENT_TYPES: Final[tuple[EventType, ...]] = get_args(EventType)
_CLASSES: Final[tuple[type[Event], ...]] = (
    ValidationStarted,
    ValidationCompleted,
    SecurityIssue,
    ExecutionStarted,
    ExecutionCompleted,
    ExecutionFailed,
    ResourceLimitExceeded,
    ExecutionTimeout,
    ExecutionProgress,
    ExecutionPaused,
    ExecutionResumed,
    ToolStarted,
    ToolCompleted,
    ToolFailed,
    ToolDenied,
    ApprovalRequested,
    ApprovalDecided,
)
_BY_TYPE: Final = {cls.event_type: cls for cls in _CLASSES}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


_ENVELOPE: Final = frozenset(item.name for item in fields(Event))
_DATA: Final[dict[type[Event], tuple[tuple[str, str], ...]]] = {
    cls: tuple((item.name, _camel(item.name)) for item in fields(cls) if item.name not in _ENVELOPE)
    for cls in _CLASSES
}


def event_from_dict(wire: Mapping[str, Any]) -> Event:
    """The inverse of ``Event.to_dict``. Raises ValueError for anything else."""
    try:
        cls = _BY_TYPE[wire["eventType"]]
        data = wire["data"]
        return cls(
            agent_id=wire["agentId"],
            channel_id=wire["channelId"],
            request_id=data["requestId"],
            code_hash=data["codeHash"],
            event_id=wire["eventId"],
            timestamp=wire["timestamp"],
            **{name: data[name_on_wire] for name, name_on_wire in _DATA[cls]},
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event of onehop: {error!r}") from None
