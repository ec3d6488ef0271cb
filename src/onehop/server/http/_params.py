"""What the addresses of the API take: strict, and documented by its types."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import Header, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from onehop.events import EventType
from onehop.inputs.choices import LONGEST_SESSION
from onehop.inputs.languages import language_named
from onehop.server.agents import NAME
from onehop.server.asgi._requests import REQUEST_NAME
from onehop.server.http._feed import PLACE
from onehop.stores.analytics import MAX_LIMIT
from onehop.types import ErrorType, Language

CHANNEL: Final = "[ -~]{0,256}"
"""What X-Channel-Id may be."""
_DIGITS: Final = re.compile(r"[0-9]{1,18}")
_LATEST: Final = 253_402_300_799_999
"""The end of the year 9999, in ms since the epoch."""
_MAX_PLACE: Final = 1 << 31
LONGEST_TOOL: Final = 257
"""Characters of a tool's path, with its namespace."""


_A_DAY: Final = 1_767_225_600_000
_HASH: Final = "a3b5c7d9e1f20344"
CONNECTION: Final = "[A-Za-z0-9_-]{16,64}"
"""What the ids of connections with tools, and of their calls, look like."""
_CONNECTION: Final = "Yh3T8rV1o0aQ5n7LkXcW2pZs9dEfGb4M"
_NAME_OF_RUN: Final = "0f8fad5bd9cb469fa16570867728950e"


def _whole(least: int, most: int, about: str, example: int) -> tuple[Any, BeforeValidator]:
    """A whole number of a query. One message for all that it is not, with what it may be."""

    def check(text: Any) -> Any:
        # Python reads 1_000, +1 and 1.0 as whole numbers too.
        is_one = not isinstance(text, str) or _DIGITS.fullmatch(text)
        if not is_one or not least <= int(text) <= most:
            raise ValueError(f"it must be a whole number from {least} to {most}")
        return text

    limits = Field(ge=least, le=most, description=about, examples=[example])
    return limits, BeforeValidator(check)


def _yes_or_no(text: Any) -> Any:
    if isinstance(text, str) and text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text


def _language(text: Any) -> Any:
    return language_named(text) or text


YesNo = Annotated[
    bool,
    Field(description="Only runs that did, or did not, succeed", examples=[True]),
    BeforeValidator(_yes_or_no),
]
ByAgent = Annotated[
    bool,
    Field(description="Each agent by itself, where `tools` are asked about", examples=[True]),
    BeforeValidator(_yes_or_no),
]
Since = Annotated[int, *_whole(0, _LATEST, "From then on, in ms since 1970", _A_DAY)]
Until = Annotated[int, *_whole(0, _LATEST, "Before then, in ms since 1970", _A_DAY)]
Limit = Annotated[int, *_whole(1, MAX_LIMIT, "How many at most", 10)]
Step = Annotated[int, *_whole(1000, _LATEST, "ms of each step of a timeline", 60_000)]
Wait = Annotated[
    int, *_whole(0, 30_000, "Wait so many ms for the run's end, and give its result", 20_000)
]
Place = Annotated[int, *_whole(0, _MAX_PLACE, "How many to leave out first", 0)]
FirstCharacter = Annotated[int, *_whole(0, _MAX_PLACE, "The first character", 0)]
Characters = Annotated[int, *_whole(1, 1 << 20, "How many characters", 65536)]
AgentName = Annotated[
    str, Field(pattern=f"^{NAME}$", description="Only this agent's", examples=["ada"])
]
Channel = Annotated[
    str, Field(max_length=256, description="Only of this channel", examples=["support"])
]
Lang = Annotated[
    Language,
    Field(description="Only in this language", examples=["typescript"]),
    BeforeValidator(_language),
]
CodeHash = Annotated[
    str,
    Field(pattern="^[0-9a-f]{16}$", description="Only of this code, by its hash", examples=[_HASH]),
]
Cause = Annotated[ErrorType, Field(description="Only failures of this cause", examples=["timeout"])]
ToolPath = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_TOOL,
        description="Only runs that called this tool, by its path",
        examples=["crm.find_person"],
    ),
]

AgentPath = Annotated[
    str,
    Path(alias="agentId", pattern=f"^{NAME}$", description="An agent's name.", examples=["ada"]),
]
RequestPath = Annotated[
    str,
    Path(
        alias="requestId",
        min_length=1,
        max_length=256,
        description="A run's name: the `requestId` of its result.",
        examples=[_NAME_OF_RUN],
    ),
]
ArtifactPath = Annotated[
    str,
    Path(
        alias="artifactId",
        min_length=1,
        max_length=64,
        description="A file's `id` among the `artifacts` of the result.",
        examples=["q1w2e3r4t5y6u7i8o9p0aA"],
    ),
]
SnippetPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=256,
        description="A snippet's name.",
        examples=["weekly_report"],
    ),
]
SessionPath = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST_SESSION,
        description="A session's name.",
        examples=["analysis-1"],
    ),
]
HashPath = Annotated[
    str,
    Path(
        alias="codeHash",
        pattern="^[0-9a-f]{16}$",
        description="The `codeHash` of a result.",
        examples=[_HASH],
    ),
]
AgentHeader = Annotated[
    str | None,
    Header(
        alias="X-Agent-Id",
        pattern=f"^{NAME}$",
        description="The key's agent; an admin's call may name another one, for which it is.",
        examples=["ada"],
    ),
]
RequestHeader = Annotated[
    str | None,
    Header(
        alias="X-Request-Id",
        pattern=f"^{REQUEST_NAME}$",
        description="A new name for this call; a repeated one gives the first result.",
        examples=[_NAME_OF_RUN],
    ),
]
ConnectionHeader = Annotated[
    str | None,
    Header(
        alias="X-Tool-Connection",
        pattern=f"^{CONNECTION}$",
        description="The connection of a client whose tools are there too.",
        examples=[_CONNECTION],
    ),
]
ConnectionPath = Annotated[
    str,
    Path(
        alias="connectionId",
        pattern=f"^{CONNECTION}$",
        description="The `connectionId` of the event `ready`.",
        examples=[_CONNECTION],
    ),
]
CallPath = Annotated[
    str,
    Path(
        alias="callId",
        pattern=f"^{CONNECTION}$",
        description="The `callId` of the event `call`.",
        examples=["uK4JX0nHhS2pCwqk3m9vTg7B"],
    ),
]
LastEvent = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=f"^{PLACE}$",
        description="The last event that came.",
        examples=[f"41-{_NAME_OF_RUN}"],
    ),
]
Question = Annotated[
    Literal[
        "resources",
        "code-lengths",
        "repeated-code",
        "slowest",
        "security",
        "tools",
        "timeline",
        "failure-causes",
        "agents",
        "pauses",
    ],
    Path(description="What is asked.", examples=["resources"]),
]


class Query(BaseModel):
    """What may follow the question mark, and nothing else."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class HistoryParams(Query):
    """Which records."""

    agent_id: AgentName | None = None
    channel_id: Channel | None = None
    language: Lang | None = None
    success: YesNo | None = None
    code_hash: CodeHash | None = None
    error_type: Cause | None = None
    tool: ToolPath | None = None
    since: Since | None = None
    until: Until | None = None
    limit: Limit = 50
    offset: Place = 0


class OutputParams(Query):
    """Which page of an output, in characters."""

    offset: FirstCharacter = 0
    limit: Characters = 65536


class WaitParams(Query):
    """How long to wait for a run."""

    wait: Wait | None = None


class SessionParams(Query):
    """Whose sessions."""

    agent_id: AgentName | None = None


class SnippetParams(Query):
    """Whose snippets; the empty name is that of all agents."""

    agent_id: str | None = Field(
        default=None,
        max_length=256,
        description="Whose; the empty name is that of all agents.",
        examples=["ada"],
    )


class SinceParams(Query):
    """From when on."""

    since: Since | None = None


class FailureParams(Query):
    """How many failures."""

    limit: Limit = 20


class CodeParams(Query):
    """How many runs of one piece of code."""

    limit: Limit = 10


class TrendParams(Query):
    """Whose trends, and from when on."""

    agent_id: AgentName | None = None
    since: Since | None = None


class QuestionParams(TrendParams):
    """Whose runs, from when on, and how many where the answer is a list of the most."""

    limit: Limit = 10
    step: Step = 60_000
    by_agent: ByAgent = False


class ToolParams(Query):
    """Which tools, and how much of them."""

    query: Annotated[
        str | None,
        Field(max_length=1000, description="What they should do", examples=["find a person"]),
    ] = None
    namespaces: Annotated[
        list[str] | None, Field(max_length=50, description="Only of these", examples=[["crm"]])
    ] = None
    names: Annotated[
        list[str] | None,
        Field(max_length=50, description="These, by path", examples=[["crm.find_person"]]),
    ] = None
    detail: Annotated[
        Literal["brief", "signature", "schema"],
        Field(description="How much of each", examples=["signature"]),
    ] = "signature"


class ApprovalParams(Query):
    """Which calls that wait."""

    agent_id: AgentName | None = None
    run_id: Annotated[
        str | None,
        Field(max_length=256, description="Only of this run", examples=[_NAME_OF_RUN]),
    ] = None
    limit: Limit = 100


class EventParams(Query):
    """Which events."""

    agent_id: AgentName | None = None
    channel_id: Channel | None = None
    type: Annotated[
        list[EventType],
        Field(
            max_length=14,
            description="Only of these kinds",
            examples=[["code:execution:completed"]],
        ),
    ] = []
