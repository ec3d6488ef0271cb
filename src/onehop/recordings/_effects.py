"""What the log of a run says that its calls changed, when nothing else does: its server died."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from onehop.decisions import Approval
from onehop.recordings._entries import Made
from onehop.recordings._script import Script


def effects(script: Script, asked: Iterable[Approval]) -> dict[str, Any]:
    """The calls and decisions of a run, as the details of a record have them; ``asked`` is what
    people were asked about it.

    A call that may change something is written down before it is sent. So one that was written
    down and has no answer is ``unknown``, and one that was not written down has changed nothing:
    it is left out, unless people were asked about it.
    """
    questions = {_call_id(each): each for each in asked}
    calls = [_call(script, made, questions) for made in script.made.values() if made.kind == "call"]
    decided = {name: _said(each) for name, each in questions.items() if each.status != "pending"}
    return {"toolCalls": [call for call in calls if call], "toolDecisions": decided}


def _call(script: Script, made: Made, questions: Mapping[str, Approval]) -> dict[str, Any] | None:
    answer, question = script.answers.get(made.number), questions.get(made.call_id)
    if answer is not None:
        return answer.call
    is_sent = script.attempts[made.number] > 0
    if not is_sent and question is None:
        return None
    return {
        "id": made.call_id,
        "tool": made.subject,
        "effect": "write" if question is None else question.effect,
        "rule": None if question is None else question.rule,
        "change": "unknown" if is_sent else "none",
    }


def _call_id(approval: Approval) -> str:
    """Of the call itself: one that may be sent again is asked about by another name."""
    return approval.call_id.partition("_again_")[0]


def _said(approval: Approval) -> dict[str, Any]:
    return {
        "decision": approval.status,
        "by": approval.decided_by,
        "at": approval.decided_at,
        "reason": approval.reason,
    }
