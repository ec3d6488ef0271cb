"""Agents and their keys, in MongoDB."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from bson.int64 import Int64
from pydantic.alias_generators import to_camel
from pymongo import ASCENDING
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from onehop.stores._kept import clean_text
from onehop.stores.base import AgentLimits, AgentRecord


class MongoAgents:
    """Agents in the collection ``agents``. MongoStore translates what the driver raises."""

    _database: AsyncDatabase[dict[str, Any]]

    async def add_agent(self, agent: AgentRecord) -> bool:
        """Take an agent, unless one of its name is there and not revoked."""
        revoked = {"agentId": agent.agent_id, "revokedAt": {"$ne": None}}
        await self._database["agents"].delete_one(revoked)
        try:
            await self._database["agents"].insert_one(_document(agent))
        except DuplicateKeyError:
            return False
        return True

    async def agents(self) -> list[AgentRecord]:
        """All of them, by name."""
        found = self._database["agents"].find().sort("agentId", ASCENDING)
        return [_agent(document) async for document in found]

    async def find_agent(self, key_id: str) -> AgentRecord | None:
        """Whose key this is, revoked or not."""
        document = await self._database["agents"].find_one({"keyId": key_id})
        return _agent(document) if document else None

    async def get_agent(self, agent_id: str) -> AgentRecord | None:
        """The agent of this name, revoked or not."""
        document = await self._database["agents"].find_one({"agentId": clean_text(agent_id)})
        return _agent(document) if document else None

    async def set_rules(self, agent_id: str, rules: str | None) -> bool:
        """Replace an agent's rules; False when there is no such agent, or it is revoked."""
        return await self._change(agent_id, {"rules": rules})

    async def set_limits(self, agent_id: str, limits: AgentLimits, was: AgentLimits) -> bool:
        """Replace an agent's limits, if they are still those in ``was``."""
        return await self._change(agent_id, _numbers(limits), _numbers(was))

    async def rekey_agent(self, agent_id: str, key_id: str, key_hash: str, now: int) -> bool:
        """Replace the key; False when there is no such agent, or it is revoked."""
        values = {"keyId": key_id, "keyHash": key_hash, "rotatedAt": Int64(now)}
        return await self._change(agent_id, values)

    async def revoke_agent(self, agent_id: str, now: int) -> bool:
        """Let the key open nothing more; False when there is no such agent, or it is revoked."""
        return await self._change(agent_id, {"revokedAt": Int64(now)})

    async def _change(
        self, agent_id: str, values: dict[str, Any], same: dict[str, Any] | None = None
    ) -> bool:
        wanted = {"agentId": agent_id, "revokedAt": None, **(same or {})}
        found = await self._database["agents"].update_one(wanted, {"$set": values})
        return found.matched_count == 1


def _numbers(limits: AgentLimits) -> dict[str, Any]:
    found = {to_camel(name): value for name, value in asdict(limits).items()}
    return {name: None if value is None else Int64(value) for name, value in found.items()}


def _document(agent: AgentRecord) -> dict[str, Any]:
    values = {to_camel(item.name): getattr(agent, item.name) for item in fields(AgentRecord)}
    return {name: Int64(value) if type(value) is int else value for name, value in values.items()}


def _agent(document: dict[str, Any]) -> AgentRecord:
    found = {item.name: document.get(to_camel(item.name)) for item in fields(AgentRecord)}
    values: dict[str, Any] = {
        name: int(value) if isinstance(value, Int64) else value for name, value in found.items()
    }
    return AgentRecord(**values)
