"""What past runs teach: hints for one that has failed like others before it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Final

from onehop.corrections import in_original, unreturned
from onehop.errors import StoreError
from onehop.patterns import Patterns, Talk, shape, shape_alone
from onehop.stores.base import HistoryQuery, Store

if TYPE_CHECKING:
    from onehop.analysis import Analyst
    from onehop.execution._run import Run
    from onehop.types import ExecutionResult

_UNCHECKED: Final = (
    "the audit trail did not answer, so nobody could look whether this request id has run before; "
    "if it has, this run is kept as a repeat of that"
)
_LESSONS: Final = 500
"""Past runs that are learned from at the start."""
_LEARNING: Final = 2.0
"""Seconds that reading them may take."""

_log = logging.getLogger(__name__)


class Lessons:
    """Explains results with what ``patterns`` know, and teaches them; ``analyst`` parses code."""

    def __init__(self, patterns: Patterns, analyst: Analyst) -> None:
        self._patterns = patterns
        self._analyst = analyst

    async def find_shape(self, run: Run, result: ExecutionResult) -> asyncio.CancelledError | None:
        """Have the failure looked into. The run has ended, so it is recorded as it ended, also when
        its caller leaves meanwhile."""
        found = _with_findings(run, result)
        try:
            run.shape = await shape(self._analyst, run.caller.agent_id, run.checked.request, found)
        except asyncio.CancelledError as left:
            return left
        return None

    def explain(self, run: Run, result: ExecutionResult) -> ExecutionResult:
        """The result in the terms of the caller's own text, and what runs like it have taught."""
        caller = run.caller
        result = _with_findings(run, result)
        if run.shape is None:
            run.shape = shape_alone(run.checked.request, result)
        talk = Talk(caller.agent_id, caller.channel_id, caller.conversation)
        hints = self._patterns.hints(talk, run.shape) if run.shape else []
        self._patterns.observe(talk, run.digest, run.shape)
        told = result.model_copy(
            update={
                "code_hash": run.digest,
                "corrections": run.corrections or None,
                "hints": [*(result.hints or ()), *hints] or None,
                "warnings": _warnings(run, result),
                "request_id": caller.request_id,
            }
        )
        return in_original(told, run.original.request.code, run.corrected)


async def learn(patterns: Patterns, store: Store) -> None:
    """Teach ``patterns`` what the latest runs in ``store`` were like; an outage teaches nothing."""
    try:
        async with asyncio.timeout(_LEARNING):
            records = await store.history(HistoryQuery(limit=_LESSONS, brief=True))
    except (StoreError, TimeoutError) as error:
        _log.warning("cannot learn from past runs: %s", error)
        return
    for record in reversed(records):
        shape = record.details.get("shape")
        if record.success or shape is not None:
            talk = Talk(record.agent_id, record.channel_id)
            patterns.observe(talk, record.code_hash, shape)


def _with_findings(run: Run, result: ExecutionResult) -> ExecutionResult:
    if run.report is None or not run.report.issues:
        return result
    return result.model_copy(update={"findings": run.report.issues})


def _warnings(run: Run, result: ExecutionResult) -> list[str] | None:
    missing = unreturned(run.corrected, result)
    ours = [missing, _UNCHECKED if run.unchecked else None]
    return [*(result.warnings or ()), *filter(None, ours)] or None
