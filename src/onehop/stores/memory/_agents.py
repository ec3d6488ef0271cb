"""Agents and their keys in this process's memory."""

from __future__ import annotations

import dataclasses

from onehop.stores.base import AgentLimits, AgentRecord


class MemoryAgents:
    """Agents of the store that keeps nothing on disk."""

    _agents: dict[str, AgentRecord]

    async def add_agent(self, agent: AgentRecord) -> bool:
        """Take an agent, unless one of its name is there and not revoked."""
        known = self._agents.get(agent.agent_id)
        if known is not None and known.revoked_at is None:
            return False
        self._agents[agent.agent_id] = agent
        return True

    async def agents(self) -> list[AgentRecord]:
        """All of them, by name."""
        return sorted(self._agents.values(), key=lambda agent: agent.agent_id)

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        """Whose key this is, revoked or not."""
        return next((agent for agent in self._agents.values() if agent.key_id == key_id), None)

    async def get_agent(self, agent_id: str) -> AgentRecord | None:
        """The agent of this name, revoked or not."""
        return self._agents.get(agent_id)

    async def set_rules(self, agent_id: str, rules: str | None) -> bool:
        """Replace an agent's rules; False when there is no such agent, or it is revoked."""
        return self._change(agent_id, rules=rules)

    async def set_limits(self, agent_id: str, limits: AgentLimits, was: AgentLimits) -> bool:
        """Replace an agent's limits, if they are still those in ``was``."""
        known = self._agents.get(agent_id)
        if known is None or known.limits != was:
            return False
        return self._change(agent_id, **dataclasses.asdict(limits))

    async def rekey_agent(self, agent_id: str, key_id: str, key_hash: str, now: int) -> bool:
        """Replace the key; False when there is no such agent, or it is revoked."""
        return self._change(agent_id, key_id=key_id, key_hash=key_hash, rotated_at=now)

    async def revoke_agent(self, agent_id: str, now: int) -> bool:
        """Let the key open nothing more; False when there is no such agent, or it is revoked."""
        return self._change(agent_id, revoked_at=now)

    def _change(self, agent_id: str, **changes: str | int | None) -> bool:
        known = self._agents.get(agent_id)
        if known is None or known.revoked_at is not None:
            return False
        self._agents[agent_id] = dataclasses.replace(known, **changes)  # type: ignore[arg-type]
        return True
