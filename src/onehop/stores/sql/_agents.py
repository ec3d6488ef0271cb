"""Agents and their keys, in SQL."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from onehop.stores._kept import clean_text
from onehop.stores.base import AgentLimits, AgentRecord
from onehop.stores.sql._schema import agents
from onehop.stores.sql._statements import AGENT, AGENT_OF_KEY
from onehop.stores.sql._writes import writing


class SqlAgents:
    """Agents in SQLite and PostgreSQL. SqlStore translates what the driver raises."""

    _engine: AsyncEngine
    _turn: asyncio.Lock
    """Held by the one that writes in this process."""

    async def add_agent(self, agent: AgentRecord) -> bool:
        """Take an agent, unless one of its name is there and not revoked."""
        same = agents.c.agent_id == agent.agent_id
        revoked = delete(agents).where(same, agents.c.revoked_at.is_not(None))
        try:
            async with self._turn, writing(self._engine) as connection:
                await connection.execute(revoked)
                await connection.execute(insert(agents).values(**asdict(agent)))
        except IntegrityError:
            return False
        return True

    async def agents(self) -> list[AgentRecord]:
        """All of them, by name."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(agents).order_by(agents.c.agent_id))
            return [AgentRecord(**row) for row in rows.mappings()]

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        """Whose key this is, revoked or not."""
        async with self._engine.connect() as connection:
            found = await connection.execute(AGENT_OF_KEY, {"key_id": key_id})
            row = found.mappings().first()
        return AgentRecord(**row) if row else None

    async def get_agent(self, agent_id: str) -> AgentRecord | None:
        """The agent of this name, revoked or not."""
        async with self._engine.connect() as connection:
            found = await connection.execute(AGENT, {"agent_id": clean_text(agent_id)})
            row = found.mappings().first()
        return AgentRecord(**row) if row else None

    async def set_rules(self, agent_id: str, rules: str | None) -> bool:
        """Replace an agent's rules; False when there is no such agent, or it is revoked."""
        return await self._change(agent_id, rules=rules)

    async def set_limits(self, agent_id: str, limits: AgentLimits, was: AgentLimits) -> bool:
        """Replace an agent's limits, if they are still those in ``was``."""
        same = [agents.c[name].is_not_distinct_from(value) for name, value in asdict(was).items()]
        return await self._change(agent_id, *same, **asdict(limits))

    async def rekey_agent(self, agent_id: str, key_id: str, key_hash: str, now: int) -> bool:
        """Replace the key; False when there is no such agent, or it is revoked."""
        return await self._change(agent_id, key_id=key_id, key_hash=key_hash, rotated_at=now)

    async def revoke_agent(self, agent_id: str, now: int) -> bool:
        """Let the key open nothing more; False when there is no such agent, or it is revoked."""
        return await self._change(agent_id, revoked_at=now)

    async def _change(self, agent_id: str, *same: ColumnElement[bool], **values: Any) -> bool:
        wanted = agents.c.agent_id == agent_id, agents.c.revoked_at.is_(None), *same
        async with self._turn, writing(self._engine) as connection:
            found = await connection.execute(update(agents).where(*wanted).values(**values))
        return found.rowcount == 1
