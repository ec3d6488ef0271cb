"""The JSON of requests and answers that no other module has a type for."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Annotated, Any, Final, Literal, get_type_hints

from pydantic import BeforeValidator, ConfigDict, Field, create_model

from onehop import answers
from onehop.inputs.choices import LONGEST_SESSION, MOST_CLOCK, MOST_SEED
from onehop.records import ExecutionRecord
from onehop.runs import decisions, states
from onehop.runs.decisions import ApprovalStatus
from onehop.sandbox.calls import LONGEST_NAME, MOST_NAMES
from onehop.sandbox.snippets import NAME_SCHEMA
from onehop.server.agents import NAME
from onehop.stores.base import AgentRecord, Role
from onehop.tools import GLOB, WHEN
from onehop.types import CheckPolicy, Effect, Language, SessionInfo, SnippetInfo, Wire

_MOST: Final = 1 << 40


def _whole(value: Any) -> Any:
    # JSON knows no integers: 2.0 is a whole number there.
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Count = Annotated[int, Field(ge=1, le=_MOST), BeforeValidator(_whole)]

_LANGUAGE: Final = "What the code is written in."


_ToolName = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]


class ErrorDetail(Wire):
    """What went wrong."""

    code: str
    message: str
    field: str | None = None
    """The argument at fault."""
    request_id: str


class ErrorBody(Wire):
    """The body of every error."""

    error: ErrorDetail


_Ms = Annotated[float, Field(ge=-MOST_CLOCK, le=MOST_CLOCK)]
_DAY: Final = (
    r"[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_TIME: Final = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{3})?)?(?:Z|[+-](?:0\d|1[01]):[0-5]\d)?"
_IsoTime = Annotated[str, Field(pattern=f"^{_DAY}(?:T{_TIME})?$")]
"""What is surely a time; others may be."""


class RuleBody(Wire):
    """A rule for calls of tools."""

    action: Literal["allow", "ask", "deny"] = Field(examples=["deny"])
    tool: str = Field(
        default="*",
        max_length=257,
        json_schema_extra={"pattern": f"^{GLOB}$"},
        description="A tool's path, or a glob of paths.",
        examples=["crm.*"],
    )
    effect: Effect | None = Field(
        default=None, description="Only tools with this effect.", examples=["destructive"]
    )
    when: str | None = Field(
        default=None,
        max_length=1000,
        json_schema_extra={"pattern": f"^({WHEN})$"},
        description="Only calls whose arguments match: a field, a comparison, a literal.",
        examples=["amount > 100"],
    )


class ExecuteBody(Wire):
    """The arguments of ``code_execute``."""

    code: str = Field(
        min_length=1,
        pattern=r"^[^\u0000]*$",
        description="The body of an async function: `return`, `await` and `context` work in it.",
        examples=["return context.numbers.map((n) => n * 2)"],
    )
    language: Language | None = Field(
        default="javascript", description=_LANGUAGE, examples=["javascript"]
    )
    timeout: Annotated[float, Field(ge=100, le=30000)] | None = Field(
        default=5000,
        description="The deadline, in ms; null is the server's default.",
        examples=[5000],
    )
    context: dict[str, Any] | None = Field(
        default_factory=dict,
        description="JSON data that the code sees as `context`.",
        examples=[{"numbers": [1, 2, 3]}],
    )
    capture_console: bool | None = Field(
        default=True, description="Whether console lines are returned.", examples=[True]
    )
    description: str | None = Field(
        default=None,
        description="What the code is for, in a person's words; kept in the audit trail.",
        examples=["Double some numbers"],
    )
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)] | None = Field(
        default=None,
        description="Fixes Math.random, and crypto's random values and UUIDs.",
        examples=[7],
    )
    clock: _Ms | _IsoTime | None = Field(
        default=None,
        description="The time at which every clock of the code stands still: ms since 1970, or "
        "an ISO time.",
        examples=["2026-01-31T12:00:00Z"],
    )
    session: str | None = Field(
        default=None,
        max_length=LONGEST_SESSION,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@-]*$",
        description="The agent's session: variables, functions and classes of earlier calls with "
        "this name are there.",
        examples=["analysis-1"],
    )
    yield_after: Annotated[float, Field(ge=0, le=30000)] | None = Field(
        default=None,
        alias="yield",
        description="ms: answer by then with status `running` although the run goes on; "
        "`/executions/{requestId}?wait=` gives the rest.",
        examples=[1000],
    )
    typecheck: CheckPolicy | None = Field(
        default=None,
        description="What the check before the run may refuse: nothing, what must fail (the "
        "default where tools are granted), or all that TypeScript says.",
        examples=["provable"],
    )
    plan: bool | None = Field(
        default=False,
        description="Check the code and list its calls of tools; nothing is executed.",
        examples=[False],
    )
    tools: list[_ToolName] | None = Field(
        default=None,
        max_length=MOST_NAMES,
        description="Names and globs of the server's tools that the code may call; null is all.",
        examples=[[]],
    )
    rules: list[RuleBody] | None = Field(
        default=None,
        max_length=1000,
        description="Rules for this run, beside those of the server and of the agent.",
        examples=[[{"action": "deny", "tool": "*", "effect": "write"}]],
    )


class ValidateBody(Wire):
    """What is to be examined."""

    code: str = Field(
        min_length=1,
        max_length=8 << 20,
        description="The code as it would be run.",
        examples=["const total = 6 * 7; return total"],
    )
    language: Language | None = Field(
        default="javascript", description=_LANGUAGE, examples=["javascript"]
    )


class SessionList(Wire):
    """Sessions."""

    sessions: list[SessionInfo]


class SnippetList(Wire):
    """Snippets."""

    snippets: list[SnippetInfo]


class SaveSnippetBody(Wire):
    """Which run becomes which snippet."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(
        description="A letter, then letters, digits and `_`.",
        examples=["weekly_report"],
        json_schema_extra=NAME_SCHEMA,
    )
    request_id: str = Field(
        min_length=1, max_length=256, description="A run that succeeded.", examples=["report-48"]
    )
    agent_id: str | None = Field(
        default=None,
        max_length=256,
        description="Whose run, if several agents have one of this id.",
    )
    for_all: bool = Field(default=False, description="All agents may call it, not the run's alone.")
    description: str | None = Field(
        default=None, max_length=500, description="What it does; otherwise the run's description."
    )
    input_schema: dict[str, Any] | None = Field(
        default=None,
        description="JSON Schema of its input; otherwise that of the context of the run.",
    )
    code: str | None = Field(
        default=None,
        max_length=65536,
        description="The code of the run, where its record does not have it whole.",
    )
    replace: bool = Field(
        default=False, description="As the next version of the snippet of this name."
    )


class Ended(Wire):
    """What was asked for has ended."""

    ended: bool


class AgentLimits(Wire):
    """What an agent may ask for; what is null is as the server's settings have it."""

    max_runs: _Count | None = Field(
        default=None, description="Runs at the same time, waiting ones included.", examples=[32]
    )
    max_rate: _Count | None = Field(
        default=None, description="Runs that may start in a minute.", examples=[6000]
    )
    max_body: _Count | None = Field(
        default=None, description="Bytes of one request's body.", examples=[25_165_824]
    )


class RulesBody(Wire):
    """The rules of an agent."""

    rules: list[RuleBody] = Field(
        max_length=1000, description="All of them, instead of those before."
    )


class AgentRules(Wire):
    """The rules of an agent, and what may be wrong with them."""

    agent_id: str
    rules: list[RuleBody]
    warnings: list[str] = Field(
        description="Rules that concern none of the tools that the server has now."
    )


class AddAgentBody(Wire):
    """An agent to be made."""

    agent_id: str = Field(pattern=f"^{NAME}$", description="Its new name.", examples=["ada"])
    role: Role = Field(
        default="agent",
        description="`agent` runs code, `viewer` sees everything, `approver` also decides about "
        "calls that wait, `admin` may do all.",
        examples=["agent"],
    )
    limits: AgentLimits = Field(
        default_factory=AgentLimits,
        description="What it may ask for, where that is not what the settings say.",
        examples=[{"maxRuns": 8}],
    )
    rules: list[RuleBody] = Field(
        default_factory=list,
        max_length=1000,
        description="The rules for its calls of tools, beside the server's own.",
        examples=[[{"action": "deny", "tool": "crm.delete_*"}]],
    )


class ChangeAgentBody(Wire):
    """A change of an agent's limits."""

    limits: AgentLimits = Field(
        description="Those that change; the others stay. Null: as the settings have it.",
        examples=[{"maxRuns": 4, "maxRate": None}],
    )
    was: AgentLimits | None = Field(
        default=None,
        description="All its limits as the caller knows them. If they are others now, nothing "
        "is changed, and the answer is 409.",
        examples=[{"maxRuns": 8}],
    )


class Agent(Wire):
    """An agent, without its key. Times are ms since 1970."""

    agent_id: str
    role: Role
    limits: AgentLimits
    created_at: int
    rotated_at: int | None = None
    revoked_at: int | None = None

    @classmethod
    def of(cls, agent: AgentRecord) -> Agent:
        """What is shown of an agent."""
        return cls(
            agent_id=agent.agent_id,
            role=agent.role,
            limits=AgentLimits(
                max_runs=agent.max_runs, max_rate=agent.max_rate, max_body=agent.max_body
            ),
            created_at=agent.created_at,
            rotated_at=agent.rotated_at,
            revoked_at=agent.revoked_at,
        )


class AgentWithKey(Wire):
    """An agent and its new key, which is not shown again."""

    agent: Agent
    key: str


class AgentList(Wire):
    """All agents."""

    agents: list[Agent]


class Approval(Wire):
    """A call that waits for a person, or what was decided about it. Times are ms since 1970."""

    run_id: str
    call_id: str
    request_id: str
    agent_id: str
    channel_id: str
    tool: str
    effect: Effect
    rule: str | None = Field(description="The rule that asks.")
    arguments: Any = Field(description="What the code gave, with what records mask masked.")
    arguments_hash: str
    requested_at: int
    expires_at: int
    status: ApprovalStatus
    decided_by: str | None
    decided_at: int | None
    reason: str | None


def approval(found: decisions.Approval) -> dict[str, Any]:
    """Its JSON."""
    fields = {name: getattr(found, name) for name in Approval.model_fields}
    return Approval(**{**fields, "arguments": json.loads(found.arguments)}).model_dump(
        by_alias=True
    )


class ApprovalList(Wire):
    """Calls that wait for a person."""

    approvals: list[Approval]


class DecisionBody(Wire):
    """What a person decides about one call."""

    action: Literal["approve", "edit", "reject"] = Field(examples=["approve"])
    arguments: dict[str, Any] = Field(
        default_factory=dict,
        description="With `edit`: the arguments that the call is made with instead.",
        examples=[{"amount": 5}],
    )
    reason: str = Field(
        default="",
        max_length=2000,
        description="With `reject`: why; the code gets it.",
        examples=["too much"],
    )


def decision(body: DecisionBody) -> decisions.Decision:
    """From its JSON."""
    match body.action:
        case "approve":
            return decisions.Approve()
        case "edit":
            return decisions.Edit(body.arguments)
        case "reject":
            return decisions.Reject(body.reason)


class DecideBody(Wire):
    """Decisions about calls of one run."""

    run_id: str = Field(
        max_length=256, description="The `runId` of the calls.", examples=["0" * 32]
    )
    decisions: dict[str, DecisionBody] = Field(
        min_length=1,
        max_length=1000,
        description="By the calls' `callId`.",
        examples=[{"call_1": {"action": "reject", "reason": "too much"}}],
    )


class Decided(Wire):
    """What stands of each call: the first decision."""

    decisions: dict[str, Approval]


class Me(Wire):
    """Who the key belongs to."""

    agent_id: str
    role: Role
    limits: AgentLimits


class Health(Wire):
    """How the server is."""

    status: Literal["alive", "ready"]


def _answer(kind: type, **others: Any) -> type[Wire]:
    """The JSON of one of the store's answers."""
    hints = get_type_hints(kind)
    columns: dict[str, Any] = {item.name: (hints[item.name], ...) for item in fields(kind)}
    return create_model(kind.__name__, __base__=Wire, __doc__=kind.__doc__, **{**columns, **others})


AgentStats: Final = _answer(answers.AgentStats)
ResourceUse: Final = _answer(answers.ResourceUse)
_Failure: Final = _answer(answers.Failure)
_Trend: Final = _answer(answers.TrendPoint)
_Bucket: Final = _answer(answers.CodeLengthBucket)
_Repeated: Final = _answer(answers.RepeatedCode)
_ToolStats: Final = _answer(answers.ToolStats)
_Security: Final = _answer(answers.SecurityCount)
_Timeline: Final = _answer(answers.TimelinePoint)
_Cause: Final = _answer(answers.FailureCause)
_Agent: Final = _answer(answers.AgentCount)
_WaitingCall: Final = _answer(answers.WaitingCall)
PausedRun: Final = _answer(answers.PausedRun, waits_for=(list[_WaitingCall], ...))  # type: ignore[valid-type]
PauseStats: Final = _answer(answers.PauseStats)


class History(Wire):
    """Records, and where the next page starts; on the first page, also runs that wait for people
    and have no record yet."""

    paused: list[PausedRun] = Field(default=[])  # type: ignore[valid-type]
    executions: list[ExecutionRecord]
    next: int | None


class Run(Wire):
    """A record without its output and logs."""

    request_id: str
    agent_id: str
    channel_id: str
    language: Language
    code_hash: str
    code_length: int
    code_snippet: str
    success: bool
    error: str | None
    error_type: str | None
    execution_time: float
    timeout: float
    memory_usage: float
    timeout_occurred: bool
    context_data: Any
    description: str | None
    executed_at: int
    created_at: int
    details: dict[str, Any]
    run_id: str | None
    repeat_of: int | None
    sequence: int | None
    previous_hash: str | None
    hash: str | None


class RunList(Wire):
    """Records without their outputs and logs."""

    executions: list[Run]


def _listed(name: str, key: str, kind: type[Wire]) -> type[Wire]:
    return create_model(name, __base__=Wire, **{key: (list[kind], ...)})  # type: ignore[call-overload, valid-type, no-any-return]


Failures: Final = _listed("Failures", "failures", _Failure)
Trends: Final = _listed("Trends", "trends", _Trend)
CodeLengths: Final = _listed("CodeLengths", "codeLengths", _Bucket)
RepeatedCodes: Final = _listed("RepeatedCodes", "repeatedCode", _Repeated)
Slowest: Final = _listed("Slowest", "slowest", Run)
ToolUse: Final = _listed("ToolUse", "tools", _ToolStats)
SecurityProfile: Final = _listed("SecurityProfile", "security", _Security)
Timeline: Final = _listed("Timeline", "timeline", _Timeline)
FailureCauses: Final = _listed("FailureCauses", "failureCauses", _Cause)
AgentCounts: Final = _listed("AgentCounts", "agents", _Agent)


class FoundTool(Wire):
    """A tool that code may call."""

    path: str = Field(description="How code names it.", examples=["crm.find_person"])
    description: str = ""
    signature: str | None = None
    declarations: str | None = Field(default=None, description="TypeScript.")
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    effect: Effect
    asks: bool = Field(description="Whether a rule may want a person to decide.")


class ToolNamespace(Wire):
    """A namespace of tools."""

    namespace: str = Field(description="Empty for tools without one.")
    count: int


class FoundTools(Wire):
    """Tools that were asked for, or the namespaces that there are."""

    tools: list[FoundTool] | None = None
    namespaces: list[ToolNamespace] | None = None


Pool: Final = _answer(states.PoolState)
Journal: Final = _answer(states.JournalState)
Upstream: Final = _answer(states.UpstreamState)
RunInFlight: Final = _answer(states.RunState)


class Status(Wire):
    """How the server is now."""

    version: str
    now: int = Field(description="The server's clock, in ms since the epoch.")
    uptime: int = Field(description="ms since it has started.")
    pool: Pool | None  # type: ignore[valid-type]
    journal: Journal | None  # type: ignore[valid-type]
    upstreams: list[Upstream]  # type: ignore[valid-type]
    runs: list[RunInFlight] = Field(  # type: ignore[valid-type]
        description="Runs in flight, the oldest first."
    )
    more_runs: int = Field(description="Runs in flight that are not listed.")
    approvals: int | None = Field(
        description="Calls of tools that wait for a person, at most 1000; null where none can."
    )


class HandedTool(Wire):
    """A tool that runs in the process of the client that hands it in."""

    name: str = Field(min_length=1, max_length=128, description="Its name.", examples=["read_file"])
    namespace: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="What stands before the name in code; without it, nothing does.",
        examples=["disk"],
    )
    description: str = Field(
        default="", description="What it does.", examples=["Reads a file of this machine."]
    )
    input_schema: dict[str, Any] = Field(
        default_factory=lambda: {"type": "object"},
        description="The JSON Schema of its arguments, which are one object.",
        examples=[{"type": "object", "properties": {"path": {"type": "string"}}}],
    )
    output_schema: dict[str, Any] | None = Field(
        default=None,
        description="The JSON Schema of its answer, if it has one.",
        examples=[{"type": "string"}],
    )
    effect: Effect = Field(
        default="write", description="What it does to the world.", examples=["read"]
    )


class HandedTools(Wire):
    """The tools of one client."""

    tools: list[HandedTool] = Field(
        min_length=1,
        max_length=200,
        description="All of them; none is added later.",
        examples=[[{"name": "read_file", "effect": "read"}]],
    )


class ToolFailure(Wire):
    """Why a call has no value."""

    code: str = Field(
        default="failed",
        description="As in a ToolError; what the server decides itself counts as `failed`.",
        examples=["failed"],
    )
    message: str = Field(
        default="", description="In words, for the code.", examples=["the file is not there"]
    )
    field: str | None = Field(
        default=None, description="The path of a wrong argument.", examples=["path"]
    )
    expected: str | None = Field(
        default=None, description="What belongs there.", examples=["an absolute path"]
    )
    retryable: bool | None = Field(
        default=None, description="Whether another try may succeed.", examples=[False]
    )
    retry_after: float | None = Field(
        default=None, description="When, in ms from now.", examples=[1000]
    )
    status: int | None = Field(
        default=None, description="Of an HTTP answer behind it.", examples=[404]
    )
    effect: Literal["none", "applied", "unknown"] | None = Field(
        default=None, description="What the call has done nevertheless.", examples=["none"]
    )


class ToolAnswer(Wire):
    """The answer of a call: `value`, or `error` instead."""

    value: Any = Field(default=None, description="JSON data.", examples=[{"lines": 3}])
    error: ToolFailure | None = Field(
        default=None,
        description="Why there is no value.",
        examples=[{"code": "failed", "message": "the file is not there"}],
    )
