"""A run made again offline, with the answers that it had, beside its record; for admins."""

from __future__ import annotations

import asyncio
from typing import Any

from onehop.errors import NotReplayableError
from onehop.records import ExecutionRecord
from onehop.server.dashboard._compare import Part, json_text
from onehop.server.dashboard._diff import diff
from onehop.server.dashboard._door import need_admin
from onehop.server.dashboard._executions import find_record
from onehop.server.dashboard._visit import Page, Visit
from onehop.types import Replay


async def replay(visit: Visit, form: dict[str, str]) -> Page:
    """Make it again, and show what came of it."""
    need_admin(visit)
    name = visit.named("requestId")
    record = await find_record(visit, name, form.get("agentId") or None)
    facts: dict[str, Any] = {"record": record, "replay": None, "parts_of": [], "problem": ""}
    try:
        found = await visit.parts.executor.replay(record.request_id, agent_id=record.agent_id)
    except NotReplayableError as error:
        return Page("replay.html", {**facts, "problem": str(error)}, 404)
    parts = await asyncio.to_thread(_parts, record, found)
    return Page("replay.html", {**facts, "replay": found, "parts_of": parts})


def _parts(record: ExecutionRecord, found: Replay) -> list[Part]:
    result = found.result
    return [
        Part("Output", diff(json_text(record.output), json_text(result.output))),
        Part("Error", diff(record.error or "", result.error or "")),
        Part("Console", diff("\n".join(record.logs), "\n".join(result.logs))),
    ]
