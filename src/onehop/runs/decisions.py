"""What people decide about calls of tools that a rule asks about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from onehop.types import Effect, PendingApproval

ApprovalStatus = Literal["pending", "approved", "edited", "denied", "expired"]
STATUSES: Final[tuple[ApprovalStatus, ...]] = get_args(ApprovalStatus)


@dataclass(frozen=True, slots=True)
class Approve:
    """The call may be made as it is."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The call may be made with these arguments instead of its own."""

    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    """The call may not be made; the code hears the reason."""

    reason: str = ""


Decision = Approve | Edit | Reject


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One call that waits for a person, or what was decided about it. Times are ms since 1970."""

    run_id: str
    """Of the run, random; calls of one run are decided together or one by one."""
    call_id: str
    """Of the call, in its run."""
    request_id: str
    agent_id: str
    channel_id: str
    tool: str
    """Its path."""
    effect: Effect
    rule: str | None
    """The rule that asks."""
    arguments: str = field(repr=False)
    """JSON text of what the code gave, with what is masked in records masked here too."""
    arguments_hash: str
    requested_at: int
    expires_at: int
    status: ApprovalStatus = "pending"
    decided_by: str | None = None
    decided_at: int | None = None
    reason: str | None = None
    edited: str | None = field(default=None, repr=False)
    """JSON text of the arguments that a person gave instead."""

    def columns(self) -> dict[str, Any]:
        """What of it belongs into a table."""
        from onehop.types.shown.notebook import approval_columns  # for notebooks only

        return approval_columns(self)


def pending(approval: Approval) -> PendingApproval:
    """The call as the result of a paused run lists it."""
    return PendingApproval(
        run_id=approval.run_id,
        call_id=approval.call_id,
        tool=approval.tool,
        effect=approval.effect,
        rule=approval.rule,
        arguments=json.loads(approval.arguments),
        expires_at=approval.expires_at,
    )
