"""The runs that callers have named: here, elsewhere, paused, or on record.

A request id names one run of its agent. Anyone who asks for it again gets what that run gives.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic_core import to_json

from onehop.errors import StoreUnavailableError
from onehop.execution import _outcomes
from onehop.execution._claims import Claims
from onehop.execution._repeats import Repeats
from onehop.records import ExecutionRecord
from onehop.runs.kept import KeptRun
from onehop.runs.later import still_running

if TYPE_CHECKING:
    from onehop.audit.recorder import Recorder
    from onehop.execution._run import Run
    from onehop.execution.keeping import Keeper
    from onehop.runs.callers import Caller
    from onehop.runs.states import RunState
    from onehop.stores.base import Store
    from onehop.stores.leases import Leases
    from onehop.types import ExecutionResult

_UNKNOWN_NAME: Final = (
    "nobody can look whether this request id has run before, and the code may call tools that "
    "change something"
)
_REPEATED: Final = "this request id had run already, so that this run is kept as a repeat of that"
_NOTED: Final = 1000
"""Repeats that are remembered until their result is returned."""
_FRESH: Final = 1.0
"""Seconds that the store has to take what has just ended, before it is asked for it."""
_ARRIVAL: Final = 5.0
"""Seconds that the record of a run takes at most, from another server's journal to the store."""
_PAUSE_LOOK: Final = 0.25
"""Seconds between two looks at a paused run that somebody waits for: it may go on elsewhere."""
_SILENT: Final = 1.0
"""Seconds in which a store that did not answer is not asked for claims again."""

_log = logging.getLogger(__name__)


class Names:
    """Finds the run that a request id names, among those in flight, those that ``keeper`` knows to
    be paused, those that ``recorder`` knows to have ended, and with ``leases``, those of other
    servers on ``store``."""

    def __init__(
        self,
        store: Store | None,
        recorder: Recorder | None,
        keeper: Keeper | None,
        leases: Leases | None,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._keeper = keeper
        self._claims = None if leases is None else Claims(leases)
        self._repeats = Repeats()
        self._repeated: OrderedDict[str, None] = OrderedDict()
        self._flying: dict[str, Run] = {}
        """In flight, by their own ids."""
        self._asked_in_vain = float("-inf")
        if recorder is not None:
            recorder.on_repeat(self._note_repeat)
            if self._claims is not None:
                recorder.on_taken(self._claims.taken)

    @property
    def runs(self) -> tuple[RunState, ...]:
        """Where each run in flight is."""
        return tuple(run.state for run in self._flying.values())

    def is_flying(self, run_id: str) -> bool:
        """Whether a run is in flight here."""
        return run_id in self._flying

    async def ended(self, timeout: float) -> None:
        """Wait until nothing is in flight, for ``timeout`` seconds at most."""
        await self._repeats.ended(timeout)

    # --- a run of this server ---

    @contextmanager
    def flight(self, run: Run) -> Iterator[None]:
        """From now on a run of this name is in flight. What is raised before it ends frees the
        name; those who ask for the run hear of its end, whatever that is."""
        run.promise = self._repeats.begin(run.caller)
        self._flying[run.run_id] = run
        try:
            yield
        except BaseException as error:
            self._repeats.fail(run.caller, run.promise, error)
            if not run.ending:
                self.release(run.caller)
            raise
        finally:
            if self._flying.get(run.run_id) is run:
                del self._flying[run.run_id]

    def resolve(self, run: Run, result: ExecutionResult, size: int) -> None:
        """It has ended, or waits for people: anyone who asks for it gets ``result``, which holds
        about ``size`` bytes."""
        assert run.promise is not None  # noqa: S101 - it is in flight
        self._repeats.resolve(run.caller, run.promise, result, size)

    def release(self, caller: Caller) -> None:
        """Other servers may look for the run, or make it."""
        if self._claims is not None:
            self._claims.release(caller)

    # --- a run of this name that is known already ---

    async def earlier(self, caller: Caller) -> tuple[ExecutionResult | None, bool]:
        """The result of this request id, if it has run; and whether nobody could tell."""
        known = await self._repeats.earlier(caller)
        if known is not None or self._recorder is None or caller.minted:
            return known, False
        if self._claims is not None:  # looks for it when nobody else can begin it
            return None, False
        if (paused := await self.paused(caller)) is not None:
            return paused, False
        record, unchecked = await self._recorded(self._recorder, caller)
        if record is None or record.frees_its_name:
            return await self._repeats.earlier(caller), unchecked  # it may have begun meanwhile
        return _outcomes.result_of(record), False

    async def elsewhere(self, run: Run) -> ExecutionResult | None:
        """The result of the run of this name that another server has made, or makes now; that of
        one that waits for people, if there is one. ``run`` is in flight.

        Raises RunLostError, and StoreUnavailableError for a run that may write.
        """
        recorder, caller = self._recorder, run.caller
        if self._claims is None or recorder is None or caller.minted:
            return None
        silent = time.monotonic() - self._asked_in_vain < _SILENT
        if recorder.away or silent:  # to ask it would take its patience, once for each run
            self.go_unchecked(run)
            return None
        try:
            held = await self._claims.first(
                caller,
                lambda: recorder.find(caller.request_id, caller.agent_id),
                lambda: self._kept(caller),
            )
            if isinstance(held, KeptRun) and self._keeper is not None:
                return self._found(run, await self._keeper.result_of(held))
        except StoreUnavailableError as error:
            _log.info("cannot tell whether %s runs elsewhere: %s", caller.request_id, error)
            self._asked_in_vain = time.monotonic()
            self.go_unchecked(run)
            return None
        if isinstance(held, ExecutionRecord):
            return self._found(run, _outcomes.result_of(held))
        return None

    def go_unchecked(self, run: Run) -> None:
        """An outage stops no run, but one that might send a write a second time.

        Raises StoreUnavailableError.
        """
        if run.grant is not None and run.grant.effects - {"read"}:
            url = "the audit trail" if self._store is None else self._store.url
            raise StoreUnavailableError(url, _UNKNOWN_NAME)
        run.unchecked = True

    async def _kept(self, caller: Caller) -> KeptRun | None:
        """What is kept of the run of this name. Raises StoreUnavailableError."""
        if self._keeper is None:
            return None
        return await self._keeper.kept(caller.request_id, caller.agent_id)

    async def paused(self, caller: Caller) -> ExecutionResult | None:
        """Of a run of this name that waits for people; also one that another server has paused."""
        if self._keeper is None:
            return None
        try:
            return await self._keeper.paused(caller.request_id, caller.agent_id)
        except StoreUnavailableError as error:
            _log.info("cannot tell whether %s is paused: %s", caller.request_id, error)
            return None

    async def meant(self, caller: Caller) -> Caller | None:
        """The caller that asks for a run by the id that decisions name, with its request id."""
        if self._keeper is None:
            return None
        kept = await self._keeper.store.kept_run(caller.request_id)
        if kept is None or kept.agent_id != caller.agent_id:
            return None
        return replace(caller, request_id=kept.request_id)

    async def known(self, caller: Caller, seconds: float | None) -> ExecutionResult | None:
        """The result of a run that another call has begun, that waits for people, or that is on
        record; what it is after ``seconds``, if it has not ended by then."""
        loop = asyncio.get_running_loop()
        end = None if seconds is None else loop.time() + seconds
        while True:
            try:
                async with asyncio.timeout_at(end):
                    known = await self._repeats.earlier(caller)
            except TimeoutError:
                return still_running(caller.request_id)
            if known is not None and known.status != "paused":
                return known
            paused = await self.paused(caller)  # looked at once, however short the time is
            if paused is None:
                break
            left = _PAUSE_LOOK if end is None else end - loop.time()
            if left <= 0:
                return paused
            await self._repeats.beginning(caller, min(left, _PAUSE_LOOK))
        if self._store is None:
            return known
        if self._recorder is not None:
            await self._recorder.flush(_FRESH)
        return await self._on_record(self._store, caller, end)

    async def _on_record(
        self, store: Store, caller: Caller, end: float | None
    ) -> ExecutionResult | None:
        """The result that is kept; of a run that another server has just ended, when it comes."""
        loop = asyncio.get_running_loop()
        latest = min(loop.time() + _ARRIVAL, float("inf") if end is None else end)
        while (record := await store.get(caller.request_id, caller.agent_id)) is None:
            if self._keeper is None or not await self._keeper.has_ended(caller):
                return None
            if loop.time() >= latest:
                return still_running(caller.request_id)
            await asyncio.sleep(min(_PAUSE_LOOK, max(latest - loop.time(), 0)))
        return _outcomes.result_of(record)

    def _found(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """There is a run of this name already, with this result."""
        run.repeated = run.ending = True
        size = len(to_json(result.output, inf_nan_mode="null"))
        self.resolve(run, result, size)
        return result

    async def _recorded(
        self, recorder: Recorder, caller: Caller
    ) -> tuple[ExecutionRecord | None, bool]:
        try:
            return await recorder.find(caller.request_id, caller.agent_id), False
        except StoreUnavailableError as error:
            # An outage stops no run; what this process has run, it knows itself.
            _log.info("cannot tell whether %s ran before: %s", caller.request_id, error)
            return None, True

    # --- a run that turned out to be the second of its name ---

    def _note_repeat(self, record: ExecutionRecord) -> None:
        """The store knows better than this process: the first result is another one."""
        self._repeats.forget(record.agent_id, record.request_id)
        self._repeated[record.run_id or ""] = None
        while len(self._repeated) > _NOTED:
            self._repeated.popitem(last=False)

    def with_repeat(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """Say so, if the store has taken the run already, and not as the first of its name."""
        if run.run_id not in self._repeated:
            return result
        return result.model_copy(update={"warnings": [*(result.warnings or ()), _REPEATED]})
