"""Runs that wait for people without a worker: kept from their start, and put down at a pause."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from onehop.errors import StoreError

if TYPE_CHECKING:
    from onehop.execution._names import Names
    from onehop.execution._run import Run
    from onehop.execution._trail import Trail
    from onehop.execution.keeping import Keeper, Keeping
    from onehop.sandbox import Sandbox
    from onehop.types import ExecutionResult, PendingApproval

_log = logging.getLogger(__name__)


class Pauses:
    """Has ``keeper`` keep the runs of ``sandbox`` that may have to wait (None: none does)."""

    def __init__(self, keeper: Keeper | None, sandbox: Sandbox, trail: Trail, names: Names) -> None:
        self._keeper = keeper
        self._sandbox = sandbox
        self._trail = trail
        self._names = names
        self._tell_paused: Callable[[], None] | None = None

    def on_paused(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` whenever a run was paused: it may be able to go on at once."""
        self._tell_paused = tell

    def keep(self, run: Run) -> Keeping | None:
        """Keep the run, if it may have to wait for people."""
        keeper, grant = self._keeper, run.grant
        if keeper is None or grant is None or run.original.request.session is not None:
            return None
        can_ask = self._sandbox.approver is not None
        if not (self._sandbox.keeps_time and keeper.wants(grant, can_ask)) or keeper.sealer is None:
            return None
        from onehop.tools import read_rules

        layers = [[rule.to_dict() for rule in read_rules(layer)] for layer in run.layers]
        keeping = keeper.begin(run, run.names, layers)
        keeping.before_hold = lambda: self._trail.hand_over(run)
        return keeping

    async def put_down(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """The worker has ended; the run goes on after a decision."""
        from onehop.sandbox.recordings import LostRunError

        run.ending = True
        waiting: list[PendingApproval] = []
        try:
            waiting = await self._wait(run)
            self._trail.announce(run, run.announcer.paused(run.run_id, len(waiting)))
        except LostRunError:
            self._forget_brought(run)
        except StoreError as error:  # another server goes on with it when its lease is over
            _log.warning("the store does not know yet that run %s waits: %s", run.run_id, error)
        finally:
            self._names.release(run.caller)  # anyone who asks for it finds it among the paused
        await self._trail.hand_over(run)
        update = {"approvals": waiting, "request_id": run.caller.request_id}
        told = result.model_copy(update={**update, "code_hash": run.digest})
        self._names.resolve(run, told, 0)
        if self._tell_paused is not None:
            self._tell_paused()
        return told

    async def _wait(self, run: Run) -> list[PendingApproval]:
        """What it waits for. Raises LostRunError and StoreError."""
        keeper, keeping = self._keeper, run.keeping
        assert keeper is not None  # noqa: S101 - else it is not paused
        assert keeping is not None  # noqa: S101
        if run.brings_tools and run.grant is not None:
            keeper.brought[run.run_id] = run.grant
        await keeping.put_down()
        return await keeper.waiting(run.run_id)

    async def finish(self, run: Run, result: ExecutionResult) -> None:
        """It has ended, with ``result`` in the caller's terms."""
        if run.keeping is None:
            return
        await run.keeping.finish(run.keeping.raw or result)
        self._forget_brought(run)

    def _forget_brought(self, run: Run) -> None:
        if self._keeper is not None:
            self._keeper.brought.pop(run.run_id, None)
