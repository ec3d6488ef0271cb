"""What is known of one call while it is carried out."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from onehop.audit.redaction import Secrets
from onehop.corrections import (
    CorrectedCall,
    CorrectedCode,
    correct_arguments,
    finding_in_original,
)
from onehop.definition import INPUT_SCHEMA
from onehop.errors import InvalidRequestError
from onehop.execution import _outcomes
from onehop.execution._announcements import Announcer
from onehop.inputs.choices import python_name
from onehop.inputs.names import choice
from onehop.records import SNIPPET_LENGTH, ExecutionRecord
from onehop.requests import CheckedRequest, is_large
from onehop.runs.states import RunState, Step
from onehop.types import (
    Correction,
    ExecutionResult,
    OnProgress,
    ToolCall,
    ValidationReport,
    code_hash,
)

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from onehop.analysis import Analyst
    from onehop.config import CorrectionConfig
    from onehop.events import Event
    from onehop.execution._preparation import Preparer
    from onehop.execution._repeats import Promise
    from onehop.execution.keeping import Keeping
    from onehop.runs.callers import Caller
    from onehop.runs.decisions import Approval
    from onehop.sandbox import Sandbox
    from onehop.sandbox.calls import Grant, Layer, RunDesk, Wanted
    from onehop.sandbox.checks import Check
    from onehop.tools import Tools
    from onehop.validation import Verdict

_LONGEST_KEPT: Final = 64 * 1024
"""Characters of code that a record keeps whole."""
_FIELDS: Final = {name: python_name(name) for name in INPUT_SCHEMA["properties"]}
_ANSWERED_BEFORE: Final = frozenset({"yield"})
"""What the executor has taken out by then."""
"""The arguments of ``code_execute``, on the wire and here."""


class Run:
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
        self.arguments = dict(arguments)
        """As they were given."""
        self.promise: Promise | None = None
        """What anyone waits for that asks for a run of its name, once it is under way."""
        self.keeping: Keeping | None = None
        """When it is kept, so that it can go on without its worker."""
        self.wanted: Wanted | None = None
        self.layers: Sequence[Layer] = ()
        self.has_beside = False
        """The tools and rules that the call has brought."""
        self.pauses = 0
        """How often it was made again after one."""
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
        self.grant: Grant | None = None
        """The tools that it may call."""
        self.desk: RunDesk | None = None
        self.decided: dict[str, Approval] = {}
        """What people have said about its calls, by the calls' ids."""
        self.check: Check | None = None
        """What the check before the run has found."""
        self.ending = False
        self.on_progress: OnProgress | None = None
        self.reports = 0
        self.announced_at = float("-inf")
        """When progress was last announced, and how often it was."""
        self.step: Step = "validation"
        self.repeated = False
        """Whether another call of this name was the first."""

    @property
    def names(self) -> list[str] | None:
        """The tools that the call has asked for by names alone."""
        if self.wanted is None or _is_whole(self.wanted):
            return None
        return [each for each in self.wanted if isinstance(each, str)]

    @property
    def brings_tools(self) -> bool:
        """Whether it has tools that only this process can give it."""
        if self.wanted is None:
            return self.has_beside
        if self.has_beside or _is_whole(self.wanted):
            return True
        return not all(isinstance(each, str) for each in self.wanted)

    async def prepare(self, preparer: Preparer, analyst: Analyst) -> Verdict | None:
        """Repair the code; answers the verdict on it, when there is one already."""
        request = self.original.request
        prepared = await preparer.prepare(
            analyst,
            self.caller.agent_id,
            request.code,
            self.digest,
            request.language,
            keeps=request.session is not None,
        )
        self.corrected = prepared.corrected
        self.corrections += self.corrected.corrections
        self.checked = _with_code(self.original, self.corrected.code)
        return prepared.verdict

    @property
    def state(self) -> RunState:
        """Where it is now."""
        return RunState(
            agent_id=self.caller.agent_id,
            channel_id=self.caller.channel_id,
            request_id=self.caller.request_id,
            language=self.original.request.language,
            step=self.step,
            began=self.executed_at,
            description=self.original.request.description,
        )

    def placed(self, report: ValidationReport) -> ValidationReport:
        """The report with its findings where they are in the code as it was written."""
        if not report.issues:
            return report
        issues = [finding_in_original(finding, self.corrected) for finding in report.issues]
        return report.model_copy(update={"issues": issues})

    @property
    def calls(self) -> list[ToolCall]:
        """All that it has called, also before a pause, and what its code did not ask for again."""
        made = [] if self.desk is None else self.desk.calls
        return made if self.keeping is None else self.keeping.with_unmet(made)

    def with_calls(self, result: ExecutionResult) -> ExecutionResult:
        """The result with all of these, if the run was made again."""
        if not self.pauses:
            return result
        return result.model_copy(update={"tool_calls": self.calls or None})

    def facts(self) -> dict[str, Any]:
        """What the host knows beyond the result."""
        facts: dict[str, Any] = {"shape": self.shape} if self.shape else {}
        if self.desk is not None and self.desk.calls:
            facts["toolArguments"] = self.desk.arguments
            facts["toolSchemas"] = self.desk.schemas
        if self.desk is not None and self.desk.snippets:
            facts["snippets"] = self.desk.snippets
        if calls := self.calls:  # also of a run that was cancelled, whose result has none
            facts["toolCalls"] = [call.model_dump(by_alias=True) for call in calls]
        if self.decided:
            from onehop.sandbox.recordings import said

            facts["toolDecisions"] = {name: said(each) for name, each in self.decided.items()}
        if self.pauses:
            facts["resumed"] = self.pauses
        if self.report is not None:
            facts["risk"] = self.report.risk_assessment.flat()
        return facts

    def ran(self, result: ExecutionResult) -> dict[str, Any]:
        """The code of a run that succeeded, where the record's own field does not have it whole, so
        that a person can save it as a snippet."""
        code, written = self.checked.request.code, self.original.request.code
        is_there = code == written and len(code) <= SNIPPET_LENGTH
        if not result.success or is_there or len(code) > _LONGEST_KEPT:
            return {}
        return {"ran": {"code": code, "hash": code_hash(code)}}

    def record(self, result: ExecutionResult, facts: dict[str, Any]) -> ExecutionRecord:
        """The record of this run, should it end with ``result``."""
        return _outcomes.record_of(
            self.caller, self.run_id, self.original.request, result, self.executed_at, facts
        )


async def open_run(
    sandbox: Sandbox, caller: Caller, arguments: Mapping[str, Any], config: CorrectionConfig
) -> Run:
    """The run that a call asks for; large arguments are read in a thread. Raises
    InvalidRequestError."""
    if not is_large(arguments):
        return Run(sandbox, caller, arguments, config)
    return await asyncio.to_thread(Run, sandbox, caller, arguments, config)


def _corrected(
    arguments: Mapping[str, Any], config: CorrectionConfig, timeout_max: float
) -> CorrectedCall:
    if not isinstance(arguments, Mapping):
        raise InvalidRequestError("arguments", repr(arguments)[:80], "an object")
    return correct_arguments(arguments, config, timeout_max)


def _known(arguments: Mapping[str, Any]) -> dict[str, Any]:
    unknown = [name for name in arguments if name not in _FIELDS or name in _ANSWERED_BEFORE]
    if unknown:
        name = str(unknown[0])[:80]
        raise InvalidRequestError(name, "an unknown field", choice(_FIELDS, name))
    return {"code": None, **{_FIELDS[name]: value for name, value in arguments.items()}}


def _with_code(checked: CheckedRequest, code: str) -> CheckedRequest:
    if code == checked.request.code:
        return checked
    return dataclasses.replace(checked, request=checked.request.model_copy(update={"code": code}))


def _is_whole(wanted: Wanted) -> TypeIs[Tools]:
    """Whether it is a ``Tools``, and not a list."""
    from onehop.tools import Tools

    return isinstance(wanted, Tools)
