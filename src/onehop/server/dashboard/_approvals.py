"""Calls of tools that wait for a person, by run; and what the person decides."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from starlette.responses import Response

from onehop.errors import ApprovalNotFoundError, InvalidRequestError
from onehop.runs.decisions import Approval, Approve, Decision, Edit, Reject
from onehop.sandbox.approvals import Approvals
from onehop.server._errors import ForbiddenError, NotFoundError
from onehop.server.dashboard._door import field, redirect
from onehop.server.dashboard._tree import tree
from onehop.server.dashboard._visit import Page, Visit

_SHOWN: Final = 100
"""Calls that the page shows, the oldest first."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One call."""

    approval: Approval
    arguments: Any
    """As a tree."""


async def look(visit: Visit) -> Page:
    """What waits now."""
    return await _page(visit)


async def decide(visit: Visit, form: dict[str, str]) -> Page | Response:
    """Approve, edit or deny the calls of a run that the form names: those that the page showed."""
    if not visit.can_decide:
        raise ForbiddenError("only the key of an approver or an admin may decide")
    approver = visit.parts.executor.sandbox.approver
    if approver is None:
        raise NotFoundError("nothing waits: the setting approvals of this server is off")
    run_id = field(form, "runId")
    try:
        decision = _decision(form)
        chosen = field(form, "callId").split()
        await approver.decide(run_id, dict.fromkeys(chosen, decision), visit.principal.holder)
    except InvalidRequestError as error:
        return await _page(visit, str(error), 400)
    except ApprovalNotFoundError:
        return await _page(visit, "this call does not wait any more", 404)
    return redirect(visit, "dashboard/approvals")


def _decision(form: dict[str, str]) -> Decision:
    action = field(form, "action")
    if action == "approve":
        return Approve()
    if action == "reject":
        return Reject(form.get("reason", ""))
    if action == "edit":
        return Edit(_arguments(form.get("arguments", "")))
    raise InvalidRequestError("action", repr(action)[:40], "approve, edit or reject")


def _arguments(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidRequestError(
            "arguments", f"text that is not JSON ({str(error)[:120]})", "a JSON object"
        ) from None
    if not isinstance(found, dict):
        raise InvalidRequestError("arguments", "JSON of another kind", "a JSON object")
    return found


async def _page(visit: Visit, problem: str = "", status: int = 200) -> Page:
    sandbox = visit.parts.executor.sandbox
    approver = sandbox.approver or Approvals(visit.parts.store)
    found = await approver.pending(limit=_SHOWN)
    facts = {
        "runs": _by_run(found),
        "waits": len(found),
        "can_decide": visit.can_decide,
        "is_on": sandbox.approver is not None,
        "hold": approver.hold,
        "problem": problem,
        "refresh": 3,
    }
    return Page("approvals.html", facts, status)


def _by_run(found: Sequence[Approval]) -> list[list[Waiting]]:
    ordered = sorted(found, key=lambda each: (each.run_id, each.requested_at))
    groups = [list(group) for _, group in groupby(ordered, key=lambda each: each.run_id)]
    groups.sort(key=lambda group: group[0].requested_at)
    return [[Waiting(each, tree(json.loads(each.arguments))) for each in group] for group in groups]


async def waiting_count(visit: Visit) -> int:
    """How many calls wait, for the navigation."""
    approver = visit.parts.executor.sandbox.approver
    return 0 if approver is None else len(await approver.pending(limit=_SHOWN))
