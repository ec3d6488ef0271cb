"""All rules applied to one program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice

from onehop.types import Finding, Language, Severity
from onehop.validation._budget import Budget, OutOfTime
from onehop.validation._cache import Verdict
from onehop.validation._facts import Facts
from onehop.validation._operators import RuleBroken, apply
from onehop.validation._parser import parse
from onehop.validation._risk import TOO_MUCH, Measures, measure
from onehop.validation._rules import TOO_COMPLEX, BuiltIn
from onehop.validation._source import Rule

MAX_SECONDS = 1.0
"""CPU time for one program; ordinary code takes a hundredth of it."""
MAX_FINDINGS = 50
"""Of one rule in one program."""


class Examiner:
    """Knows the rules that are in force, and the severities that operators gave them."""

    def __init__(
        self,
        rules: Sequence[BuiltIn],
        own: Sequence[Rule],
        severities: Mapping[str, Severity],
        max_seconds: float = MAX_SECONDS,
    ) -> None:
        self._rules = rules
        self._own = own
        self._severities = severities
        self._max_seconds = max_seconds

    def examine(self, code: str, language: Language) -> Verdict:
        """The findings in the order of the text; never raises, whatever the code."""
        found: list[Finding] = []
        try:
            measures = self._apply_all(code, language, found)
        except OutOfTime:
            return self._verdict([*found, _too_complex()], TOO_MUCH)
        except RuleBroken as broken:
            return self._verdict([*found, broken.finding], TOO_MUCH, is_final=False)
        return self._verdict(found, measures)

    def _apply_all(self, code: str, language: Language, found: list[Finding]) -> Measures:
        """Add to ``found``, which keeps what there was when the time is up."""
        budget = Budget(self._max_seconds)
        facts = Facts(parse(code, language, budget), language, budget)
        for own in self._own:
            found.extend(islice(apply(own, code, facts), MAX_FINDINGS))
        for rule in self._rules:
            found.extend(_apply(rule, facts))
        return measure(facts)

    def _verdict(
        self, found: Iterable[Finding], measures: Measures, *, is_final: bool = True
    ) -> Verdict:
        ordered = sorted(map(self._graded, found), key=lambda each: (each.line, each.column))
        return Verdict(tuple(ordered), measures, is_final)

    def _graded(self, finding: Finding) -> Finding:
        severity = self._severities.get(finding.pattern, finding.severity)
        if severity == finding.severity:
            return finding
        return finding.model_copy(update={"severity": severity})


def _apply(rule: BuiltIn, facts: Facts) -> Iterator[Finding]:
    seen: set[int] = set()
    for hit in islice(rule.check(facts), MAX_FINDINGS):
        if hit.unit not in seen:
            seen.add(hit.unit)
            yield _finding(rule, hit.message, *facts.tree.position(hit.unit))


def _finding(rule: BuiltIn, message: str, line: int, column: int) -> Finding:
    return Finding(
        type=rule.type,
        message=message,
        pattern=rule.name,
        severity=rule.severity,
        line=line,
        column=column,
        issue_type=rule.issue_type,
        suggestion=rule.suggestion,
    )


def refusal_of_tangled() -> Verdict:
    """The verdict on a program that could not be examined at all."""
    return Verdict((_too_complex(),), TOO_MUCH)


def _too_complex() -> Finding:
    message = "this code is too long or too tangled to be examined as a whole"
    return _finding(TOO_COMPLEX, message, 1, 1)
