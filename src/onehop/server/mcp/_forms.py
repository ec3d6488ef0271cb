"""The form that a client shows its person about calls of tools, and what was filled in; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import mcp_types as types

from onehop.runs.decisions import Approval, Approve, Decision, Reject

MOST: Final = 10
"""Calls in one form."""
_LONGEST: Final = 2000
"""Characters that are shown of the arguments of one call."""
_REASON: Final = 500
_REASON_FIELD: Final = "reason"


def form_of(approvals: Sequence[Approval]) -> types.ElicitRequestFormParams:
    """What a person is asked. Arguments are JSON in ASCII: nothing in them starts a line, or turns
    the direction of the text around."""
    calls = "\n".join(f"{each.call_id}: {_shown(each)}" for each in approvals)
    message = (
        "Code of an agent wants to make these calls, and a rule wants a person to decide. Approve "
        f"only what you want to happen; arguments come from the code.\n{calls}"
    )
    fields: dict[str, Any] = {each.call_id: _field(each) for each in approvals}
    fields[_REASON_FIELD] = {
        "type": "string",
        "title": "Why not",
        "description": "The code reads it with a call that you deny",
        "maxLength": _REASON,
    }
    schema = {
        "type": "object",
        "properties": fields,
        "required": [each.call_id for each in approvals],
    }
    return types.ElicitRequestFormParams(message=message, requested_schema=schema)


def _shown(approval: Approval) -> str:
    text = json.dumps(json.loads(approval.arguments))
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]} … and {len(text) - _LONGEST} characters that are not shown"
    return f"{json.dumps(approval.tool)[1:-1]} ({approval.effect}) {text}"


def _field(approval: Approval) -> dict[str, Any]:
    return {
        "type": "string",
        "title": f"{approval.call_id}: {json.dumps(approval.tool)[1:-1]} ({approval.effect})",
        "enum": ["approve", "deny"],
    }


def decisions_of(answer: types.ElicitResult, asked: Sequence[str]) -> dict[str, Decision]:
    """By the ids of the calls that were ``asked`` about. What was dismissed, or answered with
    anything but the two words, is not decided."""
    if answer.action == "decline":
        return {call_id: Reject("a person declined at the client") for call_id in asked}
    if answer.action != "accept":
        return {}
    content: Mapping[str, Any] = answer.content or {}
    reason = content.get(_REASON_FIELD)
    why = reason[:_REASON] if isinstance(reason, str) else ""
    known: dict[str, Decision] = {"approve": Approve(), "deny": Reject(why)}
    words = {call_id: content.get(call_id) for call_id in asked}
    return {
        call_id: known[word]
        for call_id, word in words.items()
        if isinstance(word, str) and word in known
    }
