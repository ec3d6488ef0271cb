"""On whose behalf a call comes. Never mixed with what the call itself says."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Final

from onehop.errors import InvalidRequestError
from onehop.runs.traces import Trace

_MAX_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An agent, the channel it speaks in, and the name of this one call.

    Raises InvalidRequestError for a name that cannot be kept.
    """

    agent_id: str = ""
    channel_id: str = ""
    request_id: str = ""
    """Unique; made here when it is not given."""
    conversation: str = ""
    """What tells one conversation of the agent in this channel from others; it is not recorded."""
    trace: Trace | None = field(default=None, compare=False)
    """The caller's own trace, if this call is a part of one."""
    minted: bool = field(init=False)
    """Whether it was made here, so that no run of this name can be known."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "minted", self.request_id == "")
        if self.minted:
            object.__setattr__(self, "request_id", os.urandom(16).hex())
        _check("agent_id", self.agent_id)
        _check("channel_id", self.channel_id)
        _check("request_id", self.request_id)
        _check("conversation", self.conversation)


def _check(name: str, value: object) -> None:
    if not (isinstance(value, str) and len(value) <= _MAX_LENGTH and value.isprintable()):
        allowed = f"at most {_MAX_LENGTH} printable characters"
        raise InvalidRequestError(name, repr(value)[:80], allowed)
