"""What the log of a run says that its calls changed, when nothing else does: its server died, or
the code did not ask for them again."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from onehop.runs.ledger import AGAIN
from onehop.sandbox.recordings._entries import Made, call_of
from onehop.types import Effect, ToolCall

if TYPE_CHECKING:
    from onehop.runs.decisions import Approval
    from onehop.sandbox.recordings._script import Script


def effects(script: Script, asked: Iterable[Approval]) -> dict[str, Any]:
    """The calls and decisions of a run, as the details of a record have them; ``asked`` is what
    people were asked about it."""
    asked = list(asked)
    calls = [each.model_dump(by_alias=True) for each in unmet_calls(script, asked)]
    decided = {each.call_id: said(each) for each in asked if each.status != "pending"}
    return {"toolCalls": calls, "toolDecisions": decided}


def unmet_calls(
    script: Script, asked: Iterable[Approval], met: Collection[str] = ()
) -> list[ToolCall]:
    """The calls of a run, but those whose ids were ``met`` again.

    A call that may change something is written down before it is sent. So one that was written
    down and has no answer is ``unknown``, and one that was not written down has changed nothing:
    it is left out, unless people were asked about it.
    """
    questions = {_call_id(each): each for each in _in_order(asked)}
    calls = (each for each in script.made.values() if each.kind == "call")
    found = [_call(script, made, questions) for made in calls if made.call_id not in met]
    return [call for call in found if call is not None]


def edited_arguments(asked: Iterable[Approval]) -> dict[str, Mapping[str, Any]]:
    """What people gave instead of the code's arguments, the latest of each call, by its id."""
    edits = [(_call_id(each), each.edited) for each in _in_order(asked) if each.status == "edited"]
    return {call_id: json.loads(text) for call_id, text in edits if text is not None}


def said(approval: Approval) -> dict[str, Any]:
    """Who decided what, and when."""
    return {
        "decision": approval.status,
        "by": approval.decided_by,
        "at": approval.decided_at,
        "reason": approval.reason,
    }


def _call(script: Script, made: Made, questions: Mapping[str, Approval]) -> ToolCall | None:
    answer, question = script.answers.get(made.number), questions.get(made.call_id)
    if answer is not None and (known := call_of(answer)) is not None:
        return known
    is_sent = script.attempts[made.number] > 0
    if not is_sent and question is None:
        return None
    return ToolCall(
        id=made.call_id,
        tool=made.subject,
        outcome="unknown" if is_sent else "cancelled",
        effect=_effect(script, made, question),
        duration=0,
        queued=0,
        bytes_in=0,
        bytes_out=0,
        arguments_hash="" if question is None else question.arguments_hash,
        rule=None if question is None else question.rule,
        change="unknown" if is_sent else "none",
    )


def _effect(script: Script, made: Made, question: Approval | None) -> Effect:
    """What its tool was said to do when it was sent, or when people were asked about it."""
    asked = "write" if question is None else question.effect
    return script.effects.get(made.number, asked)


def _in_order(asked: Iterable[Approval]) -> list[Approval]:
    return sorted(asked, key=lambda each: each.requested_at)


def _call_id(approval: Approval) -> str:
    """Of the call itself: one that may be sent again is asked about by another name."""
    return approval.call_id.partition(AGAIN)[0]
