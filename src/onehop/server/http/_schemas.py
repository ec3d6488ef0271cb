"""The JSON of requests and answers that no other module has a type for."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Final, Literal, get_type_hints

from pydantic import BeforeValidator, Field, create_model

from onehop import answers
from onehop.records import ExecutionRecord
from onehop.server.agents import NAME
from onehop.stores.base import AgentRecord, Role
from onehop.types import Effect, Language, Wire

_MOST: Final = 1 << 40


def _whole(value: Any) -> Any:
    # JSON knows no integers: 2.0 is a whole number there.
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Count = Annotated[int, Field(ge=1, le=_MOST), BeforeValidator(_whole)]

_LANGUAGE: Final = "What the code is written in."


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


class AddAgentBody(Wire):
    """An agent to be made."""

    agent_id: str = Field(pattern=f"^{NAME}$", description="Its new name.", examples=["ada"])
    role: Role = Field(
        default="agent",
        description="`agent` runs code, `viewer` sees everything, `admin` may do both.",
        examples=["agent"],
    )
    limits: AgentLimits = Field(
        default_factory=AgentLimits,
        description="What it may ask for, where that is not what the settings say.",
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


class Me(Wire):
    """Who the key belongs to."""

    agent_id: str
    role: Role
    limits: AgentLimits


class Health(Wire):
    """How the server is."""

    status: Literal["alive", "ready"]


class History(Wire):
    """Records, and where the next page starts."""

    executions: list[ExecutionRecord]
    next: int | None


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
_Security: Final = _answer(answers.SecurityCount)


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
SecurityProfile: Final = _listed("SecurityProfile", "security", _Security)


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
