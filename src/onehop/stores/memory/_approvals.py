"""Calls that wait for a person, in this process's memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onehop.runs.decisions import Approval, ApprovalStatus


class MemoryApprovals:
    """Approvals of the store that keeps nothing on disk."""

    _approvals: dict[tuple[str, str], Approval]

    async def add_approvals(self, approvals: Sequence[Approval]) -> None:
        """Take calls that wait for a decision."""
        for each in approvals:
            self._approvals.setdefault((each.run_id, each.call_id), each)

    async def approvals(
        self,
        *,
        run_id: str | None = None,
        agent_id: str | None = None,
        status: ApprovalStatus | None = None,
        limit: int = 100,
    ) -> list[Approval]:
        """The oldest first, then by call."""
        found = [
            each
            for each in self._approvals.values()
            if run_id in (None, each.run_id)
            and agent_id in (None, each.agent_id)
            and status in (None, each.status)
        ]
        found.sort(key=lambda each: (each.requested_at, each.run_id, each.call_id))
        return found[:limit]

    async def decide_approval(
        self,
        run_id: str,
        call_id: str,
        status: ApprovalStatus,
        *,
        by: str | None,
        now: int,
        reason: str | None = None,
        edited: str | None = None,
    ) -> Approval | None:
        """Decide about one that is pending. The first decision stands."""
        known = self._approvals.get((run_id, call_id))
        if known is None or known.status != "pending":
            return known
        if status != "expired" and known.expires_at <= now:
            return known
        changes = {"decided_by": by, "decided_at": now, "reason": reason, "edited": edited}
        decided = dataclasses.replace(known, status=status, **changes)  # type: ignore[arg-type]
        self._approvals[run_id, call_id] = decided
        await self.wake_run(run_id)
        return decided

    async def wake_run(self, run_id: str) -> None:
        """See Store."""
        raise NotImplementedError
