"""How much care a run asks for: the contract's formula. It orders what people look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from onehop.types import Finding, RiskAssessment, Severity, ValidationLevel
from onehop.validation._facts import Facts

SECURITY_IMPACT = 0.9
"""Of running code that someone else wrote, whatever the code."""
FINDING_IMPACT: Final[dict[Severity, float]] = {
    "low": 0.05,
    "medium": 0.2,
    "high": 0.4,
    "critical": 0.6,
}
"""What a rule that has found something adds to it, by the severity of its worst finding."""
MAX_IMPACT = 2.0
_MANY_ERRORS = 5
_LARGE = 10_000  # nodes of the tree; about 800 lines


@dataclass(frozen=True)
class CodeHistory:
    """What is known of the agent that sends the code, and of this code."""

    failure_rate: float = 0.0
    """The part of its runs that failed, 0 to 1."""
    errors: int = 0
    """How many of them."""
    repeats_failure: bool = False
    """Whether this code is known to fail."""


NO_HISTORY = CodeHistory()


@dataclass(frozen=True, slots=True)
class Measures:
    """What the formula takes from the code itself; each 0 to 1."""

    complexity: float = 0.0
    performance: float = 0.0


TOO_MUCH = Measures(1.0, 1.0)
"""Of code that could not be measured."""


def measure(facts: Facts) -> Measures:
    """Complexity is size and depth of loops; performance impact is what loops may cost."""
    loops = facts.loops
    deepest = max(loops.depths, default=0)
    size = facts.tree.root.descendant_count / _LARGE
    cost = 0.05 * len(loops.depths) + 0.2 * max(deepest - 1, 0) + 0.5 * bool(loops.endless)
    return Measures(_unit(0.7 * _unit(size) + 0.1 * deepest), _unit(cost))


def assess(
    measures: Measures,
    findings: Iterable[Finding],
    history: CodeHistory,
    level: ValidationLevel,
) -> RiskAssessment:
    """The score, and what each term adds to it. It decides nothing: ``level`` is the caller's."""
    factors = {
        "complexity": 0.2 * measures.complexity,
        "failureRate": 0.3 * _unit(history.failure_rate),
        "securityImpact": 0.3 * _impact(findings),
        "performanceImpact": 0.2 * measures.performance,
        "repeatedErrors": 0.3 if history.errors > _MANY_ERRORS else 0.0,
        "repeatedFailure": 0.4 if history.repeats_failure else 0.0,
    }
    factors = {name: round(value, 4) for name, value in factors.items()}
    score = round(_unit(sum(factors.values())), 4)
    return RiskAssessment.known(score=score, level=level, factors=factors)


def _impact(findings: Iterable[Finding]) -> float:
    """0.9 for running code at all, and more for each rule that has found something."""
    worst: dict[str, float] = {}
    for finding in findings:
        impact = FINDING_IMPACT[finding.severity]
        worst[finding.pattern] = max(impact, worst.get(finding.pattern, 0.0))
    return min(SECURITY_IMPACT + sum(worst.values()), MAX_IMPACT)


def _unit(value: float) -> float:
    """``value`` between 0 and 1; anything that is not a number counts as 1."""
    return min(max(value, 0.0), 1.0) if value == value else 1.0
