"""Source text in, findings out: what will not work in the sandbox, why, and what to write instead.

Advice to whoever wrote the code and a tripwire for people, not what protects the host: everything
that is an error here is impossible at run time too.
"""

from __future__ import annotations

from collections.abc import Sequence

from onehop._languages import DEFAULT, language_named
from onehop.config import ValidationConfig
from onehop.errors import ConfigError
from onehop.types import Finding, Language, ValidationLevel, ValidationReport
from onehop.validation._cache import Cache, Verdict, key_of
from onehop.validation._examine import Examiner
from onehop.validation._operators import load, name_of
from onehop.validation._risk import NO_HISTORY, CodeHistory, assess
from onehop.validation._rules import RULES, TOO_COMPLEX
from onehop.validation._source import Rule, Source

__all__ = ["NO_HISTORY", "CodeHistory", "Rule", "Source", "Validator", "validate_code"]


class Validator:
    """Examines code by the rules in force and remembers its verdicts; threads may share one.

    Raises ConfigError for a rule that is turned off or graded but does not exist, for an
    operator's rule that cannot be imported, and for one that bears a name already taken.
    """

    def __init__(self, config: ValidationConfig | None = None, rules: Sequence[Rule] = ()) -> None:
        self._config = config or ValidationConfig()
        own = [*map(load, self._config.rules), *rules]
        _check_names(self._config, [name_of(rule) for rule in own])
        off = self._config.off
        self._examiner = Examiner(
            [rule for rule in RULES if rule.name not in off],
            [rule for rule in own if name_of(rule) not in off],
            self._config.severity,
        )
        self._hides = off & {TOO_COMPLEX.name}
        self._cache = Cache(self._config.cache)

    def validate(
        self,
        code: str,
        language: str | None = None,
        *,
        level: ValidationLevel = "BLOCKING",
        history: CodeHistory = NO_HISTORY,
    ) -> ValidationReport:
        """The verdict on a program; never raises, whatever the program.

        ``safe`` is false when there is an error; at STRICT, which a high risk brings about, a
        warning of medium severity is enough. At NONE and ASYNC it is what it would be at BLOCKING:
        whether it blocks there is the caller's decision.
        """
        verdict = self._verdict(code, language_named(language) or DEFAULT)
        issues = [each for each in verdict.findings if each.pattern not in self._hides]
        risk = assess(verdict.measures, history, level)
        safe = not any(_blocks(each, risk.level) for each in issues)
        return ValidationReport(safe=safe, issues=issues, risk_assessment=risk)

    def _verdict(self, code: str, language: Language) -> Verdict:
        key = key_of(code, language)
        found = self._cache.get(key)
        if found is None:
            found = self._examiner.examine(code, language)
            self._cache.put(key, found)
        return found


def validate_code(code: str, language: str | None = None) -> ValidationReport:
    """The verdict on a program, with the settings of the environment and of ``onehop.toml``."""
    config = ValidationConfig()
    return Validator(config).validate(code, language, level=config.level)


def _blocks(finding: Finding, level: ValidationLevel) -> bool:
    if finding.type == "error":
        return True
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
