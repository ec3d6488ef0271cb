"""Rules of the operator: found by name, and run so that a broken one refuses the code."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from importlib import import_module

from onehop.errors import ConfigError
from onehop.types import Finding
from onehop.validation._budget import OutOfTime
from onehop.validation._facts import Facts
from onehop.validation._source import Rule, Source

_log = logging.getLogger(__name__)


class RuleBroken(Exception):  # noqa: N818  # a plain condition, never seen outside of this room
    """A rule raised, or gave something that is not a finding; the code is not at fault."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def load_rule(reference: str) -> Rule:
    """The function that ``module:function`` names. Raises ConfigError when there is none."""
    module, colon, name = reference.partition(":")
    if not (module and colon and name):
        raise ConfigError("rules", f"{reference!r} is not module:function")
    try:
        found: Rule = getattr(import_module(module), name)
    except Exception as error:
        raise ConfigError("rules", f"{reference!r} cannot be imported: {error!r}") from error
    if not callable(found):
        raise ConfigError("rules", f"{reference!r} is not a function")
    return found


def name_of(rule: Rule) -> str:
    """Under which name a rule is turned off, and its findings are reported."""
    return str(getattr(rule, "__name__", type(rule).__name__))


def apply(rule: Rule, code: str, facts: Facts) -> Iterator[Finding]:
    """The findings of a rule, each under the rule's name. Raises RuleBroken."""
    name = name_of(rule)
    try:
        for finding in rule(Source(code, facts, name)):
            yield finding.model_copy(update={"pattern": name})
    except OutOfTime:
        raise
    except Exception as error:
        _log.exception("validation rule %s failed", name)
        raise RuleBroken(_refusal(name, error)) from error


def _refusal(name: str, error: Exception) -> Finding:
    """Code that could not be examined as the operator wants is refused."""
    return Finding(
        type="error",
        message=f"the operator's rule {name} failed ({type(error).__name__}), so nothing runs: "
        "this is not the code's fault",
        pattern=name,
        severity="critical",
        line=1,
        column=1,
        suggestion="tell the operator of this server; other code will be refused alike",
    )
