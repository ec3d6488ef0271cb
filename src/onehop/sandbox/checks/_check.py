"""One program checked before its run: the verdict, the refusal, and what helps after a failure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Protocol, runtime_checkable

from onehop import source
from onehop.compiler import Checkers, Facts, Message, MissingAwait, UncheckedError
from onehop.sandbox.checks._declared import tools_declaration
from onehop.sandbox.checks._judge import Fault, fault_of, target_of
from onehop.sandbox.checks._places import field_place, member_place
from onehop.sandbox.checks._plan import planned_calls
from onehop.sandbox.checks._shape import context_declaration
from onehop.tools import one_line
from onehop.types import (
    TYPECHECK,
    CheckPolicy,
    ErrorInfo,
    ExecutionRequest,
    ExecutionResult,
    Finding,
    PlannedCall,
    ResourceUsage,
    Typecheck,
    code_hash,
)

if TYPE_CHECKING:
    from onehop.sandbox.calls import Grant

_MOST: Final = 20
"""Findings of one check."""
_HINTS: Final = 6
_LONGEST: Final = 400
_UNKNOWN_NAMES: Final = frozenset(
    {2304, 2503, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2662, 2663, 18004}
)
"""TypeScript's numbers of messages about a name that nothing declares."""
_ADVICE: Final = re.compile(r" (?:Do you need to|Try `npm).*", re.DOTALL)
_NAMES_TOOLS: Final = re.compile(r"\btools\b")


@runtime_checkable
class Room(Protocol):
    """What has checkers: a backend, if it can have any."""

    checkers: Checkers

    async def confirm_syntax(
        self, request: ExecutionRequest, agent: str, said: source.Diagnosis
    ) -> source.Diagnosis | None:
        """A syntax error in the best words; None if the code compiles after all."""
        ...


@cache
def _no_facts() -> Facts:
    return Facts(None)


@dataclass
class Check:
    """What a check has found."""

    request: ExecutionRequest
    room: Room | None = None
    agent: str = ""
    grant: Grant | None = None
    has_own_tools: bool = False
    """Whether ``tools`` is a variable of the session."""
    typecheck: Typecheck | None = None
    """None when it is off."""
    facts: Facts = field(default_factory=_no_facts)
    findings: list[Finding] = field(default_factory=list)
    """For which the code may not run, the first one to mend first."""
    hints: list[str] = field(default_factory=list)
    plan: list[PlannedCall] | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the code may not run."""
        return bool(self.findings)

    @property
    def ends_here(self) -> bool:
        """Whether nothing runs: it is refused, or only a plan was asked for."""
        return self.is_refused or self.request.plan

    async def explain(self, result: ExecutionResult) -> ExecutionResult:
        """The result of the run with the verdict, and with what the check knows of a failure."""
        if self.typecheck is None:
            return result
        if result.success and not self.facts.awaits:
            return result.with_known(typecheck=self.typecheck)
        changes: dict[str, Any] = {"typecheck": self.typecheck}
        told = " ".join(result.warnings or ())  # the run may have seen the mistake itself
        awaits = [_await_words(each) for each in self.facts.awaits[:3] if _called(each) not in told]
        if result.success and awaits:
            changes["warnings"] = [*(result.warnings or ()), *dict.fromkeys(awaits)]
        elif result.error_info is not None and result.error_info.type == "runtime":
            hints = [*awaits, *await self._hints_at(result.error_info)]
            changes["hints"] = [*(result.hints or ()), *dict.fromkeys(hints)][:_HINTS] or None
        return result.with_known(**changes)

    async def _hints_at(self, info: ErrorInfo) -> list[str]:
        """What the types say of the line where the run failed."""
        if info.line is None or info.name == "ToolError":  # which says what was wrong itself
            return []
        try:
            messages = await self.messages(observed=True)
        except UncheckedError:
            return []
        is_known = info.name == "ReferenceError"  # which says it in better words
        return [
            f"the types say of that line: {_plain(each.text)}"
            for each in messages
            if each.line is not None and each.line <= info.line <= (each.last_line or each.line)
            if not (is_known and each.number in _UNKNOWN_NAMES)
        ][:3]

    async def messages(self, *, observed: bool = False) -> tuple[Message, ...]:
        """What TypeScript says of the types, ``observed`` ones too; in a session nothing of names
        that the code does not declare, for an earlier call may have. Raises UncheckedError."""
        request = self.request
        found = await self.opened_room().checkers.messages(
            self.agent,
            source.without_shebang(request.code),
            request.language,
            tools_declaration(
                None if self.has_own_tools else self.grant, request.code, observed=observed
            ),
            context_declaration(request.context),
        )
        if request.session is None:
            return found
        return tuple(each for each in found if each.number not in _UNKNOWN_NAMES)

    def opened_room(self) -> Room:
        """What has checkers. Raises UncheckedError."""
        if self.room is None:
            raise UncheckedError("what runs the code here has no checkers")
        return self.room

    def result(self) -> ExecutionResult:
        """The result of code that is refused, or whose plan alone was asked for."""
        digest = code_hash(self.request.code)
        usage = ResourceUsage(memory=0)
        if not self.findings and self.plan is not None:
            return ExecutionResult(
                success=True,
                code_hash=digest,
                resource_usage=usage,
                typecheck=self.typecheck,
                plan=self.plan,
            )
        info = self._error()
        return ExecutionResult(
            success=False,
            status="failed",
            code_hash=digest,
            resource_usage=usage,
            error=info.headline,
            error_info=info,
            findings=self.findings or None,
            hints=self.hints or None,
            typecheck=self.typecheck,
        )

    def _error(self) -> ErrorInfo:
        if not self.findings:
            reason = self.typecheck.reason if self.typecheck else None
            message = f"the plan could not be made: {reason}"
            return ErrorInfo(type="internal", name="PlanError", message=message)
        first, *others = self.findings
        more = f" (and {len(others)} more, see findings)" if others else ""
        is_syntax = self.facts.syntax is not None
        return ErrorInfo(
            type="validation",
            name="SyntaxError" if is_syntax else "ValidationError",
            message=first.message if is_syntax else f"{first.message} [typecheck]{more}",
            line=first.line,
            column=first.column,
            excerpt=source.excerpt(self.request.code, first.line, first.column),
        )


def _plain(text: str) -> str:
    """A message of the compiler without its advice on packages and options: there are none here."""
    return one_line(_ADVICE.sub("", text), _LONGEST)


class Checks:
    """Checks programs; ``room`` has the checkers, None if there are none."""

    def __init__(self, room: Room | None) -> None:
        self._room = room
        self._checked = Typecheck(verdict="checked")

    async def check(
        self,
        request: ExecutionRequest,
        agent: str,
        grant: Grant | None,
        declared: Sequence[str] = (),
    ) -> Check:
        """Check a program under its policy; ``declared`` are names of earlier calls of its session.
        Raises nothing: what cannot be checked runs unchecked."""
        check = Check(request, self._room, agent, grant, "tools" in declared)
        policy = policy_of(request, grant)
        if policy == "off" and not request.plan:
            return check
        check.typecheck = self._checked
        if self.passed(request) is not None:
            return check
        try:
            await self._examine(check, policy)
        except UncheckedError as error:
            check.typecheck = Typecheck(verdict="unchecked", reason=str(error))
        return check

    async def _examine(self, check: Check, policy: CheckPolicy) -> None:
        request = check.request
        if check.has_own_tools:
            raise UncheckedError("an earlier call of the session has declared its own `tools`")
        room = check.opened_room()
        code = source.without_shebang(request.code)
        check.facts = await room.checkers.facts(check.agent, code, request.language)
        if check.facts.syntax is not None and policy != "off":
            await self._refuse_syntax(check, check.facts.syntax)
        if request.plan:
            _require_whole(check.facts)
            check.plan = planned_calls(check.facts, check.grant)
        if policy != "off" and not check.findings:
            _refuse(check, _faults(check), policy)
        if policy == "strict" and not check.findings:
            _refuse_messages(check, await check.messages())

    def passed(self, request: ExecutionRequest) -> Typecheck | None:
        """The verdict on a program with tools in which there is nothing to look for: one that does
        not name them cannot be wrong about them. Asked for by name, the check is made."""
        is_asked = request.plan or request.typecheck is not None
        names = "tools" in request.code and _NAMES_TOOLS.search(request.code)
        return None if is_asked or names else self._checked

    async def _refuse_syntax(self, check: Check, found: Message) -> None:
        said = source.Diagnosis(found.text, found.line, found.column)
        told = await check.opened_room().confirm_syntax(check.request, check.agent, said)
        if told is not None:
            check.findings.append(_finding(told.message, told.line, told.column))


def policy_of(request: ExecutionRequest, grant: Grant | None) -> CheckPolicy:
    """The policy of a run: that of the call, else the usual one."""
    return request.typecheck or ("off" if grant is None else "provable")


def _require_whole(facts: Facts) -> None:
    if facts.is_cut:
        raise UncheckedError(f"the code has more than {len(facts.calls)} calls of tools")


def _faults(check: Check) -> list[Fault]:
    found = []
    for site in check.facts.calls:
        target = target_of(site, check.grant)
        fault = fault_of(target, site, check.grant) if target is not None else None
        if fault is not None:
            found.append(fault)
    return found


def _place(code: str, fault: Fault) -> tuple[int, int]:
    """A call may have many lines: the one to look at."""
    site = fault.site
    member = site.path[-1] if site.path else None
    if fault.field is None and member is not None:
        return member_place(code, member, site.line, site.column)
    return field_place(code, fault.field, site.line, site.column)


def _refuse(check: Check, faults: list[Fault], policy: CheckPolicy) -> None:
    """Say all that is wrong, once the code must fail anyway."""
    certain = [fault for fault in faults if fault.site.is_certain]
    if not certain and policy != "strict":
        return
    first = certain[:1] or faults[:1]
    for fault in [*first, *(each for each in faults if each not in first)][:_MOST]:
        check.findings.append(_finding(fault.message, *_place(check.request.code, fault)))
        check.hints += [hint for hint in fault.hints if hint not in check.hints]
    check.hints = check.hints[:_HINTS]


def _refuse_messages(check: Check, messages: tuple[Message, ...]) -> None:
    check.findings += [_finding(each.text, each.line, each.column) for each in messages[:_MOST]]


def _finding(message: str, line: int | None, column: int | None) -> Finding:
    return Finding(
        type="error",
        message=one_line(message, _LONGEST),
        pattern=TYPECHECK,
        severity="medium",
        line=line or 1,
        column=column or 1,
    )


def _called(missing: MissingAwait) -> str:
    path = one_line(".".join(step or "…" for step in missing.path), 120)
    return f"the promise of tools.{path}(…)"


def _await_words(missing: MissingAwait) -> str:
    return f"{_called(missing)} is taken for its answer: put `await` before the call"
