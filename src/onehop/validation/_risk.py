"""How much care a run asks for: the contract's formula."""

from __future__ import annotations

from dataclasses import dataclass

from onehop.types import RiskAssessment, ValidationLevel
from onehop.validation._facts import Facts

SECURITY_IMPACT = 0.9
"""Of running code that someone else wrote, whatever the code."""
STRICT_FROM = 0.8
_MANY_ERRORS = 5
_LARGE = 10_000  # nodes of the tree; about 800 lines
_LEVELS: tuple[ValidationLevel, ...] = ("NONE", "ASYNC", "BLOCKING", "STRICT")


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


def assess(measures: Measures, history: CodeHistory, asked: ValidationLevel) -> RiskAssessment:
    """The score, what each term adds to it, and the level that follows from both."""
    factors = {
        "complexity": 0.2 * measures.complexity,
        "failureRate": 0.3 * _unit(history.failure_rate),
        "securityImpact": 0.3 * SECURITY_IMPACT,
        "performanceImpact": 0.2 * measures.performance,
        "repeatedErrors": 0.3 if history.errors > _MANY_ERRORS else 0.0,
        "repeatedFailure": 0.4 if history.repeats_failure else 0.0,
    }
    factors = {name: round(value, 4) for name, value in factors.items()}
    score = round(_unit(sum(factors.values())), 4)
    level: ValidationLevel = "STRICT" if score >= STRICT_FROM else asked
    return RiskAssessment(score=score, level=max(level, asked, key=_LEVELS.index), factors=factors)


def _unit(value: float) -> float:
    """``value`` between 0 and 1; what is no number counts as 1."""
    return min(max(value, 0.0), 1.0) if value == value else 1.0
