"""What must hold after anything: asked of the store, the ledger and the answers."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

from onehop.audit import verify
from onehop.config import AuditConfig
from onehop.records import ExecutionRecord
from onehop.stores import open_store
from onehop.stores.base import Store
from tests.chaos.load import Answer
from tests.chaos.subject import Subject

ALLOWED: Final = {"internal", "timeout", "resource_limit", "cancelled"}
"""Why a run of good code may fail while something is broken."""
_DELIVERY: Final = 30.0
"""Seconds until the store has every record."""


async def kept(subject: Subject, answers: list[Answer]) -> list[str]:
    """What of the ``answers`` is lost, twice or otherwise than answered, in store and ledger."""
    store = await open_store(AuditConfig(store=subject.store))
    try:
        records = await _records(store, {answer.call.request_id for answer in answers})
        chain = (await verify(store)).problems
    finally:
        await store.aclose()
    lines = Counter(subject.ledger.read_text().split())
    return [
        *(f"the chain is broken: {problem}" for problem in chain),
        *(problem for answer in answers for problem in _recorded(answer, records)),
        *(problem for answer in answers for problem in _written(answer, records, lines)),
    ]


async def _records(store: Store, wanted: set[str]) -> dict[str, list[ExecutionRecord]]:
    """All records with these request ids, once all have arrived or time is up."""
    deadline = time.monotonic() + _DELIVERY
    found: dict[str, list[ExecutionRecord]] = {}
    last = 0
    while True:
        while page := await store.chain(last, 1000):
            last = page[-1].sequence or 0
            for record in page:
                if record.request_id in wanted:
                    found.setdefault(record.request_id, []).append(record)
        if len(found) == len(wanted) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.1)


def _recorded(answer: Answer, records: dict[str, list[ExecutionRecord]]) -> Iterable[str]:
    name = f"{answer.call.request_id} ({answer.call.kind})"
    mine = records.get(answer.call.request_id, [])
    if not mine:
        yield f"{name} was answered and is not on record"
    elif len(mine) > 1:
        yield f"{name} ran {len(mine)} times"
    elif mine[0].success != answer.result["success"]:
        yield f"{name} was answered otherwise than it is on record: {answer.result.get('error')}"
    elif answer.good and not answer.call.hostile and mine[0].output != answer.call.output:
        yield f"{name} is on record with another output"


def _written(
    answer: Answer, records: dict[str, list[ExecutionRecord]], lines: Counter[str]
) -> Iterable[str]:
    if not answer.call.writes:
        return
    name, written = answer.call.request_id, lines[answer.call.request_id]
    if written > 1:
        yield f"{name} wrote {written} times"
    if written == 0 and answer.result["success"]:
        yield f"{name} succeeded and has not written"
    if written and not any(_tells(record) for record in records.get(name, [])):
        yield f"{name} wrote, and its record does not say that it may have"


def _tells(record: ExecutionRecord) -> bool:
    """Whether the record has the write, as done or unknown, or says that it was cut off."""
    calls: list[dict[str, Any]] = record.details.get("toolCalls") or []
    done = any(call["outcome"] in ("ok", "unknown", "cancelled") for call in calls)
    return done or record.details.get("interrupted") is True


def answered_well(answers: list[Answer], calm_from: float, broke_at: float) -> list[str]:
    """What was answered that never may be: wrong results, attacks that succeed, and failures of
    good code before ``broke_at`` or after ``calm_from``."""
    return [
        *(_told(answer, "was answered wrongly") for answer in answers if answer.wrong),
        *(
            _told(answer, "failed in calm times")
            for answer in answers
            if not answer.good and (answer.began >= calm_from or answer.ended < broke_at)
        ),
        *(
            _told(answer, f"failed as {answer.error_type}")
            for answer in answers
            if not answer.good and not answer.call.hostile and not _excused(answer)
        ),
    ]


def _excused(answer: Answer) -> bool:
    """A worker that somebody has killed looks like one that has ended itself; a write that could
    not be noted beforehand was not sent, and its run says so; a tool that opens a file fails where
    the host may open none."""
    error = str(answer.result.get("error"))
    unsent = "was not called, for the host cannot write down" in error
    tool = "the tool failed; the host's log has the reason" in error
    return answer.error_type in ALLOWED or "WorkerExit" in error or unsent or tool


def _told(answer: Answer, what: str) -> str:
    result = answer.result
    call = answer.call
    return f"{call.request_id} ({call.kind}) {what}: {result.get('error') or result['output']!r}"
