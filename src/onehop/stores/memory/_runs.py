"""Runs that can be made again, in this process's memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from onehop.runs.kept import LONGEST_LEASE, KeptRun, RunChange, RunPhase


class MemoryRuns:
    """Kept runs of the store that keeps nothing on disk."""

    _kept: dict[str, KeptRun]
    _parts: dict[str, dict[tuple[int, int], bytes]]
    """By fence and number."""

    async def add_run(self, run: KeptRun) -> bool:
        """Take a run, unless it is there."""
        if run.run_id in self._kept:
            return False
        self._kept[run.run_id] = run
        self._parts[run.run_id] = {}
        return True

    async def kept_run(self, run_id: str) -> KeptRun | None:
        """What is kept of a run."""
        return self._kept.get(run_id)

    def _is_waiting(self, run_id: str) -> bool:
        run = self._kept.get(run_id)
        return run is not None and run.is_waiting

    async def kept_runs(
        self,
        *,
        request_id: str | None = None,
        agent_id: str | None = None,
        phase: RunPhase | None = None,
        limit: int = 100,
    ) -> list[KeptRun]:
        """The newest first."""
        found = [
            run
            for run in self._kept.values()
            if request_id in (None, run.request_id)
            and agent_id in (None, run.agent_id)
            and phase in (None, run.phase)
        ]
        found.sort(key=lambda run: (-run.created_at, run.run_id))
        return found[:limit]

    async def add_run_part(
        self, run_id: str, fence: int, number: int, part: bytes, head: bytes | None = None
    ) -> bool:
        """Write down what a run has done."""
        known = self._kept.get(run_id)
        if known is None or known.fence != fence:
            return False
        self._parts[run_id][fence, number] = part
        self._kept[run_id] = dataclasses.replace(known, head=head)
        return True

    async def run_parts(self, run_id: str) -> list[bytes]:
        """All that it has done, in order."""
        return [part for _place, part in sorted(self._parts.get(run_id, {}).items())]

    async def claim_run(self, run_id: str, owner: str, now: int, until: int) -> KeptRun | None:
        """Make it the owner's, if no one owns it now."""
        known = self._kept.get(run_id)
        if known is None or not known.is_waiting or not _is_nobodys(known, now):
            return None
        changes = {"owner": owner, "lease_until": until, "fence": known.fence + 1}
        claimed = dataclasses.replace(known, phase="resuming", **changes)  # type: ignore[arg-type]
        self._kept[run_id] = claimed
        return claimed

    async def change_run(self, run_id: str, fence: int, change: RunChange) -> bool:
        """Change it on behalf of its owner."""
        known = self._kept.get(run_id)
        if known is None or known.fence != fence:
            return False
        self._kept[run_id] = dataclasses.replace(known, **change.values)  # type: ignore[arg-type]
        return True

    async def wake_run(self, run_id: str) -> None:
        """Something was decided about it."""
        if (known := self._kept.get(run_id)) is not None:
            self._kept[run_id] = dataclasses.replace(known, wake=True)

    async def resumable_runs(self, now: int, limit: int) -> list[str]:
        """Those that can go on, and that no server owns."""
        found = [
            run.run_id
            for run in self._kept.values()
            if run.is_waiting
            and _is_nobodys(run, now)
            and (run.wake or run.phase != "paused" or run.expires_at <= now)
        ]
        return found[:limit]

    async def drop_runs(self, run_ids: Sequence[str]) -> None:
        """Forget them."""
        for run_id in run_ids:
            self._kept.pop(run_id, None)
            self._parts.pop(run_id, None)

    def _prune_runs(self, now: int, cutoff: int) -> None:
        gone = [
            run.run_id
            for run in self._kept.values()
            if (run.phase == "ended" and run.keep_until <= now)
            or (run.phase == "running" and max(run.created_at, run.lease_until) <= cutoff)
        ]
        for run_id in gone:
            del self._kept[run_id]
            self._parts.pop(run_id, None)


def _is_nobodys(run: KeptRun, now: int) -> bool:
    """As in SQL."""
    return run.lease_until <= now or run.lease_until > now + LONGEST_LEASE
