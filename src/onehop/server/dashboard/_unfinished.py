"""Runs that have not ended: those that run here, and those that wait for a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from onehop.runs.decisions import Approval
from onehop.runs.ledger import ledger
from onehop.runs.states import RunState
from onehop.server.dashboard._code import numbered
from onehop.server.dashboard._visit import Page, Visit

_MOST: Final = 100
"""Calls that are looked at, the oldest first."""
_CALLS: Final = 200
"""Calls that the page of a run shows."""
_AGAIN: Final = 2
"""Seconds after which the page of such a run looks whether it has ended."""


@dataclass(frozen=True, slots=True)
class Paused:
    """A run that waits for a person."""

    run_id: str
    request_id: str
    agent_id: str
    since: int
    """ms since the epoch, like the other."""
    until: int
    """When the first of its calls expires."""
    tools: list[str]
    """Of each call that waits."""
    calls: list[str]
    """Their ids."""


async def paused_runs(visit: Visit) -> list[Paused]:
    """Those about whose calls nobody has decided, the oldest first."""
    approver = visit.parts.executor.sandbox.approver
    return [] if approver is None else _paused(await approver.pending(limit=_MOST))


def _paused(calls: Iterable[Approval]) -> list[Paused]:
    ordered = sorted(calls, key=lambda each: (each.run_id, each.requested_at))
    found = []
    for _, group in groupby(ordered, key=lambda each: each.run_id):
        of_run = list(group)
        found.append(
            Paused(
                run_id=of_run[0].run_id,
                request_id=of_run[0].request_id,
                agent_id=of_run[0].agent_id,
                since=of_run[0].requested_at,
                until=min(each.expires_at for each in of_run),
                tools=[each.tool for each in of_run],
                calls=[each.call_id for each in of_run],
            )
        )
    return sorted(found, key=lambda each: each.since)


async def unfinished(visit: Visit, name: str, agent_id: str | None) -> Page | None:
    """The page of a run that has no record yet; None if nothing is known of it."""
    runs = (await visit.parts.executor.state()).runs
    known: list[Paused | RunState] = [*await paused_runs(visit), *runs]
    found = [
        each for each in known if each.request_id == name and agent_id in (None, each.agent_id)
    ]
    if not found:
        return None
    first = found[0]
    facts = {
        **await _so_far(visit, first),
        "request_id": name,
        "agent_id": first.agent_id,
        "paused": first if isinstance(first, Paused) else None,
        "running": None if isinstance(first, Paused) else first,
        "refresh": _AGAIN,
    }
    return Page("unfinished.html", facts)


async def _so_far(visit: Visit, run: Paused | RunState) -> dict[str, list[Any]]:
    """The code and the calls of a run that waits, as far as they are kept."""
    if not isinstance(run, Paused):
        return {"code": [], "ledger": []}
    done = await visit.parts.executor.so_far(run.run_id)
    if done is None:
        return {"code": [], "ledger": []}
    return {"code": numbered(done.code, {}), "ledger": ledger(done.details, run.calls)[:_CALLS]}
