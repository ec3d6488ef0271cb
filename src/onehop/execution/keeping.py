"""Keeps runs that may have to wait for a person, so that they go on without their worker."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math
import os
import socket
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import platformdirs

from onehop.errors import (
    ConfigError,
    MissingExtraError,
    NotReplayableError,
    SealedError,
    StoreError,
)
from onehop.runs.decisions import pending
from onehop.runs.kept import KeptRun, RunChange
from onehop.runs.later import paused
from onehop.runs.ledger import AGAIN
from onehop.sandbox.recordings import (
    SETTING,
    START,
    KeyFile,
    LostRunError,
    Program,
    Recording,
    RunLog,
    Script,
    Sealer,
    Tape,
    edited_arguments,
    effects,
    ended,
    given_key,
    open_program,
    read_script,
    unmet_calls,
)
from onehop.types import ExecutionResult, PendingApproval, ToolCall, code_hash

if TYPE_CHECKING:
    from onehop.config import RecordingConfig
    from onehop.execution._run import Run
    from onehop.requests import CheckedRequest
    from onehop.runs.callers import Caller
    from onehop.runs.decisions import Approval
    from onehop.sandbox.approvals import RunAsker
    from onehop.sandbox.calls import Grant
    from onehop.stores.base import Store

LEASE: Final = 10.0
"""Seconds that a run stays its server's without a word from it."""
_RENEW: Final = LEASE / 3
_MOST: Final = 1000
"""Calls of one run that wait."""
DAY: Final = 86_400_000
_LOOKED_AT: Final = 10
"""Runs whose key is looked at when the key is first used."""
_GONE: Final = (
    "and the store keeps runs that were sealed with it: put it back from a copy, or give each "
    "server of the store the same key. With a new one in ONEHOP_RECORDING_KEY, these runs neither "
    "go on nor can be replayed"
)

_log = logging.getLogger(__name__)


class Keeper:
    """Begins to keep runs, and takes up again what was kept.

    ``store``, open, keeps them as ``config`` says; a question lives ``lifetime`` seconds. With a
    ``store`` that is this process's memory the key is of this process too.
    """

    def __init__(self, store: Store, config: RecordingConfig, lifetime: float) -> None:
        self.store = store
        self.config = config
        self.lifetime = lifetime
        self.owner = f"{socket.gethostname()[:60]}:{os.getpid()}:{os.urandom(4).hex()}"
        self._sealer: Sealer | None = None
        self._closed = "ONEHOP_RECORDING is off" if config.runs == "off" else None
        """Why nothing can be kept or opened here."""
        self._is_prepared = False
        self.brought: dict[str, Grant] = {}
        """What runs have brought that no other process can give them, by their ids."""

    @property
    def sealer(self) -> Sealer | None:
        """None when nothing can be kept or opened here. Raises ConfigError for a key that cannot be
        used. It never makes one: ``prepare`` does."""
        if self._sealer is None and self._closed is None:
            try:
                key = self._key()
                self._sealer = None if key is None else Sealer(key)
            except MissingExtraError as error:
                _log.warning("runs cannot be paused, and expire when they are held: %s", error)
                self._closed = str(error)
        return self._sealer

    async def prepare(self) -> None:
        """Have the key, or make one for a store that keeps nothing sealed yet. Raises ConfigError
        for one that is gone or cannot be used, and StoreError."""
        if self._is_prepared or self._closed is not None:
            return
        if self.sealer is None and self._closed is None:
            if await self.store.kept_runs(limit=1):
                raise ConfigError(SETTING, f"{self._file.path} is gone, {_GONE}")
            self._sealer = Sealer(self._file.make())
        await self._warn_of_others()
        self._is_prepared = True

    def _key(self) -> bytes | None:
        given = self.config.key
        if given is not None:
            return given_key(given.get_secret_value())
        if self.store.url.startswith("memory:"):
            return os.urandom(32)
        return self._file.read()

    @cached_property
    def _file(self) -> KeyFile:
        return KeyFile(
            Path(platformdirs.user_data_path("onehop", appauthor=False)) / "recording.key"
        )

    async def _warn_of_others(self) -> None:
        """Of runs that nobody with this key can open. Raises StoreError."""
        if (sealer := self.sealer) is None:
            return
        found = await self.store.kept_runs(limit=_LOOKED_AT)
        others = [each for each in found if not sealer.is_ours(each.program)]
        if others:
            place = self._file.path if self.config.key is None else "ONEHOP_RECORDING_KEY"
            _log.warning(
                "%d of the %d newest runs that the store keeps were sealed with another key than "
                "that of %s: here they neither go on nor are replayed (%s)",
                len(others),
                len(found),
                place,
                ", ".join(each.request_id[:80] for each in others),
            )

    def wants(self, grant: Grant, can_ask: bool) -> bool:
        """Whether a run with this grant is to be kept."""
        return self.config.runs == "all" or (self.config.runs == "asks" and can_ask and grant.asks)

    def begin(self, run: Run, names: list[str] | None, rules: list[Any]) -> Keeping:
        """Keep a run from its start; in memory, until it must be written down."""
        sealer, grant = self.sealer, run.grant
        assert sealer is not None  # noqa: S101 - else nothing is kept
        assert grant is not None  # noqa: S101
        request = run.checked.request
        program = Program(
            arguments=run.arguments,
            code=request.code,
            digest=code_hash(request.code),
            catalogue=grant.catalogue.names_json().decode(),
            limits=grant.limits_json,
            seed=int.from_bytes(os.urandom(6)) if request.seed is None else request.seed,
            clock=time.time_ns() // 1_000_000 if request.clock is None else request.clock,
            still=request.clock is not None,
            isolation=run.checked.isolation,
            conversation=run.caller.conversation,
            names=names,
            rules=rules,
            executed_at=run.executed_at,
        )
        kept = KeptRun(
            run_id=run.run_id,
            request_id=run.caller.request_id,
            agent_id=run.caller.agent_id,
            channel_id=run.caller.channel_id,
            code_hash=run.digest,
            owner=self.owner,
            lease_until=_now() + int(LEASE * 1000),
            created_at=run.executed_at,
            program=program.seal(run.run_id, sealer),
        )
        log = RunLog(self.store, sealer, kept, self.config.max_size << 20)
        return Keeping(self, program, log, Script(), run.grant)

    async def open(self, kept: KeptRun) -> tuple[Program, Script]:
        """What was kept of a run. Raises ConfigError, SealedError and StoreError."""
        sealer = self.sealer
        if sealer is None:
            raise SealedError(self._closed or f"{self._file.path} is not there, which has the key")
        program = open_program(kept.run_id, kept.program, sealer)
        parts = await self.store.run_parts(kept.run_id)
        # Up to max_size of it, which the event loop does not wait for.
        script = await asyncio.to_thread(read_script, kept.run_id, parts, sealer, kept.head)
        if kept.fence > 1 and script.place == START:  # it was written down before it could wait
            raise SealedError("what is kept of the run is missing")
        return program, script

    async def effects(self, kept: KeptRun) -> dict[str, Any]:
        """What its log says of its calls, as the details of a record have it. Raises SealedError
        and StoreError."""
        _program, script = await self.open(kept)
        return await self.effects_of(kept, script)

    async def effects_of(self, kept: KeptRun, script: Script | None) -> dict[str, Any]:
        """The same of a log that is open; of one that cannot be read, only what people decided.
        Raises StoreError."""
        asked = await self.store.approvals(run_id=kept.run_id, limit=_MOST)
        if script is None:
            return {**effects(Script(), asked), "callsMissing": True}
        return effects(script, asked)

    async def again(
        self, kept: KeptRun, program: Program, script: Script, grant: Grant | None
    ) -> Keeping:
        """Go on with a run that was claimed. Raises StoreError."""
        sealer = self.sealer
        assert sealer is not None  # noqa: S101 - else it would not have been opened
        most = self.config.max_size << 20
        log = RunLog(self.store, sealer, kept, most, script.place, script.size)
        keeping = Keeping(self, program, log, script, grant)
        found = await self.store.approvals(run_id=kept.run_id, limit=_MOST)
        keeping.standing = {each.call_id: each for each in found}
        keeping.tape.edited = edited_arguments(found)
        keeping.watch()
        return keeping

    async def lease(self) -> int:
        """Until when a run that is this server's now stays so, by the store's clock. Raises
        StoreError."""
        return await self.store.time() + int(LEASE * 1000)

    async def expire(self, run_id: str) -> None:
        """Nothing is left to decide about a run. Raises StoreError."""
        for each in await self.store.approvals(run_id=run_id, status="pending", limit=_MOST):
            now = await self.store.time()
            await self.store.decide_approval(run_id, each.call_id, "expired", by=None, now=now)

    async def bury(self, kept: KeptRun) -> None:
        """A claimed run goes on no more, and cannot be replayed. Raises StoreError."""
        over = RunChange(phase="ended", lease_until=0, keep_until=_now(), replayable=False)
        await self.store.change_run(kept.run_id, kept.fence, over)
        await self.expire(kept.run_id)

    async def recording(self, request_id: str, agent_id: str | None) -> Recording:
        """Of a run that has ended. Raises NotReplayableError that says why there is none."""
        found = await self.store.kept_runs(request_id=request_id, agent_id=agent_id, limit=1)
        if not found:
            raise NotReplayableError(await self._why_none(request_id, agent_id))
        kept = found[0]
        if kept.phase != "ended":
            raise NotReplayableError(f"the run {request_id!r:.80} has not ended: {kept.phase}")
        if not kept.replayable:
            most = self.config.max_size
            raise NotReplayableError(
                f"the run {request_id!r:.80} was answered more than is kept of one ({most} MB)"
            )
        try:
            program, script = await self.open(kept)
        except SealedError as error:
            words = f"what the run {request_id!r:.80} was answered cannot be opened: {error}"
            raise NotReplayableError(words) from None
        return Recording(program, tuple(script.entries))

    async def _why_none(self, request_id: str, agent_id: str | None) -> str:
        """Why the answers of a run are not there."""
        if await self.store.get(request_id, agent_id) is None:
            return f"no run {request_id!r:.80} is kept"
        return (
            f"what the run {request_id!r:.80} was answered is not kept: usually only runs that may "
            f"have to ask a person are, for {self.config.keep_days} days after their end; with "
            "ONEHOP_RECORDING=all, every run that may call tools is"
        )

    async def paused(self, request_id: str, agent_id: str) -> ExecutionResult | None:
        """The result of a run of this name that waits for people; None when there is none."""
        found = await self.kept(request_id, agent_id)
        return await self.result_of(found) if found is not None and found.is_waiting else None

    async def kept(self, request_id: str, agent_id: str) -> KeptRun | None:
        """What is kept of the latest run of this name. Raises StoreError."""
        found = await self.store.kept_runs(request_id=request_id, agent_id=agent_id, limit=1)
        return found[0] if found else None

    async def has_ended(self, caller: Caller) -> bool:
        """Whether a run of this name was kept and has ended, also on another server. Raises
        StoreError."""
        found = await self.store.kept_runs(
            request_id=caller.request_id, agent_id=caller.agent_id, limit=1
        )
        return bool(found) and found[0].phase == "ended"

    async def result_of(self, kept: KeptRun) -> ExecutionResult:
        """What is known of a run that waits."""
        waiting = await self.waiting(kept.run_id)
        return paused(kept.code_hash, kept.request_id, waiting)

    async def waiting(self, run_id: str) -> list[PendingApproval]:
        """What people must decide about a run."""
        found = await self.store.approvals(run_id=run_id, status="pending", limit=_MOST)
        now = await self.store.time()
        return [pending(each) for each in found if each.expires_at > now]


class Keeping:
    """One run that is kept; see ``approvals.Holder``."""

    def __init__(
        self, keeper: Keeper, program: Program, log: RunLog, script: Script, grant: Grant | None
    ) -> None:
        self._keeper = keeper
        self.program = program
        self.log = log
        self._grant = grant
        self.tape = Tape(log, script, schema_of=self._schema_of, still=program.still)
        self.standing: Mapping[str, Approval] = {}
        self.before_hold: Callable[[], Awaitable[None]] | None = None
        """Called once when the store has taken the run over from the journal."""
        self.asker: RunAsker | None = None
        self.raw: ExecutionResult | None = None
        """As the worker gave it."""
        self._asked: set[str] = set()
        self._expires_at = 0
        self._ours_until = math.inf
        """By the monotonic clock: from then on another server may have gone on with it."""
        self._renewing: asyncio.Task[None] | None = None

    def checked(self, checked: CheckedRequest) -> CheckedRequest:
        """The request with what was fixed for it."""
        program = self.program
        fixed = {"seed": program.seed, "clock": program.clock}
        request = checked.request.model_copy(update=fixed)
        moves: Any = "timers" if program.still else "all"
        return dataclasses.replace(checked, request=request, moves=moves)

    def _schema_of(self, namespace: str, member: str) -> str:
        if self._grant is None:
            return ""
        bound = self._grant.find(namespace, member)
        return "" if bound is None else bound.fingerprint

    @property
    def decided(self) -> dict[str, Approval]:
        """What people have said about its calls before, by the calls' ids."""
        found = self.standing.items()
        return {name: each for name, each in found if each.status != "pending"}

    @property
    def settled(self) -> list[Approval]:
        """The decisions that nobody asks for again: of calls that were sent, or may have been."""
        script = self.tape.script
        sent = [each for each in script.made.values() if script.was_sent(each)]
        open_ids = {
            f"{each.call_id}{AGAIN}{script.attempts[each.number]}"
            for each in sent
            if each.number not in script.answers
        }
        ids = {each.call_id for each in sent}
        return [
            each
            for name, each in self.decided.items()
            if name.partition(AGAIN)[0] in ids and name not in open_ids
        ]

    def with_unmet(self, calls: list[ToolCall]) -> list[ToolCall]:
        """The ``calls`` that the run has made, with those that it had made before and has not asked
        for again, in their order."""
        met = {each.id for each in calls}
        unmet = unmet_calls(self.tape.script, self.standing.values(), met)
        if not unmet:
            return calls
        return sorted([*calls, *unmet], key=lambda call: int(call.id.rpartition("_")[2]))

    # --- while it waits for people ---

    @property
    def lifetime(self) -> float | None:
        """See Holder."""
        return self._keeper.lifetime if self.log.is_whole else None

    async def hold(self, expires_at: int) -> None:
        """See Holder."""
        first = not self._expires_at
        self._expires_at = min(expires_at, self._expires_at or expires_at)
        try:
            await self.log.keep()
            phase: Any = "held" if self.log.run.fence == 1 else None
            await self._extend(phase=phase, expires_at=self._expires_at)
        except LostRunError:
            self.tape.stop("lost")
            return
        self.watch()
        if first and self.before_hold is not None:
            await self.before_hold()

    def pause(self) -> None:
        """See Holder."""
        if self.asker is not None:
            self._asked = {each.call_id for each in self.asker.waiting}
        self.tape.stop("paused")

    def watch(self) -> None:
        """Keep the run this server's."""
        if self._renewing is None:
            self._renewing = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW)
            try:
                await self._extend()
            except LostRunError:
                self.tape.stop("lost")
                return
            except StoreError as error:  # a call that changes something is not sent meanwhile
                _log.info("the run %s cannot be held now: %s", self.log.run.run_id, error)

    async def _extend(self, **more: Any) -> None:
        """It is this server's for another lease. Raises StoreError and LostRunError."""
        asked = time.monotonic()
        await self.log.change(RunChange(lease_until=await self._keeper.lease(), **more))
        self._ours_until = asked + LEASE

    # --- at its end ---

    @property
    def is_kept(self) -> bool:
        """Whether the store has the run."""
        return self.log.is_kept

    async def put_down(self) -> None:
        """The worker has ended, and the run goes on after a decision: also one that came while it
        ended. Raises StoreError and LostRunError.

        While nobody knows whether one came the run is ``resuming``: if this process ends then,
        another one looks. A decision that comes later wakes the run by itself.
        """
        await self._stop_watching()
        await self.log.aclose()
        lease = await self._keeper.lease()
        await self.log.change(RunChange(phase="resuming", lease_until=lease, wake=False))
        asked = await self._keeper.store.approvals(run_id=self.log.run.run_id, limit=_MOST)
        waits = any(each.status == "pending" for each in asked)
        wake = None if waits and not any(map(self._is_news, asked)) else True
        await self.log.change(RunChange(phase="paused", lease_until=0, wake=wake))

    def _is_news(self, approval: Approval) -> bool:
        """Whether it was decided while the worker ended."""
        return approval.status != "pending" and approval.call_id in self._asked

    async def is_ours(self) -> bool:
        """Whether the run is still this server's. While the store does not answer it is, until
        the lease is over: from then on another server may have gone on with it."""
        if not self.log.is_kept:
            return True
        try:
            await self._extend()
        except LostRunError:
            return False
        except StoreError as error:
            _log.info("nobody can say whose the run %s is now: %s", self.log.run.run_id, error)
            return time.monotonic() < self._ours_until
        return True

    async def finish(self, result: ExecutionResult) -> None:
        """The run has ended: keep it for as long as the settings say, or not at all."""
        await self._stop_watching()
        if not self.log.is_kept and self._keeper.config.runs != "all":
            return
        with suppress(StoreError, LostRunError):
            self.log.add(ended(result))
            if self.log.is_whole or self.log.is_kept:
                await self.log.keep()
            until = _now() + self._keeper.config.keep_days * DAY
            whole = self.log.is_whole
            await self.log.change(
                RunChange(phase="ended", lease_until=0, keep_until=until, replayable=whole)
            )
            await self._keeper.expire(self.log.run.run_id)

    async def leave(self) -> None:
        """The run is somebody else's, or is given up."""
        await self._stop_watching()

    async def _stop_watching(self) -> None:
        renewing, self._renewing = self._renewing, None
        if renewing is not None:
            renewing.cancel()
            await asyncio.wait([renewing])


def _now() -> int:
    return time.time_ns() // 1_000_000
