"""The list of executions: filters, each in the address, and pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args
from urllib.parse import urlencode

from starlette.responses import Response

from onehop.records import ExecutionRecord
from onehop.server._errors import NotFoundError
from onehop.server.dashboard._door import redirect
from onehop.server.dashboard._segments import segment
from onehop.server.dashboard._spans import SPANS, now_ms, span_of
from onehop.server.dashboard._visit import FRESH, Page, Visit
from onehop.server.http._params import HistoryParams
from onehop.stores import waiting_runs
from onehop.stores.base import HistoryQuery
from onehop.types import ErrorType

_PAGE: Final = 50
_OUTCOMES: Final = {"ok": "true", "failed": "false"}
_NAMES: Final = (
    *("agentId", "channelId", "language", "outcome", "errorType", "tool", "codeHash", "within"),
)
"""What the form has."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list."""

    request_id: str
    agent_id: str
    channel_id: str
    executed_at: int
    language: str
    success: bool
    state: str
    execution_time: float
    memory: float
    code_hash: str
    title: str
    """What it was for, or else how its code starts."""
    error: str
    calls: int

    @classmethod
    def of(cls, record: ExecutionRecord) -> Row:
        """The line of a record."""
        return cls(
            request_id=record.request_id,
            agent_id=record.agent_id,
            channel_id=record.channel_id,
            executed_at=record.executed_at,
            language=record.language,
            success=record.success,
            state=state_of(record),
            execution_time=record.execution_time,
            memory=record.memory_usage,
            code_hash=record.code_hash,
            title=record.description or _first_line(record.code_snippet),
            error=record.error or "",
            calls=len(record.details.get("toolCalls") or ()),
        )


def _first_line(code: str) -> str:
    lines = (line.strip() for line in code.split("\n"))
    return next((line for line in lines if line), "")


def state_of(record: ExecutionRecord) -> str:
    """One word for how it ended."""
    return "ok" if record.success else (record.error_type or "failed")


async def look(visit: Visit) -> Page | Response:
    """The list, newest first; or the run whose id the address gives."""
    asked = visit.asked
    if "requestId" in asked:
        return redirect(visit, f"dashboard/executions/{segment(asked['requestId'].strip())}")
    params = _params(asked)
    span = span_of(asked) if "within" in asked else None
    since = params.since if span is None else span.since(now_ms())
    await visit.parts.executor.flush(FRESH)
    query = HistoryQuery(
        **params.model_dump(exclude={"limit", "since"}),
        since=since,
        limit=_PAGE + 1,
        brief=True,
    )
    found = await visit.parts.store.history(query)
    paused = [] if params.offset else await waiting_runs(visit.parts.store, query)
    facts = {
        "paused": paused,
        "rows": [Row.of(record) for record in found[:_PAGE]],
        "causes": get_args(ErrorType),
        "asked": {name: asked.get(name, "") for name in _NAMES},
        "filtered": any(name != "offset" for name in asked),
        "spans": SPANS.values(),
        "newer": _with(asked, max(0, params.offset - _PAGE)) if params.offset else None,
        "older": _with(asked, params.offset + _PAGE) if len(found) > _PAGE else None,
        "first": params.offset + 1,
    }
    return Page("executions.html", facts)


def _params(asked: Mapping[str, str]) -> HistoryParams:
    """The filters as the API has them. Raises InvalidRequestError and ValidationError."""
    given: dict[str, Any] = {
        name: value for name, value in asked.items() if name not in ("outcome", "within", "refresh")
    }
    outcome = asked.get("outcome")
    if outcome is not None:
        given["success"] = _OUTCOMES.get(outcome, outcome)
    return HistoryParams.model_validate(given)


def _with(asked: Mapping[str, str], offset: int) -> str:
    pairs = {**asked, "offset": str(offset)}
    return urlencode(
        {name: value for name, value in pairs.items() if (name, value) != ("offset", "0")}
    )


async def find_record(visit: Visit, request_id: str, agent_id: str | None) -> ExecutionRecord:
    """One record, for those who see all. Raises NotFoundError."""
    store = visit.parts.store
    record = await store.get(request_id, agent_id)
    if record is None:
        await visit.parts.executor.flush(FRESH)
        record = await store.get(request_id, agent_id)
    if record is None:
        raise NotFoundError(
            "no execution of that id is known: it may still run, or be older than the retention"
        )
    return record
