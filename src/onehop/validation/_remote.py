"""The examination of a program as an analysis process does it, and its verdict read by the host."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from onehop.types import Finding, Language, Severity
from onehop.validation._cache import Verdict
from onehop.validation._examine import Examiner, refusal_of_tangled
from onehop.validation._operators import load_rule
from onehop.validation._risk import Measures
from onehop.validation._rules import RULES

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_MEASURED: Final = {field.name for field in fields(Measures)}
_MOST_FINDINGS: Final = 2_000
_MOST_PLACE: Final = 1 << 30
_MOST_TEXT: Final = 2_000
"""Characters of each text of a finding."""


def examine(
    code: str,
    language: Language,
    off: Sequence[str],
    severity: Mapping[str, Severity],
    rules: Sequence[str],
) -> Verdict:
    """The verdict by our rules that are not ``off``, and by the operator's, ``module:function``."""
    ours = [rule for rule in RULES if rule.name not in off]
    return Examiner(ours, [load_rule(reference) for reference in rules], severity).examine(
        code, language
    )


def read_verdict(answer: Any) -> Verdict:
    """A verdict that came as JSON data of a process that nobody trusts: bounded, and of its form;
    any other counts as that on a program that is too tangled."""
    try:
        if (clean := _clean(answer)) is not None:
            return clean
        if len(answer["findings"]) > _MOST_FINDINGS:
            return refusal_of_tangled()
        verdict = _adapter().validate_python(answer)
    except (ValidationError, KeyError, TypeError):
        return refusal_of_tangled()
    return verdict if all(map(_is_likely, verdict.findings)) else refusal_of_tangled()


def _clean(answer: Any) -> Verdict | None:
    """That on a program in which nothing was found, as most are: to learn to read more takes 20
    ms."""
    measures = answer["measures"]
    plain = {"findings": [], "measures": measures, "is_final": True}
    if answer != plain or type(measures) is not dict or measures.keys() != _MEASURED:
        return None
    if any(type(value) is not float for value in measures.values()):
        return None
    return Verdict((), Measures(**measures))


def _is_likely(finding: Finding) -> bool:
    texts = finding.message, finding.pattern, finding.suggestion or ""
    places = finding.line, finding.column
    return all(len(text) <= _MOST_TEXT for text in texts) and all(
        0 < place <= _MOST_PLACE for place in places
    )


@cache
def _adapter() -> TypeAdapter[Verdict]:
    from pydantic import TypeAdapter  # for few programs

    return TypeAdapter(Verdict)
