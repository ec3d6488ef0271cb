"""The request, the result, and their parts, as models of pydantic.

Annotations are values here, not texts: pydantic would compile each text, a quarter of the import.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pydantic_core import to_json

from onehop.types._words import (
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
)

_LEVELS: dict[LogLevel, str] = {
    "log": "",
    "error": "[ERROR] ",
    "warn": "[WARN] ",
    "info": "[INFO] ",
    "debug": "[DEBUG] ",
}


class Wire(BaseModel):
    """Frozen data that is camelCase on the wire and snake_case in Python."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        defer_build=True,
    )

    @classmethod
    def known(cls, **values: Any) -> Self:
        """One of values that are right for sure, all that have no default among them: pydantic
        would take 20 to 30 µs of a small run to look at them again, and 10 ms, the first time, to
        learn how."""
        made = cls.__new__(cls)
        _fill(made, {**_defaults(cls), **values}, set(values))
        return made

    def with_known(self, **changes: Any) -> Self:
        """A copy with other values that are right for sure; ``model_copy`` takes four times as
        long."""
        made = type(self).__new__(type(self))
        _fill(made, {**self.__dict__, **changes}, {*self.model_fields_set, *changes})
        return made

    def flat(self) -> dict[str, Any]:
        """``model_dump(by_alias=True)`` of one that has plain values only: to learn how to dump a
        model takes some ms the first time."""
        names = type(self).model_fields.items()
        return {field.alias or name: getattr(self, name) for name, field in names}


def _fill(model: Wire, values: dict[str, Any], given: set[str]) -> None:
    put = object.__setattr__  # it is frozen
    put(model, "__dict__", values)
    put(model, "__pydantic_fields_set__", given)
    put(model, "__pydantic_extra__", None)
    put(model, "__pydantic_private__", None)


@lru_cache(maxsize=64)
def _defaults(model: type[Wire]) -> Mapping[str, Any]:
    """All fields in their order; those without a default of their own must be given."""
    return {name: field.default for name, field in model.model_fields.items()}


class ExecutionRequest(Wire):
    """One call of ``code_execute``, already checked: see ``requests.check_request``."""

    code: str
    language: Language = "javascript"
    timeout: float = 5000
    """Deadline in ms."""
    context: dict[str, Any] = Field(default_factory=dict)
    """JSON data that the code sees as ``context``."""
    capture_console: bool = True
    description: str | None = None
    seed: int | None = None
    """Of random numbers; None: they are random."""
    clock: float | None = None
    """ms since 1970, at which every clock of the code stands still; None: time goes on."""
    session: str | None = None
    """The agent's session that it runs in; None: it runs alone."""
    typecheck: CheckPolicy | None = None
    """None: ``provable`` where tools are granted, ``off`` elsewhere."""
    plan: bool = False
    """Whether the calls are listed, and nothing is executed."""


class LogEntry(Wire):
    """One console call."""

    level: LogLevel
    message: str
    time: float
    """ms since the start of the run, taken by the host when the line arrived."""

    @property
    def line(self) -> str:
        """As ``logs`` has it: the level in front, unless it is ``log``."""
        return _LEVELS[self.level] + self.message


class Progress(Wire):
    """How far the code says that it is."""

    fraction: float
    """0 to 1."""
    message: str = ""


OnProgress = Callable[[Progress], None]
"""Called in the event loop when the code says how far it is; it must not block."""
OnLog = Callable[[LogEntry], None]
"""Called in the event loop with each console line as it is printed; it must not block."""


class ResourceUsage(Wire):
    """What the run used, measured from outside the guest."""

    memory: float
    """Peak growth of resident memory during the run, in MB (2^20 bytes)."""
    timeout: bool = False
    """Whether the deadline ended the run."""
    cpu_time: float = 0
    """User and system CPU time of the worker during the run, in ms."""
    tool_time: float = 0
    """Time spent waiting for host tools, in ms."""


class ErrorInfo(Wire):
    """Why a run failed, in the coordinates of the caller's own text."""

    type: ErrorType
    name: str
    message: str
    line: int | None = None
    """1-based."""
    column: int | None = None
    """1-based, in UTF-16 code units, as V8 counts."""
    stack: str | None = None
    excerpt: str | None = None
    """The source line with a caret below the column."""

    @property
    def headline(self) -> str:
        """One line: name, message, place."""
        place = "" if self.line is None else f" (line {self.line}, column {self.column})"
        return f"{self.name}: {self.message}{place}"


class Correction(Wire):
    """A repair of the call that was made before the run."""

    kind: str
    field: str
    from_: Any = Field(default=None, alias="from")
    to: Any = None


class Finding(Wire):
    """What validation found at one place of the code."""

    type: Literal["error", "warning"]
    """An error blocks; a warning does at level STRICT, from medium severity on."""
    message: str
    pattern: str
    """The name of the rule."""
    severity: Severity
    line: int
    """1-based."""
    column: int
    """1-based, in UTF-16 code units."""
    issue_type: IssueType = "dangerous_pattern"
    suggestion: str | None = None
    """What to write instead."""


class RiskAssessment(Wire):
    """How much care a run asks for, by the contract's formula; it decides nothing."""

    score: float
    """0 to 1."""
    level: ValidationLevel
    """The level that validation was held at, as the operator chose it."""
    factors: dict[str, float] = Field(default_factory=dict)
    """What each term of the formula added to the score, by name."""


class ValidationReport(Wire):
    """The verdict on a piece of code, before it runs."""

    safe: bool
    """Whether the code may run at the level that ``risk_assessment`` names."""
    issues: list[Finding] = Field(default_factory=list)
    """In the order of the text."""
    risk_assessment: RiskAssessment

    def to_dict(self) -> dict[str, Any]:
        """The wire JSON, camelCase."""
        return self.model_dump(by_alias=True)

    def _repr_html_(self) -> str:
        from onehop.types.shown.notebook import report_html  # for notebooks only

        return report_html(self)


class ToolCall(Wire):
    """One call of a tool of the host's, as it went."""

    id: str
    tool: str
    """Its path, such as ``crm.find_person``."""
    outcome: ToolOutcome
    """``unknown``: a write was sent, and nobody knows whether it took effect."""
    effect: Effect
    duration: float
    """ms from when the tool was asked."""
    queued: float
    """ms before that, for a place."""
    bytes_in: int
    """Of the arguments, as JSON."""
    bytes_out: int
    """Of the answer, as JSON."""
    arguments_hash: str
    """First 16 hex digits of the SHA-256 of the arguments' JSON with sorted keys."""
    error: str | None = None
    """The code of the ToolError that the call ended with."""
    rule: str | None = None
    """The rule that decided about it."""
    change: CallChange | None = None
    """Whether it changed anything: always ``none`` for a tool that only reads. None in records
    from before onehop kept this."""


class Artifact(Wire):
    """A file that the code has shown; its bytes are read by ``id``."""

    name: str
    type: str
    """Its media type, as the code says."""
    size: int
    """Bytes."""
    id: str


class PendingApproval(Wire):
    """A call of a paused run that waits for a person's decision."""

    run_id: str
    call_id: str
    tool: str
    effect: Effect
    rule: str | None = None
    """The rule that asks."""
    arguments: Any = None
    """What the code gave, with what is masked in records masked here too."""
    expires_at: int
    """ms since 1970."""


class Typecheck(Wire):
    """Whether the code was checked before the run."""

    verdict: Literal["checked", "unchecked"]
    reason: str | None = None
    """Why it was not."""


class PlannedCall(Wire):
    """A call of a tool that the code would make, as its text shows it."""

    tool: str | None
    """Its path; None where the name is computed."""
    effect: Effect | None
    """None for a tool that is not known."""
    action: Literal["allow", "ask", "deny"] | None
    """What the rules say; the most restrictive that they may say, if that depends on arguments."""
    rule: str | None = None
    """The rule that says so."""
    depends: bool = False
    """Whether that depends on arguments that only the run can tell."""
    certain: bool
    """Whether each run makes it."""
    repeats: bool
    """Whether it may be made more than once."""
    arguments: dict[str, Any] | None = None
    """Those that are known; None when none can be."""
    line: int
    column: int


class Avoided(Wire):
    """What did not pass through the model, because the code called the tools."""

    turns: int
    tokens: int
    """Estimated, by the formula."""
    formula: str


class ExecutionResult(Wire):
    """What came of one execution. A guest's failure is a result too: ``success`` is false."""

    success: bool
    output: Any = None
    """The returned value as JSON data; a text preview of it when ``output_truncated``."""
    logs: list[str] = Field(default_factory=list)
    log_entries: list[LogEntry] = Field(default_factory=list)
    execution_time: float = 0
    """ms from dispatch to result."""
    code_hash: str
    """First 16 hex digits of the SHA-256 of the code as submitted."""
    resource_usage: ResourceUsage
    error: str | None = None
    error_info: ErrorInfo | None = None
    output_truncated: bool | None = None
    persisted_output_id: str | None = None
    logs_truncated: bool | None = None
    """True when the console printed more than the limit; the rest is gone."""
    corrections: list[Correction] | None = None
    warnings: list[str] | None = None
    """What the caller should know of a result that stands: work left behind, digits lost."""
    hints: list[str] | None = None
    """After a failure: what runs that failed alike have taught."""
    findings: list[Finding] | None = None
    """What validation found, when there was anything."""
    request_id: str | None = None
    """Set by the executor: the name under which the run is kept."""
    enforcement: list[str] = Field(default_factory=list)
    """The isolation layers in force for this run, as verified on the worker that ran it."""
    status: Status = "completed"
    tool_calls: list[ToolCall] | None = None
    """The calls of tools, in the order in which the code made them."""
    avoided: Avoided | None = None
    """Set when there were calls."""
    artifacts: list[Artifact] | None = None
    """What the code has shown, in order."""
    isolation: Isolation = "process"
    typecheck: Typecheck | None = None
    """Set unless the check was off."""
    plan: list[PlannedCall] | None = None
    """Set when a plan was asked for: nothing was executed."""
    approvals: list[PendingApproval] | None = None
    """Set when the run is paused: what a person must decide before it goes on."""

    def to_dict(self) -> dict[str, Any]:
        """The wire JSON: camelCase, without the fields that do not apply.

        The output is the result's own, not a copy: it is JSON data already, and pydantic's copy of
        a large one takes seconds.
        """
        wire = self.model_dump(by_alias=True, exclude={"output", *self._absent()})
        success = wire.pop("success")
        return {"success": success, "output": self.output, **wire}

    def to_json(self) -> bytes:
        """The text of ``to_dict()``, made in one go. Numbers that JSON does not know are null."""
        return to_json(self.to_dict(), inf_nan_mode="null")

    def _repr_html_(self) -> str:
        from onehop.types.shown.notebook import result_html  # for notebooks only

        return result_html(self)

    def _absent(self) -> set[str]:
        return {name for name in _ONLY_WHEN_SET if getattr(self, name) is None}


_ONLY_WHEN_SET = (
    "error",
    "error_info",
    "output_truncated",
    "persisted_output_id",
    "logs_truncated",
    "corrections",
    "warnings",
    "hints",
    "findings",
    "request_id",
    "tool_calls",
    "avoided",
    "artifacts",
    "typecheck",
    "plan",
    "approvals",
)


class Replay(Wire):
    """What came of a run that was made again offline, with the answers that it had."""

    same: bool
    """Whether it did and gave the same."""
    difference: str | None = None
    """Where it first differs."""
    calls: int
    """Calls of tools that it has made; none was passed on."""
    result: ExecutionResult

    def _repr_html_(self) -> str:
        from onehop.types.shown.notebook import replay_html  # for notebooks only

        return replay_html(self)


class SnippetInfo(Wire):
    """One snippet, as an admin sees it."""

    agent_id: str
    """The agent that may call it; empty for all agents."""
    name: str
    version: int
    language: Language
    code: str
    code_hash: str
    description: str
    input_schema: dict[str, Any]
    tools: dict[str, str]
    """The fingerprint of each tool that the run called, by path."""
    request_id: str
    """The run that it was saved from."""
    source_agent: str
    saved_by: str
    saved_at: int
    """ms since 1970."""


class SessionInfo(Wire):
    """One session, as its owner and an admin see it. Times are ms since 1970."""

    agent_id: str
    session: str
    names: list[str]
    """What its calls have declared, as far as it is there."""
    calls: int
    """Since it has its worker."""
    live: bool
    """Whether it has a worker; without one it begins anew."""
    running: bool
    """Whether a call runs or waits."""
    created_at: int
    used_at: int

    def columns(self) -> dict[str, Any]:
        """What of it belongs into a table."""
        from onehop.types.shown.notebook import session_columns  # for notebooks only

        return session_columns(self)

    def _repr_html_(self) -> str:
        from onehop.types.shown.notebook import session_html  # for notebooks only

        return session_html(self)


class OutputPage(Wire):
    """A part of a kept output: characters ``offset`` to ``next_offset`` of its JSON text."""

    text: str
    offset: int
    next_offset: int | None
    """Where the next page starts; None after the last page."""
    total: int
    """Characters kept in all."""
    complete: bool
    """False when the output was larger than the sandbox keeps, so that its end is missing, or than
    a record keeps: the text is a preview then."""
