"""Runs that can be made again, in SQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, text, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from onehop.runs.kept import LONGEST_LEASE, WAITING, KeptRun, RunChange, RunPhase
from onehop.stores._kept import clean_text
from onehop.stores.sql._schema import kept_runs as runs
from onehop.stores.sql._schema import run_parts as parts
from onehop.stores.sql._writes import writing

_AT_ONCE: Final = 500
"""Runs that one transaction drops."""
_ADD_PART: Final = """
INSERT INTO run_parts (run_id, fence, number, part) VALUES (:run_id, :fence, :number, :part)
ON CONFLICT (run_id, fence, number) DO UPDATE SET part = excluded.part
"""
_run = runs.c
WAITS: Final = _run.phase.in_(WAITING)


class SqlRuns:
    """Kept runs in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def add_run(self, run: KeptRun) -> bool:
        """Take a run, unless it is there."""
        values = {n: clean_text(v) if isinstance(v, str) else v for n, v in asdict(run).items()}
        try:
            async with self._turn, writing(self._engine) as connection:
                await connection.execute(insert(runs).values(**values))
        except IntegrityError:
            return False
        return True

    async def kept_run(self, run_id: str) -> KeptRun | None:
        """What is kept of a run."""
        async with self._engine.connect() as connection:
            return await _found(connection, run_id)

    async def kept_runs(
        self,
        *,
        request_id: str | None = None,
        agent_id: str | None = None,
        phase: RunPhase | None = None,
        limit: int = 100,
    ) -> list[KeptRun]:
        """The newest first."""
        given = {"request_id": request_id, "agent_id": agent_id, "phase": phase}
        wanted = [_run[n] == clean_text(v) for n, v in given.items() if v is not None]
        found = select(runs).where(*wanted).order_by(_run.created_at.desc(), _run.run_id)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(found.limit(limit))).mappings().all()
        return [KeptRun(**row) for row in rows]

    async def add_run_part(
        self, run_id: str, fence: int, number: int, part: bytes, head: bytes | None = None
    ) -> bool:
        """Write down what a run has done. Changing the run locks its row, so that no other can
        claim it meanwhile."""
        same = _run.run_id == run_id, _run.fence == fence
        async with self._turn, writing(self._engine) as connection:
            locked = await connection.execute(update(runs).where(*same).values(head=head))
            if locked.rowcount != 1:
                return False
            values = {"run_id": run_id, "fence": fence, "number": number, "part": part}
            await connection.execute(text(_ADD_PART), values)
        return True

    async def run_parts(self, run_id: str) -> list[bytes]:
        """All that it has done, in order."""
        own = parts.c.run_id == clean_text(run_id)
        found = select(parts.c.part).where(own).order_by(parts.c.fence, parts.c.number)
        async with self._engine.connect() as connection:
            return [bytes(part) for part in (await connection.execute(found)).scalars()]

    async def claim_run(self, run_id: str, owner: str, now: int, until: int) -> KeptRun | None:
        """Make it the owner's, if no one owns it now."""
        free = _run.run_id == clean_text(run_id), WAITS, _is_nobodys(now)
        values = {"phase": "resuming", "owner": owner, "lease_until": until}
        change = update(runs).where(*free).values(**values, fence=_run.fence + 1)
        async with self._turn, writing(self._engine) as connection:
            if (await connection.execute(change)).rowcount != 1:
                return None
            return await _found(connection, run_id)

    async def change_run(self, run_id: str, fence: int, change: RunChange) -> bool:
        """Change it on behalf of its owner."""
        same = _run.run_id == run_id, _run.fence == fence
        async with self._turn, writing(self._engine) as connection:
            done = await connection.execute(update(runs).where(*same).values(**change.values))
        return done.rowcount == 1

    async def wake_run(self, run_id: str) -> None:
        """Something was decided about it."""
        async with self._turn, writing(self._engine) as connection:
            await wake(connection, run_id)

    async def resumable_runs(self, now: int, limit: int) -> list[str]:
        """Those that can go on, and that no server owns."""
        ready = or_(_run.wake == true(), _run.phase != "paused", _run.expires_at <= now)
        found = select(_run.run_id).where(WAITS, _is_nobodys(now), ready)
        async with self._engine.connect() as connection:
            rows = await connection.execute(found.order_by(_run.created_at).limit(limit))
            return list(rows.scalars())

    async def drop_runs(self, run_ids: Sequence[str]) -> None:
        """Forget them."""
        async with self._turn, writing(self._engine) as connection:
            for table in (parts, runs):
                await connection.execute(delete(table).where(table.c.run_id.in_(run_ids)))

    async def _prune_runs(self, now: int, cutoff: int) -> None:
        old = select(_run.run_id).where(_is_over(now, cutoff)).limit(_AT_ONCE)
        while True:
            async with self._engine.connect() as connection:
                gone = list((await connection.execute(old)).scalars())
            if not gone:
                return
            await self.drop_runs(gone)


async def wake(connection: AsyncConnection, run_id: str) -> None:
    """Note that something was decided about a run, in a transaction that is open."""
    own = _run.run_id == clean_text(run_id)
    await connection.execute(update(runs).where(own).values(wake=True))


async def _found(connection: AsyncConnection, run_id: str) -> KeptRun | None:
    wanted = select(runs).where(_run.run_id == clean_text(run_id))
    row: Any = (await connection.execute(wanted)).mappings().first()
    return None if row is None else KeptRun(**row)


def _is_nobodys(now: int) -> ColumnElement[bool]:
    """Its lease is over. All owners go by the store's clock: a lease that is longer than any is
    from before that was put back, and its owner would have prolonged it."""
    return or_(_run.lease_until <= now, _run.lease_until > now + LONGEST_LEASE)


def _is_over(now: int, cutoff: int) -> ColumnElement[bool]:
    """It has ended and its time is over, or it was never asked about and its server is gone."""
    lost = _run.phase == "running", _run.created_at <= cutoff, _run.lease_until <= cutoff
    return or_(and_(_run.phase == "ended", _run.keep_until <= now), and_(*lost))
