"""Runs that wait for people, as rows of the history: they have no record until they end."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Final

from onehop.answers import PausedRun, WaitingCall
from onehop.runs.decisions import Approval
from onehop.runs.kept import WAITING, KeptRun
from onehop.stores.base import HistoryQuery, Store

_MOST: Final = 1000
"""Runs that are looked at, and calls that wait."""


async def waiting_runs(store: Store, query: HistoryQuery) -> list[PausedRun]:
    """The runs that wait and that ``query`` asks for, newest first; ``limit`` at most, whatever
    the ``offset``. How a run ends, and its language, are not known before, so that a query for
    either finds none; of its calls, those that wait are known. The newest 1000 are looked
    at. Raises StoreUnavailableError."""
    if (query.success, query.language, query.error_type) != (None, None, None):
        return []
    found = await asyncio.gather(
        *(store.kept_runs(agent_id=query.agent_id, phase=p, limit=_MOST) for p in WAITING)
    )
    kept = [run for run in chain.from_iterable(found) if _is_asked_for(run, query)]
    kept.sort(key=lambda run: (-run.created_at, run.run_id))
    if query.tool is None:
        return await _with_calls(store, kept[: query.limit], query.agent_id)
    rows = await _with_calls(store, kept, query.agent_id)
    return [row for row in rows if query.tool in {call.tool for call in row.waits_for}][
        : query.limit
    ]


async def waiting_run(
    store: Store, request_id: str, agent_id: str | None = None
) -> PausedRun | None:
    """The run of this name, if it waits. Raises StoreUnavailableError."""
    found = await store.kept_runs(request_id=request_id, agent_id=agent_id)
    kept = [run for run in found if run.is_waiting][:1]
    rows = await _with_calls(store, kept, agent_id)
    return rows[0] if rows else None


def _is_asked_for(run: KeptRun, query: HistoryQuery) -> bool:
    if query.channel_id not in (None, run.channel_id):
        return False
    if query.code_hash not in (None, run.code_hash):
        return False
    if query.until is not None and run.created_at >= query.until:
        return False
    return run.created_at >= (query.since or 0)


async def _with_calls(store: Store, kept: list[KeptRun], agent_id: str | None) -> list[PausedRun]:
    if len(kept) == 1:
        run_id = kept[0].run_id
        pending = await store.approvals(run_id=run_id, status="pending", limit=_MOST)
    elif kept:
        pending = await store.approvals(agent_id=agent_id, status="pending", limit=_MOST)
    else:
        pending = []
    calls: dict[str, list[WaitingCall]] = defaultdict(list)
    for each in pending:
        calls[each.run_id].append(_call(each))
    return [_row(run, calls[run.run_id]) for run in kept]


def _call(approval: Approval) -> WaitingCall:
    return WaitingCall(
        call_id=approval.call_id,
        tool=approval.tool,
        effect=approval.effect,
        rule=approval.rule,
        since=approval.requested_at,
        expires_at=approval.expires_at,
    )


def _row(run: KeptRun, calls: Iterable[WaitingCall]) -> PausedRun:
    waits_for = list(calls)
    return PausedRun(
        request_id=run.request_id,
        run_id=run.run_id,
        agent_id=run.agent_id,
        channel_id=run.channel_id,
        code_hash=run.code_hash,
        executed_at=run.created_at,
        since=min((each.since for each in waits_for), default=run.created_at),
        expires_at=min((each.expires_at for each in waits_for), default=None),
        waits_for=waits_for,
    )
