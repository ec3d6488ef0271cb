"""The verdict on a program, and the report that follows from it for one caller.

The program is parsed by an analysis process, never here. Only rules that were given as functions
run in this process, and only on a text that such a process has parsed on an eighth of the stack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from onehop.analysis import AnalysisLostError, Analyst, BlockingAnalyst
from onehop.config import SandboxConfig, ValidationConfig
from onehop.errors import ConfigError, InvalidRequestError
from onehop.inputs.languages import DEFAULT, language_named
from onehop.types import Finding, Language, ValidationLevel, ValidationReport
from onehop.validation._cache import Cache, Verdict, key_of
from onehop.validation._examine import Examiner, refusal_of_tangled
from onehop.validation._operators import load_rule, name_of
from onehop.validation._parser import MAX_LENGTH
from onehop.validation._remote import read_verdict
from onehop.validation._risk import NO_HISTORY, CodeHistory, assess
from onehop.validation._rules import REACHES, RULES, TOO_COMPLEX
from onehop.validation._source import Rule

_IN_THREAD: Final = 16_384
"""Characters of code from which rules given as functions run in a thread."""


class Validator:
    """Examines code by the rules in force and remembers its verdicts; threads may share one.

    ``rules`` are functions that run in this process; those that ``config`` names run where the code
    is parsed. Raises ConfigError for a rule that is turned off or graded but does not exist, for an
    operator's rule that cannot be imported, and for one that bears a name already taken.
    """

    def __init__(
        self,
        config: ValidationConfig | None = None,
        rules: Sequence[Rule] = (),
        *,
        analyst: BlockingAnalyst | None = None,
    ) -> None:
        self._config = config or ValidationConfig()
        _check_names(
            self._config, [name_of(r) for r in (*map(load_rule, self._config.rules), *rules)]
        )
        off = self._config.off
        self._here = [rule for rule in rules if name_of(rule) not in off]
        self._named = tuple(r for r in self._config.rules if name_of(load_rule(r)) not in off)
        self._hides = off & {TOO_COMPLEX.name}
        self._cache = Cache(self._config.cache)
        self._analyst = analyst

    def validate(
        self,
        code: str,
        language: str | None = None,
        *,
        level: ValidationLevel = "BLOCKING",
        history: CodeHistory = NO_HISTORY,
    ) -> ValidationReport:
        """The verdict on a program; never raises for anything in the program. Raises
        InvalidRequestError for what is not a text, and for a language that is not one of ours.

        ``safe`` is false when there is an error; at STRICT, a warning of medium severity is enough.
        At NONE and ASYNC it is what it would be at BLOCKING: whether it blocks there is the
        caller's decision. ``history`` counts for the risk and decides nothing.

        Blocks meanwhile, and starts a process at the first call. Raises SandboxUnavailableError
        where none can be had.
        """
        kind = _checked(code, language)
        key = key_of(code, kind, "")
        verdict = self._cache.get(key)
        if verdict is None:
            verdict = self._finish(code, kind, self._ask_blocking(code, kind))
            self._cache.put(key, verdict)
        return self._report(verdict, level, history)

    async def judge(
        self,
        analyst: Analyst,
        agent_id: str,
        code: str,
        language: Language,
        *,
        level: ValidationLevel = "BLOCKING",
        history: CodeHistory = NO_HISTORY,
        verdict: Verdict | None = None,
    ) -> ValidationReport:
        """``validate``, by the process that ``analyst`` has for this agent, or by ``verdict`` where
        such a process has given it already."""
        key = key_of(code, language, agent_id)
        known = verdict or self._cache.get(key)
        if known is None or known is verdict:
            known = known or await self._examined(analyst, agent_id, code, language)
            self._cache.put(key, known)
        return self._report(known, level, history)

    def has_judged(self, agent_id: str, code: str, language: Language) -> bool:
        """Whether ``judge`` knows the verdict without asking."""
        return self._cache.get(key_of(code, language, agent_id)) is not None

    @property
    def named_rules(self) -> tuple[str, ...]:
        """The operator's rules that run where the code is parsed, each ``module:function``."""
        return self._named

    @property
    def terms(self) -> dict[str, Any]:
        """What an analysis process needs to know to examine code by the rules in force."""
        return {
            "off": sorted(self._config.off),
            "severity": dict(self._config.severity),
            "rules": list(self._named),
        }

    async def read(self, answer: Any, code: str, language: Language) -> Verdict:
        """The verdict on ``code`` from what a process answered, which nobody trusts, and from the
        rules that run here."""
        verdict = read_verdict(answer)
        if self._here and len(code) >= _IN_THREAD:
            return await asyncio.to_thread(self._finish, code, language, verdict)
        return self._finish(code, language, verdict)

    async def _examined(
        self, analyst: Analyst, agent_id: str, code: str, language: Language
    ) -> Verdict:
        if len(code) > MAX_LENGTH:
            return refusal_of_tangled()
        try:
            arguments = self._arguments(code, language)
            answer = await analyst.ask(agent_id, "examine", arguments, self._named)
        except AnalysisLostError:
            return refusal_of_tangled()
        return await self.read(answer, code, language)

    def _ask_blocking(self, code: str, language: Language) -> Verdict:
        if len(code) > MAX_LENGTH:
            return refusal_of_tangled()
        if self._analyst is None:
            self._analyst = BlockingAnalyst(SandboxConfig().allow_degraded)
        try:
            arguments = self._arguments(code, language)
            return read_verdict(self._analyst.ask("examine", arguments, self._named))
        except AnalysisLostError:
            return refusal_of_tangled()

    def _arguments(self, code: str, language: Language) -> dict[str, Any]:
        return {"code": code, "language": language, **self.terms}

    def _finish(self, code: str, language: Language, verdict: Verdict) -> Verdict:
        """With the findings of the rules that were given as functions."""
        tangled = any(each.pattern == TOO_COMPLEX.name for each in verdict.findings)
        if not self._here or tangled:
            return verdict
        more = Examiner([], self._here, self._config.severity).examine(code, language)
        findings = sorted((*verdict.findings, *more.findings), key=lambda f: (f.line, f.column))
        is_final = verdict.is_final and more.is_final
        return Verdict(tuple(findings), verdict.measures, is_final)

    def _report(
        self, verdict: Verdict, level: ValidationLevel, history: CodeHistory
    ) -> ValidationReport:
        issues = [each for each in verdict.findings if each.pattern not in self._hides]
        risk = assess(verdict.measures, issues, history, level)
        safe = not any(_blocks(each, level) for each in issues)
        return ValidationReport.known(safe=safe, issues=issues, risk_assessment=risk)


def validate_code(code: str, language: str | None = None) -> ValidationReport:
    """The verdict on a program, with the settings of the environment and of ``onehop.toml``.

    Raises InvalidRequestError as ``Validator.validate`` does.
    """
    config = ValidationConfig()
    return Validator(config).validate(code, language, level=config.level)


def _checked(code: object, language: object) -> Language:
    """The language that is meant. Raises InvalidRequestError."""
    if not isinstance(code, str):
        raise InvalidRequestError("code", f"a {type(code).__name__}", "a string")
    kind = DEFAULT if language is None else language_named(language)
    if kind is None:
        got = repr(language)[:80] if isinstance(language, str) else f"a {type(language).__name__}"
        raise InvalidRequestError("language", got, "'javascript' or 'typescript'")
    return kind


def _blocks(finding: Finding, level: ValidationLevel) -> bool:
    if finding.type == "error":
        return True
    if finding.pattern in REACHES:
        return False  # guarded: it runs, whatever the level
    return level == "STRICT" and finding.severity != "low"


def _check_names(config: ValidationConfig, own: Sequence[str]) -> None:
    ours = {rule.name for rule in RULES} | {TOO_COMPLEX.name}
    taken = sorted((ours & set(own)) | {name for name in own if own.count(name) > 1})
    if taken:
        raise ConfigError("rules", f"more than one rule is called {', '.join(taken)}")
    for field, named in (("off", config.off), ("severity", set(config.severity))):
        unknown = sorted(named - ours - set(own))
        if unknown:
            known = ", ".join(sorted(ours | set(own)))
            raise ConfigError(field, f"no rule is called {', '.join(unknown)}; there are: {known}")
