"""The calls of one run that wait for people."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from onehop.errors import StoreError, ToolError
from onehop.runs.decisions import Approval, Approve, Decision, Edit, Reject
from onehop.sandbox.calls import Question
from onehop.stores.base import Store
from onehop.tools import Bound

_GATHER: Final = 0.05
"""Seconds in which further calls join those that wait already, to be decided together."""
MOST: Final = 1000
"""Calls of one run that are looked for."""
_LEAST: Final = 0.15
"""Seconds of holding that are left to a question when the run has held its worker long enough."""
_LOOK: Final = 0.25
"""Seconds between two looks at the store: somebody may have decided at another server."""

Hear = Callable[[Approval], None]
Names = tuple[str, str, str]
"""The agent, the channel, and the request."""
Mask = Callable[[Mapping[str, Any]], Any]

_log = logging.getLogger(__name__)


class Holder(Protocol):
    """Keeps a run that waits for people, so that it can go on without its worker."""

    standing: Mapping[str, Approval]
    """What is in the store already of its questions, by call."""

    @property
    def lifetime(self) -> float | None:
        """Seconds that a question waits; None when the run cannot go on without its worker."""
        ...

    async def hold(self, expires_at: int) -> None:
        """From now on the run can go on anywhere; its question expires then. Raises StoreError."""

    def pause(self) -> None:
        """End the worker: the run goes on after a decision."""


def deaf(_approval: Approval) -> None:
    pass


def unmasked(arguments: Mapping[str, Any]) -> Any:
    return arguments


@dataclass(slots=True)
class _Waiting:
    """A call, its tool, and who waits for the decision."""

    approval: Approval
    bound: Bound
    decided: asyncio.Future[Approval]
    lasts: float
    """Seconds from when it is written down until it expires."""
    is_kept: bool = False
    """Whether the store has it."""


class RunAsker:
    """Asks people about the calls of one run; see ``calls.Asker``."""

    def __init__(
        self,
        store: Store,
        hold: float,
        run_id: str,
        names: Names,
        hear: Hear,
        mask: Mask,
        runs: MutableMapping[str, RunAsker],
        holder: Holder | None = None,
    ) -> None:
        self._store = store
        self.hold = hold
        self._run_id = run_id
        self._agent_id, self._channel_id, self._request_id = names
        self._hear = hear
        self._mask = mask
        self._runs = runs
        self._holder = holder
        self._is_pausing = False
        self._waiting: dict[str, _Waiting] = {}
        self._new: list[_Waiting] = []
        self._spent = 0.0
        self._since = 0.0
        self._moved = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    @property
    def patience(self) -> float:
        """See Asker."""
        return self._lifetime or self.hold

    @property
    def _lifetime(self) -> float | None:
        return None if self._holder is None else self._holder.lifetime

    @property
    def waiting(self) -> list[Approval]:
        """What waits now."""
        return [each.approval for each in self._waiting.values()]

    def pause(self) -> None:
        """Let the run go on without its worker, as if its time to hold it were over; in vain for
        one that cannot. What it waits for is in the store first."""
        if self._holder is None or self._lifetime is None:
            return
        self._is_pausing = True
        if any(each.is_kept for each in self._waiting.values()):
            self._holder.pause()

    def look(self) -> None:
        """Somebody has decided here."""
        self._moved.set()

    def bound(self, call_id: str) -> Bound | None:
        """The tool of a call that waits."""
        waiting = self._waiting.get(call_id)
        return None if waiting is None else waiting.bound

    async def ask(self, question: Question) -> Decision | None:
        """What was decided; None if nobody did in time. Raises ToolError if nobody can be asked."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            self._since = loop.time()
        left = self.hold - self._spent - (loop.time() - self._since)
        if self._lifetime is not None:
            left = max(left, _LEAST)  # it is asked, and the run goes on without its worker
        elif left <= _GATHER:  # too little for anybody to be asked in
            return None
        approval = self._standing(question) or self._approval(question)
        if approval.status != "pending":
            self._hear(approval)
            return _decision(approval)
        lasts = self._lifetime or left
        waiting = _Waiting(approval, question.bound, loop.create_future(), lasts)
        self._waiting[question.call_id] = waiting
        self._new.append(waiting)
        self._begin()
        try:
            decided = await self._decided(waiting, left)
        except asyncio.CancelledError:
            if not (self._is_pausing and waiting.is_kept and self._lifetime is not None):
                self._take_back(waiting)
            raise
        finally:
            self._end(question.call_id)
        if decided is None:
            return None
        self._hear(decided)
        return _decision(decided)

    def _standing(self, question: Question) -> Approval | None:
        """What is in the store already. Raises ToolError if that is about another call."""
        standing = None if self._holder is None else self._holder.standing.get(question.call_id)
        if standing is None:
            return None
        asked = question.bound.path, question.arguments_hash
        if (standing.tool, standing.arguments_hash) != asked:
            words = f"what was decided about {question.call_id} is about another call"
            raise ToolError("denied", words, question.bound.path)
        return standing

    async def _lives(self, waiting: _Waiting) -> float:
        """Seconds until a question expires. Raises ToolError."""
        if not waiting.approval.expires_at:
            return waiting.lasts
        try:
            return (waiting.approval.expires_at - await self._store.time()) / 1000
        except StoreError as error:
            raise _unavailable(waiting.approval.tool, error) from None

    async def _decided(self, waiting: _Waiting, left: float) -> Approval | None:
        """What was decided, within the time to hold the worker; then the run ends, or the question
        expires."""
        lives = await self._lives(waiting)
        try:
            async with asyncio.timeout(min(left, lives)):
                return await asyncio.shield(waiting.decided)
        except TimeoutError:
            if self._lifetime is None or lives <= left:
                return await self._expire(waiting)
        self.pause()
        try:  # until the worker ends, where it does
            async with asyncio.timeout(lives - left):
                return await asyncio.shield(waiting.decided)
        except TimeoutError:
            return await self._expire(waiting)

    def _approval(self, question: Question) -> Approval:
        """Without its times, which it gets when it is written down."""
        return Approval(
            run_id=self._run_id,
            call_id=question.call_id,
            tool=question.bound.path,
            effect=question.effect,
            rule=question.rule,
            arguments=json.dumps(self._mask(question.arguments)),
            arguments_hash=question.arguments_hash,
            requested_at=0,
            expires_at=0,
            agent_id=self._agent_id,
            channel_id=self._channel_id,
            request_id=self._request_id,
        )

    def _begin(self) -> None:
        self._runs[self._run_id] = self
        loop = asyncio.get_running_loop()
        if self._work is None or self._work.done():
            self._work = loop.create_task(self._watch())
        else:
            loop.call_later(_GATHER, self._moved.set)

    def _end(self, call_id: str) -> None:
        del self._waiting[call_id]
        if not self._waiting:
            self._spent += asyncio.get_running_loop().time() - self._since
            self._runs.pop(self._run_id, None)
            if self._work is not None:
                self._work.cancel()
                self._work = None

    async def _watch(self) -> None:
        """Write down what waits, and look what was decided, as long as something waits."""
        await asyncio.sleep(_GATHER)
        while self._waiting:
            await self._write()
            self._moved.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK):
                    await self._moved.wait()
            await self._read()

    async def _write(self) -> None:
        new, self._new = self._new, []
        new = [each for each in new if not each.decided.done()]
        if not new:
            return
        known = {} if self._holder is None else self._holder.standing
        added = [each for each in new if each.approval.call_id not in known]
        try:
            await self._stamp(added)
            if self._holder is not None and self._lifetime is not None:
                await self._holder.hold(min(each.approval.expires_at for each in new))
            await self._store.add_approvals([each.approval for each in added])
        except StoreError as error:
            for each in new:
                _fail(each, error)
            return
        for each in added:
            self._hear(each.approval)
        for each in new:
            each.is_kept = True
        if self._is_pausing:
            self.pause()

    async def _stamp(self, added: Sequence[_Waiting]) -> None:
        """Their times, by the store's clock, for any server may go on. Raises StoreError."""
        if not added:
            return
        now = await self._store.time()
        for each in added:
            until = now + int(each.lasts * 1000)
            each.approval = replace(each.approval, requested_at=now, expires_at=until)

    async def _read(self) -> None:
        try:
            known = await self._store.approvals(run_id=self._run_id, limit=MOST)
        except StoreError as error:  # it may be back before the time is over
            _log.info("decisions about the run %s are not known now: %s", self._run_id, error)
            return
        for each in known:
            waiting = self._waiting.get(each.call_id)
            if waiting is not None and each.status != "pending" and not waiting.decided.done():
                waiting.decided.set_result(each)

    async def _expire(self, waiting: _Waiting) -> Approval | None:
        """Nobody decided in time, unless somebody just did: the store knows. None for what was not
        written down in time."""
        asked = waiting.approval
        try:
            now = await self._store.time()
            return await self._store.decide_approval(
                asked.run_id, asked.call_id, "expired", by=None, now=now
            )
        except StoreError as error:
            raise _unavailable(asked.tool, error) from None

    def _take_back(self, waiting: _Waiting) -> None:
        """The run has ended: nothing is left to decide."""
        task = asyncio.get_running_loop().create_task(self._expire(waiting))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())


def _decision(standing: Approval) -> Decision | None:
    match standing.status:
        case "approved":
            return Approve()
        case "edited":
            return Edit(json.loads(standing.edited or "{}"))
        case "denied":
            return Reject(standing.reason or "")
    return None


def _fail(waiting: _Waiting, error: StoreError) -> None:
    if not waiting.decided.done():
        waiting.decided.set_exception(_unavailable(waiting.approval.tool, error))


def _unavailable(tool: str, why: object) -> ToolError:
    _log.warning("nobody can be asked about %s: %s", tool, why)
    words = f"nobody can be asked about {tool} now: the host cannot keep the question"
    return ToolError("unavailable", words, tool, retryable=True)
