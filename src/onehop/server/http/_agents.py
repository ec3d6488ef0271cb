"""Agents, their keys and their rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from onehop.errors import InvalidRequestError
from onehop.server.agents import NewKey
from onehop.server.asgi._json import Json, read_object
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    AgentPath,
)
from onehop.server.http._routing import BODY, Admin, Here, Parts, Who, alone, errors, takes
from onehop.stores.base import AgentLimits
from onehop.tools import Rule, read_rule_list, rules_from_json

plain = APIRouter(dependencies=[Depends(alone)])
"""Addresses without a query."""


@plain.get("/me", tags=["agents"], response_model=schemas.Me, responses=errors())
async def me(principal: Who) -> Response:
    """Tell who the key belongs to."""
    limits = principal.limits
    told = {"maxRuns": limits.max_runs, "maxRate": limits.max_rate, "maxBody": limits.max_body}
    return Json({"agentId": principal.holder, "role": principal.role, "limits": told})


@plain.get("/agents", tags=["agents"], response_model=schemas.AgentList, responses=errors())
async def list_agents(here: Here, _admin: Admin) -> Response:
    """List agents, without their keys."""
    found = [_shown(agent) for agent in await here.agents.list()]
    return Json({"agents": found})


@plain.post(
    "/agents",
    tags=["agents"],
    status_code=201,
    response_model=schemas.AgentWithKey,
    responses=errors(409, *BODY),
    openapi_extra=takes(schemas.AddAgentBody, {"agentId": "ada", "role": "agent"}),
)
async def add_agent(request: Request, here: Here, _admin: Admin) -> Response:
    """Make an agent; its key is shown this once."""
    given = dict(await read_object(request))
    rules = read_rule_list(given.pop("rules", []))
    body = schemas.AddAgentBody.model_validate(given)
    made = await here.agents.add(body.agent_id, body.role, rules=rules, **body.limits.model_dump())
    here.executor.forget_rules(body.agent_id)
    return Json(_with_key(made), status_code=201)


@plain.post(
    "/agents/{agentId}/rotate",
    tags=["agents"],
    response_model=schemas.AgentWithKey,
    responses=errors(404),
)
async def rotate_agent(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Give an agent a new key, shown this once; the old one stops working."""
    return Json(_with_key(await here.agents.rotate(agent_id)))


@plain.patch(
    "/agents/{agentId}",
    tags=["agents"],
    response_model=schemas.Agent,
    responses=errors(404, 409, *BODY),
    openapi_extra=takes(schemas.ChangeAgentBody, {"limits": {"maxRuns": 4}}),
)
async def change_agent(request: Request, here: Here, admin: Admin, agent_id: AgentPath) -> Response:
    """Change an agent's limits; they count at once, on other servers within a second."""
    body = schemas.ChangeAgentBody.model_validate(await read_object(request))
    was = None if body.was is None else AgentLimits(**body.was.model_dump())
    changed = body.limits.model_dump(exclude_unset=True)
    agent = await here.agents.set_limits(agent_id, changed, was=was, by=admin.holder)
    return Json(_shown(agent))


@plain.delete("/agents/{agentId}", tags=["agents"], status_code=204, responses=errors(404))
async def revoke_agent(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Revoke an agent's key."""
    await here.agents.revoke(agent_id)
    return Response(status_code=204)


@plain.get(
    "/agents/{agentId}/rules",
    tags=["agents"],
    response_model=schemas.AgentRules,
    responses=errors(404),
)
async def agent_rules(here: Here, _admin: Admin, agent_id: AgentPath) -> Response:
    """Give an agent's rules for its calls of tools."""
    agent = await here.agents.get(agent_id)
    return Json(_with_warnings(here, agent_id, rules_from_json(agent.rules)))


@plain.put(
    "/agents/{agentId}/rules",
    tags=["agents"],
    response_model=schemas.AgentRules,
    responses=errors(404, *BODY),
    openapi_extra=takes(
        schemas.RulesBody, {"rules": [{"action": "ask", "tool": "crm.pay", "when": "amount > 100"}]}
    ),
)
async def set_agent_rules(
    request: Request, here: Here, _admin: Admin, agent_id: AgentPath
) -> Response:
    """Replace an agent's rules; they count from its next run on, on other servers within a
    second."""
    body = await read_object(request)
    for name in body:
        if name != "rules":
            raise InvalidRequestError(name[:80], "an unknown field", "rules")
    rules = await here.agents.set_rules(agent_id, read_rule_list(body.get("rules")))
    here.executor.forget_rules(agent_id)
    return Json(_with_warnings(here, agent_id, rules))


def _with_warnings(here: Parts, agent_id: str, rules: Sequence[Rule]) -> dict[str, Any]:
    told = [rule.to_dict() for rule in rules]
    warnings = here.executor.sandbox.toolbox.stray(rules)
    return {"agentId": agent_id, "rules": told, "warnings": warnings}


def _shown(agent: Any) -> dict[str, Any]:
    return schemas.Agent.of(agent).model_dump(by_alias=True)


def _with_key(made: NewKey) -> dict[str, Any]:
    return {"agent": _shown(made.agent), "key": made.key}
