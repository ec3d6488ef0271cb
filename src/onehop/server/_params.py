"""What the addresses of the API take: strict, and documented by its types."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

from fastapi import Header, Path
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

from onehop._languages import language_named
from onehop.agents import NAME
from onehop.analytics import MAX_LIMIT
from onehop.events import EventType
from onehop.server._feed import PLACE
from onehop.server._requests import REQUEST_NAME
from onehop.types import Language

CHANNEL: Final = "[ -~]{0,256}"
"""What X-Channel-Id may be."""
_DIGITS: Final = re.compile(r"\d{1,18}")
_LATEST: Final = 253_402_300_799_999
"""The end of the year 9999, in ms since the epoch."""
_MAX_PLACE: Final = 1 << 31


def _whole(text: Any) -> Any:
    # Python reads 1_000, +1 and 1.0 as whole numbers too.
    if isinstance(text, str) and not _DIGITS.fullmatch(text):
        raise ValueError("it must be a whole number")
    return text


def _yes_or_no(text: Any) -> Any:
    if isinstance(text, str) and text not in ("true", "false"):
        raise ValueError("it must be true or false")
    return text


def _language(text: Any) -> Any:
    return language_named(text) or text


_Whole = BeforeValidator(_whole)
LanguageName = Annotated[Language, BeforeValidator(_language)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
Time = Annotated[int, Field(ge=0, le=_LATEST, description="ms since 1970"), _Whole]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT), _Whole]
Place = Annotated[int, Field(ge=0, le=_MAX_PLACE), _Whole]
AgentName = Annotated[str, Field(pattern=f"^{NAME}$")]
Name = Annotated[str, Field(max_length=256)]
CodeHash = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]

AgentPath = Annotated[str, Path(alias="agentId", pattern=f"^{NAME}$")]
RequestPath = Annotated[str, Path(alias="requestId", min_length=1, max_length=256)]
HashPath = Annotated[str, Path(alias="codeHash", pattern="^[0-9a-f]{16}$")]
AgentHeader = Annotated[
    str | None,
    Header(
        alias="X-Agent-Id",
        pattern=f"^{NAME}$",
        description="The key's agent; an admin's call may name another one, for which it is.",
    ),
]
RequestHeader = Annotated[
    str | None,
    Header(
        alias="X-Request-Id",
        pattern=f"^{REQUEST_NAME}$",
        description="A new name for this call; a repeated one gives the first result.",
    ),
]
LastEvent = Annotated[
    str | None,
    Header(alias="Last-Event-ID", pattern=f"^{PLACE}$", description="The last event that came."),
]
Question = Annotated[
    Literal["resources", "code-lengths", "repeated-code", "slowest", "security"], Path()
]


class Query(BaseModel):
    """What may follow the question mark, and nothing else."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class HistoryParams(Query):
    """Which records."""

    agent_id: AgentName | None = None
    channel_id: Name | None = None
    language: LanguageName | None = None
    success: YesNo | None = None
    code_hash: CodeHash | None = None
    since: Time | None = None
    until: Time | None = None
    limit: Limit = 50
    offset: Place = 0


class OutputParams(Query):
    """Which page of an output, in characters."""

    offset: Place = 0
    limit: Annotated[int, Field(ge=1, le=1 << 20), _Whole] = 65536


class SinceParams(Query):
    """From when on."""

    since: Time | None = None


class FailureParams(Query):
    """How many failures."""

    limit: Limit = 20


class CodeParams(Query):
    """How many runs of one piece of code."""

    limit: Limit = 10


class TrendParams(Query):
    """Whose trends, and from when on."""

    agent_id: AgentName | None = None
    since: Time | None = None


class QuestionParams(TrendParams):
    """Whose runs, from when on, and how many where the answer is a list of the most."""

    limit: Limit = 10


class EventParams(Query):
    """Which events."""

    agent_id: AgentName | None = None
    channel_id: Name | None = None
    type: Annotated[list[EventType], Field(max_length=8)] = []
