"""Questions about what has run."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from onehop.server.asgi._json import Json
from onehop.server.http import _schemas as schemas
from onehop.server.http._params import (
    AgentPath,
    FailureParams,
    Question,
    QuestionParams,
    SinceParams,
    TrendParams,
)
from onehop.server.http._routing import FRESH, Here, Who, dicts, errors, whose
from onehop.stores import analytics
from onehop.stores.analytics import MAX_LIMIT

api = APIRouter()


@api.get(
    "/agents/{agentId}/stats",
    tags=["analytics"],
    response_model=schemas.AgentStats,
    responses=errors(),
)
async def stats(
    here: Here, principal: Who, agent_id: AgentPath, wanted: Annotated[SinceParams, Query()]
) -> Response:
    """Count an agent's runs, how they ended, and how long they took."""
    agent = whose(principal, agent_id)
    await here.executor.flush(FRESH)
    return Json(analytics.to_dict(await here.analytics.get_agent_stats(agent, wanted.since)))


@api.get(
    "/agents/{agentId}/failures",
    tags=["analytics"],
    response_model=schemas.Failures,
    responses=errors(),
)
async def failures(
    here: Here, principal: Who, agent_id: AgentPath, wanted: Annotated[FailureParams, Query()]
) -> Response:
    """List an agent's latest failures, newest first."""
    agent = whose(principal, agent_id)
    await here.executor.flush(FRESH)
    found = await here.analytics.get_recent_failures(agent, wanted.limit)
    return Json({"failures": dicts(found)})


@api.get("/trends", tags=["analytics"], response_model=schemas.Trends, responses=errors())
async def trends(here: Here, principal: Who, wanted: Annotated[TrendParams, Query()]) -> Response:
    """Count runs by day and language, as of the last rollup."""
    agent = whose(principal, wanted.agent_id)
    return Json({"trends": dicts(await here.analytics.get_trends(agent, wanted.since))})


@api.get(
    "/analytics/{question}",
    tags=["analytics"],
    response_model=schemas.ResourceUse
    | schemas.CodeLengths
    | schemas.RepeatedCodes
    | schemas.Slowest
    | schemas.SecurityProfile
    | schemas.ToolUse
    | schemas.Timeline
    | schemas.FailureCauses
    | schemas.AgentCounts
    | schemas.PauseStats,
    responses=errors(404),
)
async def question(
    here: Here, principal: Who, question: Question, wanted: Annotated[QuestionParams, Query()]
) -> Response:
    """Answer one of the other questions about what has run."""
    agent, since, limit = whose(principal, wanted.agent_id), wanted.since, wanted.limit
    await here.executor.flush(FRESH)
    ask = here.analytics
    match question:
        case "resources":
            return Json(analytics.to_dict(await ask.get_resource_use(agent, since)))
        case "code-lengths":
            return Json({"codeLengths": dicts(await ask.get_code_lengths(agent, since))})
        case "repeated-code":
            found = await ask.get_repeated_code(limit, agent, since)
            return Json({"repeatedCode": dicts(found)})
        case "slowest":
            return Json({"slowest": dicts(await ask.get_slowest(limit, agent, since))})
        case "tools":
            tools = await ask.get_tool_stats(agent, since, limit, by_agent=wanted.by_agent)
            return Json({"tools": dicts(tools)})
        case "security":
            return Json({"security": dicts(await ask.get_security_profile(agent, since))})
        case "timeline":
            points = await ask.get_timeline(agent, since, wanted.step)
            return Json({"timeline": dicts(points)})
        case "failure-causes":
            causes = await ask.get_failure_causes(agent, since)
            return Json({"failureCauses": dicts(causes)})
        case "pauses":
            return Json(analytics.to_dict(await ask.get_pause_stats(agent, since)))
        case "agents":
            counts = await ask.get_agent_counts(MAX_LIMIT if agent else limit, since)
            return Json(
                {"agents": dicts([each for each in counts if agent in (None, each.agent_id)])}
            )
