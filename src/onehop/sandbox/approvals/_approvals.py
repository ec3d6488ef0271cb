"""What waits for a person, and the decisions about it: the first one stands."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from onehop.errors import ApprovalNotFoundError, InvalidRequestError, ToolError
from onehop.runs.decisions import Approval, ApprovalStatus, Approve, Decision, Edit, Reject
from onehop.sandbox.approvals._waiting import MOST, Hear, Holder, Mask, RunAsker, deaf, unmasked
from onehop.stores.base import Store
from onehop.tools import Bound, shown_at

Find = Callable[[str], "Bound | None"]
"""The tool of a path."""
_LONGEST: Final = 256
"""Characters of the name of somebody who decides."""
_REASON: Final = 2000
_EDITED: Final = 1 << 20
"""Bytes of arguments that a person gives."""

_KINDS: Final = {
    **{name: f"a {name}" for name in ("string", "number", "boolean")},
    "integer": "an integer",
    "object": "an object",
    "array": "a list",
}
"""Types of JSON in plain words."""


class Approvals:
    """Asks for decisions about the calls of runs, and takes them.

    ``store``, open, keeps what waits, for every process that shares it. A run waits ``hold``
    seconds in all; then what nobody decided has expired. ``find`` gives the tools that are here.
    With ``clients_decide`` the person at the agent's own MCP client may decide.
    """

    def __init__(
        self,
        store: Store,
        hold: float = 30.0,
        find: Find = lambda _path: None,
        *,
        clients_decide: bool = False,
    ) -> None:
        self.store = store
        self.clients_decide = clients_decide
        self.hold = hold
        self.find = find
        self._runs: dict[str, RunAsker] = {}
        self._listeners: list[Callable[[], None]] = []

    def asker(
        self,
        run_id: str,
        *,
        agent_id: str = "",
        channel_id: str = "",
        request_id: str = "",
        hear: Hear = deaf,
        mask: Mask = unmasked,
        holder: Holder | None = None,
        hold: float | None = None,
    ) -> RunAsker:
        """Asks about the calls of one run. ``hear`` hears of what waits and what was decided;
        ``mask`` gives arguments as they may be shown. With a ``holder`` the run goes on without its
        worker after ``hold`` seconds."""
        names = agent_id, channel_id, request_id
        held = self.hold if hold is None else hold
        return RunAsker(self.store, held, run_id, names, hear, mask, self._runs, holder)

    def on_decided(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever something was decided here."""
        self._listeners.append(listener)

    def pause(self) -> None:
        """Let every run that waits go on without its worker, as far as it can."""
        for asker in list(self._runs.values()):
            asker.pause()

    async def pending(
        self, *, run_id: str | None = None, agent_id: str | None = None, limit: int = 100
    ) -> list[Approval]:
        """What waits now, the oldest first."""
        found = await self.store.approvals(
            run_id=run_id, agent_id=agent_id, status="pending", limit=limit
        )
        now = await self.store.time()
        return [each for each in found if each.expires_at > now]

    async def decide(
        self, run_id: str, decisions: Mapping[str, Decision], by: str
    ) -> dict[str, Approval]:
        """Decide about calls of a run, by their ids; gives what stands of each.

        A decision that was made before stays. Nothing is decided if one of them is wrong: raises
        InvalidRequestError, also for arguments that the tool does not take, and
        ApprovalNotFoundError.
        """
        _check_text("by", by, _LONGEST, least=1)
        known = {
            each.call_id: each for each in await self.store.approvals(run_id=run_id, limit=MOST)
        }
        chosen = [
            (call_id, await self._checked(known, run_id, call_id, decision))
            for call_id, decision in _given(decisions).items()
        ]
        now = await self.store.time()
        stand = {
            call_id: await self.store.decide_approval(run_id, call_id, by=by, now=now, **values)
            for call_id, values in chosen
        }
        if (asker := self._runs.get(run_id)) is not None:
            asker.look()
        for listener in self._listeners:
            listener()
        return {call_id: each for call_id, each in stand.items() if each is not None}

    async def _checked(
        self, known: Mapping[str, Approval], run_id: str, call_id: str, decision: Any
    ) -> dict[str, Any]:
        if call_id not in known:
            raise ApprovalNotFoundError(f"there is no call {call_id!r:.80} of a run {run_id!r:.80}")
        if isinstance(decision, Approve):
            return {"status": _status("approved")}
        if isinstance(decision, Reject):
            _check_text("reason", decision.reason, _REASON)
            return {"status": _status("denied"), "reason": decision.reason or None}
        if isinstance(decision, Edit):
            text = await self._edited(known[call_id], decision)
            return {"status": _status("edited"), "edited": text}
        raise InvalidRequestError(call_id, f"{decision!r:.80}", "Approve, Edit or Reject")

    async def _edited(self, approval: Approval, edit: Edit) -> str:
        try:
            text = json.dumps(dict(edit.arguments), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequestError("arguments", str(error)[:80], "a JSON object") from None
        if len(text) > _EDITED:
            raise InvalidRequestError("arguments", f"{len(text)} bytes", f"at most {_EDITED} bytes")
        bound = self._bound(approval)
        try:
            await bound.check_large(json.loads(text))
        except ToolError as error:
            raise _unfit(json.loads(text), error) from None
        return text

    def _bound(self, approval: Approval) -> Bound:
        asker = self._runs.get(approval.run_id)
        bound = asker.bound(approval.call_id) if asker is not None else None
        if bound is None:
            bound = self.find(approval.tool)
        if bound is None:
            allowed = "approved or denied here: edit it at a server that has the tool"
            raise InvalidRequestError("arguments", f"others for {approval.tool}", allowed)
        return bound


def _unfit(arguments: dict[str, Any], error: ToolError) -> InvalidRequestError:
    """Which argument, what it was, and what it may be."""
    if error.field is None:
        return InvalidRequestError("arguments", "others than the tool takes", str(error))
    place, said = f"arguments.{error.field}", str(error).removeprefix(f"{error.tool}: ")
    if said.startswith(f"{error.field} is unknown"):
        names = ", ".join(name.rstrip("*") for name in error.parameters or ())
        allowed = error.expected or f"one of {names}"
        return InvalidRequestError(place, "an unknown field", allowed)
    expected = error.expected or said
    got = "nothing"
    if not said.startswith(f"{error.field} is missing"):
        got = shown_at(arguments, error.field) or "another value"
    return InvalidRequestError(place, got, _KINDS.get(expected, expected))


def _status(status: ApprovalStatus) -> ApprovalStatus:
    return status


def _given(decisions: Any) -> Mapping[str, Decision]:
    if not isinstance(decisions, Mapping) or not decisions:
        allowed = "a decision for each call, by the call's id"
        raise InvalidRequestError("decisions", f"{decisions!r:.80}", allowed)
    return decisions


def _check_text(name: str, text: Any, most: int, least: int = 0) -> None:
    if not isinstance(text, str) or not least <= len(text) <= most:
        raise InvalidRequestError(name, f"{text!r:.80}", f"{least} to {most} characters")
