"""Calls that wait for a person, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import insert, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from onehop.runs.decisions import Approval, ApprovalStatus
from onehop.stores._kept import clean_text
from onehop.stores.sql._runs import wake
from onehop.stores.sql._schema import approvals as table
from onehop.stores.sql._writes import writing


class SqlApprovals:
    """Approvals in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def add_approvals(self, approvals: Sequence[Approval]) -> None:
        """Take calls that wait for a decision; one that is there already is left as it is."""
        for each in approvals:
            try:
                async with self._turn, writing(self._engine) as connection:
                    await connection.execute(insert(table).values(**_row(each)))
            except IntegrityError:
                continue

    async def approvals(
        self,
        *,
        run_id: str | None = None,
        agent_id: str | None = None,
        status: ApprovalStatus | None = None,
        limit: int = 100,
    ) -> list[Approval]:
        """The oldest first, then by call."""
        wanted = {"run_id": run_id, "agent_id": agent_id, "status": status}
        filters = [
            table.c[name] == clean_text(value)
            for name, value in wanted.items()
            if value is not None
        ]
        order = table.c.requested_at, table.c.run_id, table.c.call_id
        found = select(table).where(*filters).order_by(*order).limit(limit)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(found)).mappings().all()
        return [Approval(**row) for row in rows]

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
        call = table.c.run_id == clean_text(run_id), table.c.call_id == clean_text(call_id)
        in_time = true() if status == "expired" else table.c.expires_at > now
        values = {"status": status, "decided_by": by, "decided_at": now}
        change = update(table).where(*call, table.c.status == "pending", in_time)
        async with self._turn, writing(self._engine) as connection:
            done = await connection.execute(change.values(**values, reason=reason, edited=edited))
            if done.rowcount:
                await wake(connection, run_id)
            row = (await connection.execute(select(table).where(*call))).mappings().first()
        return Approval(**row) if row else None


def _row(approval: Approval) -> dict[str, object]:
    values = asdict(approval)
    return {n: clean_text(each) if isinstance(each, str) else each for n, each in values.items()}
