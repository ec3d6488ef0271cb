"""One execution: all that is on record of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from pydantic_core import to_json
from starlette.responses import Response

from onehop.events import Event
from onehop.records import ExecutionRecord
from onehop.runs.ledger import LedgerLine, ledger
from onehop.server._errors import NotFoundError
from onehop.server.dashboard._artifacts import files_of
from onehop.server.dashboard._code import CodeLine, code_of, numbered
from onehop.server.dashboard._copies import copies_of
from onehop.server.dashboard._diff import DiffLine, diff
from onehop.server.dashboard._executions import Row, find_record, state_of
from onehop.server.dashboard._frame import HEADERS
from onehop.server.dashboard._keeping import Keeping, keeping_of
from onehop.server.dashboard._timeline import Moment, Waterfall, moments_of, waterfall_of
from onehop.server.dashboard._tree import tree
from onehop.server.dashboard._unfinished import unfinished
from onehop.server.dashboard._visit import Page, Visit
from onehop.stores.base import EventQuery, HistoryQuery

_EVENTS: Final = 1000
_SAME: Final = 10
_LEDGER: Final = 200
"""Calls that may have changed something, which the page shows."""
_LOGS: Final = 1000
"""Console lines that the page shows."""


_ABSENT: Final[dict[str, Any]] = {
    "avoided": None,
    "clock": None,
    "cpuTime": 0,
    "enforcement": (),
    "errorInfo": None,
    "hints": (),
    "logsTruncated": None,
    "outputTruncated": None,
    "risk": None,
    "seed": None,
    "session": None,
    "toolTime": 0,
    "warnings": (),
}
"""What details are where the record does not say."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One console call."""

    level: str
    time: float | None
    message: str


@dataclass(frozen=True, slots=True)
class Repair:
    """One correction."""

    kind: str
    field: str
    lines: list[DiffLine]


@dataclass(frozen=True, slots=True)
class View:
    """A record, as its page shows it."""

    record: ExecutionRecord
    state: str
    code: list[CodeLine]
    code_is_whole: bool
    logs: list[LogLine]
    more_logs: int
    repairs: list[Repair]
    waterfall: Waterfall
    moments: list[Moment]
    ledger: list[LedgerLine]
    output: Any
    context: Any

    @property
    def details(self) -> dict[str, Any]:
        """What the record says beyond its fields."""
        return {**_ABSENT, **self.record.details}


async def look(visit: Visit) -> Page:
    """The page of one execution."""
    name, whose = visit.named("requestId"), visit.asked.get("agentId")
    try:
        record = await find_record(visit, name, whose)
    except NotFoundError:
        if (page := await unfinished(visit, name, whose)) is not None:
            return page
        raise
    return await shown(visit, record, keeping_of(record) if visit.is_admin else None)


async def shown(
    visit: Visit, record: ExecutionRecord, keeping: Keeping | None, status: int = 200
) -> Page:
    """The page of a record; ``keeping`` is its form to save a snippet."""
    events = await events_of(visit, record)
    same = await visit.parts.store.history(
        HistoryQuery(code_hash=record.code_hash, limit=_SAME, brief=True)
    )
    view = await asyncio.to_thread(view_of, record, events)
    facts = {
        "view": view,
        "record": record,
        "files": files_of(visit, record),
        "copies": copies_of(record, str(visit.request.base_url).rstrip("/")),
        "same": [Row.of(each) for each in same],
        "keeping": keeping,
    }
    return Page("execution.html", facts, status)


async def raw(visit: Visit) -> Response:
    """Output, context, logs or code as a file, whole."""
    record = await find_record(visit, visit.named("requestId"), visit.asked.get("agentId"))
    what = visit.request.path_params["part"]
    parts = {
        "output.json": lambda: to_json(record.output, indent=1),
        "context.json": lambda: to_json(record.context_data, indent=1),
        "record.json": lambda: to_json(record.to_dict(), indent=1),
        "logs.txt": lambda: "\n".join(record.logs).encode(errors="replace"),
        "code.txt": lambda: code_of(record)[0].encode(errors="replace"),
    }
    if what not in parts:
        raise NotFoundError("an execution has no such part")
    content = await asyncio.to_thread(parts[what])
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="{what}"'}
    return Response(content, headers=headers, media_type="text/plain")


async def events_of(visit: Visit, record: ExecutionRecord) -> list[Event]:
    """What was announced of a run, in order."""
    query = EventQuery(request_id=record.request_id, agent_id=record.agent_id, limit=_EVENTS)
    return [stored.event for stored in await visit.parts.store.events(query)]


def view_of(record: ExecutionRecord, events: list[Event]) -> View:
    """All that the page is made of."""
    code, whole = code_of(record)
    return View(
        record=record,
        state=state_of(record),
        code=numbered(code, record.details),
        code_is_whole=whole,
        logs=_logs(record),
        more_logs=max(0, len(record.logs) - _LOGS),
        repairs=[_repair(each) for each in record.details.get("corrections") or ()],
        waterfall=waterfall_of(record, events),
        moments=moments_of(record, events),
        ledger=[line for line in ledger(record.details) if line.state != "read"][:_LEDGER],
        output=tree(record.output),
        context=tree(record.context_data),
    )


def _logs(record: ExecutionRecord) -> list[LogLine]:
    levels = record.details.get("logLevels") or []
    times = record.details.get("logTimes") or []
    found = []
    for place, line in enumerate(record.logs[:_LOGS]):
        level = str(levels[place]) if place < len(levels) else "log"
        time = times[place] if place < len(times) else None
        found.append(LogLine(level, time, line.removeprefix(f"[{level.upper()}] ")))
    return found


def _repair(correction: dict[str, Any]) -> Repair:
    before, after = _text(correction.get("from")), _text(correction.get("to"))
    return Repair(str(correction["kind"]), str(correction["field"]), diff(before, after))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else to_json(value, indent=1).decode(errors="replace")
