"""One execution from start to end: correct the call, validate, announce, run, record.

Every door calls this and adds nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import time
from collections import OrderedDict
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self

from pydantic_core import to_json

from onehop._loop import running_loop
from onehop.analysis import Analyst
from onehop.audit.recorder import Mode, Recorder, make_recorder
from onehop.audit.redaction import Redactor, Secrets
from onehop.callers import Caller
from onehop.config import AuditConfig, CorrectionConfig
from onehop.corrections import (
    CorrectedCall,
    CorrectedCode,
    correct_arguments,
    corrected,
    finding_in_original,
    in_original,
    unreturned,
)
from onehop.errors import InvalidRequestError, OnehopError, StoreError, StoreUnavailableError
from onehop.events import Event
from onehop.execution import _outcomes
from onehop.execution._announcements import Announcer
from onehop.execution._repeats import Repeats
from onehop.execution.bus import EventBus
from onehop.patterns import Patterns, Talk, shape, shape_alone
from onehop.records import GIVEN_UP, ExecutionRecord
from onehop.requests import CheckedRequest, is_large
from onehop.sandbox import Sandbox
from onehop.stores.base import HistoryQuery, Store
from onehop.types import (
    Correction,
    ErrorInfo,
    ExecutionResult,
    OnLog,
    ValidationLevel,
    ValidationReport,
    code_hash,
)
from onehop.validation import CodeHistory, Validator

_FIELDS: Final = {
    "code": "code",
    "language": "language",
    "timeout": "timeout",
    "context": "context",
    "captureConsole": "capture_console",
    "description": "description",
}
"""The arguments of ``code_execute``, on the wire and here."""
_UNCHECKED: Final = (
    "the audit trail did not answer, so nobody could look whether this request id has run before; "
    "if it has, this run is kept as a repeat of that"
)
_REPEATED: Final = "this request id had run already, so that this run is kept as a repeat of that"
_SECRETS_IN_THREAD: Final = 64 * 1024
"""Bytes of context from which its secrets are looked for in a thread."""
_NOTED: Final = 1000
"""Repeats that are remembered until their result is returned."""
_LESSONS: Final = 500
"""Past runs that are learned from at the start."""
_LEARNING: Final = 2.0
"""Seconds that reading them may take."""
_FAREWELL: Final = 10.0
"""Seconds that closing waits for runs in flight."""

_log = logging.getLogger(__name__)


class Executor:
    """Runs calls of ``code_execute`` under one order of steps.

    ``sandbox`` is open; ``validator`` judges the code (by the settings when None); ``store``, open,
    keeps what happened (None: nothing is kept), as ``audit`` says, for which "strict" is short for
    ``AuditConfig(mode="strict")``; ``bus`` hears of it. They stay the caller's to close, after the
    executor. ``open_executor`` composes all from the settings.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        validator: Validator | None = None,
        store: Store | None = None,
        bus: EventBus | None = None,
        *,
        audit: AuditConfig | Mode | None = None,
        corrections: CorrectionConfig | None = None,
        patterns: Patterns | None = None,
        level: ValidationLevel = "BLOCKING",
    ) -> None:
        self.sandbox = sandbox
        self._store = store
        self.bus = bus or EventBus()
        self._validator = validator or Validator()
        kept = _audit(audit)
        self._redactor = Redactor(kept)
        self._recorder = None if store is None else make_recorder(store, kept, self._redactor)
        self._corrections = corrections or CorrectionConfig()
        self._patterns = patterns or Patterns()
        self._level: ValidationLevel = "STRICT" if level == "STRICT" else "BLOCKING"
        self._repeats = Repeats()
        self._repeated: OrderedDict[str, None] = OrderedDict()
        self._opening: asyncio.Task[None] | None = None
        if self._recorder is not None:
            self._recorder.on_repeat(self._note_repeat)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    @property
    def store(self) -> Store:
        """Where runs are kept. Raises StoreError for an executor that keeps nothing."""
        if self._store is None:
            raise StoreError("this executor keeps nothing: it was made without a store")
        return self._store

    async def open(self) -> None:
        """Open the journal and learn from past runs; the first call does it too.

        Raises AuditUnavailableError.
        """
        if self._opening is None:
            self._opening = running_loop().create_task(self._open())
        if self._opening.done() and self._opening.exception() is None:
            return
        try:
            await asyncio.shield(self._opening)
        except OnehopError:
            self._opening = None
            raise

    async def aclose(self) -> None:
        """Wait for runs that are ending, and deliver what can be delivered. Runs still in flight
        end when the sandbox closes: close that first to end them."""
        await self._repeats.ended(_FAREWELL)
        opening, self._opening = self._opening, None
        if opening is not None and self._recorder is not None:
            await self._recorder.aclose()

    async def trouble(self) -> str | None:
        """Why runs cannot be recorded, or their records do not get on; None when all is well."""
        return None if self._recorder is None else await self._recorder.trouble()

    async def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the store has every run that has ended; False after ``timeout`` seconds."""
        return self._recorder is None or await self._recorder.flush(timeout)

    async def execute(
        self,
        code: str,
        language: str | None = None,
        timeout: float | None = None,
        context: dict[str, Any] | None = None,
        capture_console: bool | None = None,
        *,
        description: str | None = None,
        agent_id: str = "",
        channel_id: str = "",
        request_id: str | None = None,
        on_log: OnLog | None = None,
    ) -> ExecutionResult:
        """``call`` with the arguments of ``Sandbox.execute``; JavaScript by default."""
        given = {
            "code": code,
            "language": language,
            "timeout": timeout,
            "context": context,
            "captureConsole": capture_console,
            "description": description,
        }
        arguments = {name: value for name, value in given.items() if value is not None}
        return await self.call(arguments, _caller(agent_id, channel_id, request_id), on_log)

    async def call(
        self, arguments: Mapping[str, Any], caller: Caller, on_log: OnLog | None = None
    ) -> ExecutionResult:
        """Do what one call of ``code_execute`` asks for; ``arguments`` are its own, on the wire.

        A request id that the agent has used gives the first result and runs nothing, unless that
        run was cancelled. What the code does wrong, or why it may not run, is a result with
        ``success=False``. ``on_log`` hears each console line as it is printed. Cancelling the
        awaiting task kills the run.

        Raises InvalidRequestError before anything happens; Overloaded, SandboxClosedError and
        SandboxUnavailableError when it could not run; and AuditUnavailableError when it could not
        be recorded.
        """
        await self.open()
        run = await self._prepare(caller, arguments)
        earlier, run.unchecked = await self._earlier(caller)
        if earlier is not None:
            return earlier
        self._repeats.begin(caller)
        try:
            return await self._carry_out(run, on_log)
        except BaseException as error:
            if not run.ending:
                self._repeats.fail(caller, error)
            raise

    async def _prepare(self, caller: Caller, arguments: Mapping[str, Any]) -> _Run:
        if not is_large(arguments):
            return _Run(self.sandbox, caller, arguments, self._corrections)
        return await asyncio.to_thread(_Run, self.sandbox, caller, arguments, self._corrections)

    async def _open(self) -> None:
        self.sandbox.analyst.start()
        if self._recorder is not None and self._store is not None:
            await self._recorder.open()
            await learn(self._patterns, self._store)

    async def _earlier(self, caller: Caller) -> tuple[ExecutionResult | None, bool]:
        """The result of this request id, if it has run; and whether nobody could tell."""
        known = await self._repeats.earlier(caller)
        if known is not None or self._recorder is None or caller.minted:
            return known, False
        record, unchecked = await self._recorded(self._recorder, caller)
        if record is None or record.error_type == GIVEN_UP:
            return await self._repeats.earlier(caller), unchecked  # it may have begun meanwhile
        return _outcomes.result_of(record), False

    async def _recorded(
        self, recorder: Recorder, caller: Caller
    ) -> tuple[ExecutionRecord | None, bool]:
        try:
            return await recorder.find(caller.request_id, caller.agent_id), False
        except StoreUnavailableError as error:
            # An outage stops no run; what this process has run, it knows itself.
            _log.info("cannot tell whether %s ran before: %s", caller.request_id, error)
            return None, True

    def _note_repeat(self, record: ExecutionRecord) -> None:
        """The store knows better than this process: the first result is another one."""
        self._repeats.forget(record.agent_id, record.request_id)
        self._repeated[record.run_id or ""] = None
        while len(self._repeated) > _NOTED:
            self._repeated.popitem(last=False)

    async def _carry_out(self, run: _Run, on_log: OnLog | None) -> ExecutionResult:
        if self._recorder is not None:
            await self._recorder.admit()
        try:
            result = await self._attempt(run, on_log)
        except asyncio.CancelledError:
            await self._end(run, _outcomes.cancelled(run.original.request))
            raise
        except Exception as error:
            await asyncio.shield(self._give_up(run, error))
            raise
        left = await self._find_shape(run, result)
        result = await self._end(run, result)
        if left is not None:
            raise left
        return result

    async def _find_shape(
        self, run: _Run, result: ExecutionResult
    ) -> asyncio.CancelledError | None:
        """Have the failure looked into. The run has ended, so it is recorded as it ended, also when
        its caller leaves meanwhile."""
        found = _with_findings(run, result)
        try:
            run.shape = await shape(
                self.sandbox.analyst, run.caller.agent_id, run.checked.request, found
            )
        except asyncio.CancelledError as left:
            return left
        return None

    async def _attempt(self, run: _Run, on_log: OnLog | None) -> ExecutionResult:
        await run.correct(self.sandbox.analyst, self._corrections)
        report = await self._validate(run)
        if not report.safe:
            return _outcomes.refused(run.checked.request, report)
        await self._start(run)
        return await self.sandbox.run(run.checked, run.caller.agent_id, on_log)

    async def _validate(self, run: _Run) -> ValidationReport:
        self._announce(run, run.announcer.validation_started())
        seen = self._patterns.history(run.caller.agent_id, run.digest)
        history = CodeHistory(seen.failure_rate, seen.errors, seen.repeats_failure)
        began = time.perf_counter()
        report = await self._judge(run.checked, run.caller.agent_id, history)
        elapsed = (time.perf_counter() - began) * 1000
        run.report = report
        if not report.safe:
            await self._learn_secrets(run)
        for event in run.announcer.validated(run.placed(report), elapsed):
            self._announce(run, event)
        return report

    async def _judge(
        self, checked: CheckedRequest, agent_id: str, history: CodeHistory
    ) -> ValidationReport:
        request = checked.request
        return await self._validator.judge(
            self.sandbox.analyst,
            agent_id,
            request.code,
            request.language,
            level=self._level,
            history=history,
        )

    async def _learn_secrets(self, run: _Run) -> None:
        """What of the run's context may be neither told nor kept."""
        context = run.original.request.context
        if run.size < _SECRETS_IN_THREAD:
            run.secrets = self._redactor.secrets(context)
        else:
            run.secrets = await asyncio.to_thread(self._redactor.secrets, context)

    async def _start(self, run: _Run) -> None:
        await self._learn_secrets(run)
        started = run.announcer.started()
        if self._recorder is not None:
            result = _outcomes.interrupted(run.digest)
            failed = self._redactor.event(_failure(run, result), run.secrets)
            record = run.record(result, {"interrupted": True})
            events = (*run.events, started, failed)
            await self._recorder.start(record, events, run.size, run.secrets)
        self._announce(run, started)

    async def _end(self, run: _Run, result: ExecutionResult) -> ExecutionResult:
        """Explain, announce, record, and hand it to all who wait for it.

        Not a task of its own: the sandbox would first start the next worker.
        """
        run.ending = True
        size = 0
        try:
            result = self._explain(run, result)
            output_size = len(to_json(result.output, inf_nan_mode="null"))
            self._announce_end(run, result, output_size)
            size = output_size + sum(map(len, result.logs))
            await self._record(run, result, size)
            result = self._with_repeat(run, result)
        except asyncio.CancelledError:  # given up while it is being written, which goes on
            self._repeats.resolve(run.caller, result, size)
            raise
        except BaseException as error:
            self._repeats.fail(run.caller, error)
            raise
        self._repeats.resolve(run.caller, result, size)
        return result

    def _announce_end(self, run: _Run, result: ExecutionResult, output_size: int) -> None:
        limits = self.sandbox.get_config().limits(run.checked.request.timeout)
        for event in run.announcer.ended(result, limits, output_size):
            self._announce(run, event)

    async def _record(self, run: _Run, result: ExecutionResult, size: int) -> None:
        if self._recorder is not None:
            record = run.record(result, run.facts())
            await self._recorder.finish(
                run.run_id, record, tuple(run.events), run.size + size, run.secrets
            )

    def _with_repeat(self, run: _Run, result: ExecutionResult) -> ExecutionResult:
        """Say so, if the store has taken the run already, and not as the first of its name."""
        if run.run_id not in self._repeated:
            return result
        return result.model_copy(update={"warnings": [*(result.warnings or ()), _REPEATED]})

    def _explain(self, run: _Run, result: ExecutionResult) -> ExecutionResult:
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
                "hints": hints or None,
                "warnings": _warnings(run, result),
                "request_id": caller.request_id,
            }
        )
        return in_original(told, run.original.request.code, run.corrected)

    async def _give_up(self, run: _Run, error: Exception) -> None:
        """It was announced and did not run: say so; the name is free for another attempt."""
        await self._learn_secrets(run)
        info = ErrorInfo(type="internal", name=type(error).__name__, message=str(error))
        self._announce(run, run.announcer.failed(f"{info.name}: {info.message}", info))
        if self._recorder is not None:
            await self._recorder.finish(run.run_id, None, tuple(run.events))

    def _announce(self, run: _Run, event: Event) -> None:
        """Tell and keep the same: nothing that is masked in the records."""
        told = self._redactor.event(event, run.secrets)
        run.events.append(told)
        self.bus.publish(told)


class _Run:
    """What is known of one call while it is carried out."""

    def __init__(
        self,
        sandbox: Sandbox,
        caller: Caller,
        arguments: Mapping[str, Any],
        config: CorrectionConfig,
    ) -> None:
        call = _corrected(arguments, config, sandbox.get_config().timeout_max)
        self.caller = caller
        self.run_id = os.urandom(16).hex()
        self.unchecked = False
        """Whether nobody could look if its request id has run before."""
        self.secrets = Secrets()
        self.original = sandbox.check(**_known(call.arguments))
        """The call as it was meant, with the code as it was written."""
        request = self.original.request
        self.corrected = CorrectedCode(request.code, [])
        self.corrections: list[Correction] = list(call.corrections)
        self.checked = self.original
        """The call as it is run."""
        self.digest = code_hash(request.code)
        self.announcer = Announcer(caller, request, self.digest)
        self.size = len(self.original.context_json)
        """Bytes that its record holds besides the result's."""
        self.executed_at = time.time_ns() // 1_000_000
        self.events: list[Event] = []
        self.report: ValidationReport | None = None
        self.shape: str | None = None
        self.ending = False

    async def correct(self, analyst: Analyst, config: CorrectionConfig) -> None:
        """Repair the code."""
        request = self.original.request
        self.corrected = await corrected(
            analyst, self.caller.agent_id, request.code, request.language, config
        )
        self.corrections += self.corrected.corrections
        self.checked = _with_code(self.original, self.corrected.code)

    def placed(self, report: ValidationReport) -> ValidationReport:
        """The report with its findings where they are in the code as it was written."""
        if not report.issues:
            return report
        issues = [finding_in_original(finding, self.corrected) for finding in report.issues]
        return report.model_copy(update={"issues": issues})

    def facts(self) -> dict[str, Any]:
        """What the host knows beyond the result."""
        facts: dict[str, Any] = {"shape": self.shape} if self.shape else {}
        if self.report is not None:
            facts["risk"] = self.report.risk_assessment.model_dump(by_alias=True)
        return facts

    def record(self, result: ExecutionResult, facts: dict[str, Any]) -> ExecutionRecord:
        """The record of this run, should it end with ``result``."""
        return _outcomes.record_of(
            self.caller, self.run_id, self.original.request, result, self.executed_at, facts
        )


async def learn(patterns: Patterns, store: Store) -> None:
    """Teach ``patterns`` what the latest runs in ``store`` were like; an outage teaches nothing."""
    try:
        async with asyncio.timeout(_LEARNING):
            records = await store.history(HistoryQuery(limit=_LESSONS))
    except (StoreError, TimeoutError) as error:
        _log.warning("cannot learn from past runs: %s", error)
        return
    for record in reversed(records):
        shape = record.details.get("shape")
        if record.success or shape is not None:
            talk = Talk(record.agent_id, record.channel_id)
            patterns.observe(talk, record.code_hash, shape)


def _with_findings(run: _Run, result: ExecutionResult) -> ExecutionResult:
    if run.report is None or not run.report.issues:
        return result
    return result.model_copy(update={"findings": run.report.issues})


def _warnings(run: _Run, result: ExecutionResult) -> list[str] | None:
    missing = unreturned(run.corrected, result)
    ours = [missing, _UNCHECKED if run.unchecked else None]
    return [*(result.warnings or ()), *filter(None, ours)] or None


def _failure(run: _Run, result: ExecutionResult) -> Event:
    info = result.error_info
    assert info is not None  # noqa: S101 - made by ``_outcomes.interrupted``
    return run.announcer.failed(result.error or "", info)


def _audit(given: AuditConfig | Mode | None) -> AuditConfig:
    if isinstance(given, AuditConfig):
        return given
    return AuditConfig() if given is None else AuditConfig(mode=given)


def _caller(agent_id: str, channel_id: str, request_id: str | None) -> Caller:
    return Caller(agent_id=agent_id, channel_id=channel_id, request_id=request_id or "")


def _corrected(
    arguments: Mapping[str, Any], config: CorrectionConfig, timeout_max: float
) -> CorrectedCall:
    if not isinstance(arguments, Mapping):
        raise InvalidRequestError("arguments", repr(arguments)[:80], "an object")
    return correct_arguments(arguments, config, timeout_max)


def _known(arguments: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in arguments if name not in _FIELDS]
    if unknown:
        raise InvalidRequestError(
            str(unknown[0])[:80], "an unknown field", f"one of {', '.join(_FIELDS)}"
        )
    return {"code": None, **{_FIELDS[name]: value for name, value in arguments.items()}}


def _with_code(checked: CheckedRequest, code: str) -> CheckedRequest:
    if code == checked.request.code:
        return checked
    return dataclasses.replace(checked, request=checked.request.model_copy(update={"code": code}))
