"""Rules that concern none of the tools that there are: a slip, or for tools that come later."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Final

from onehop.tools._bound import Bound
from onehop.tools._catalogue import Catalogue
from onehop.tools._rules import Rule

_MOST: Final = 2_000_000
"""Comparisons of a rule with a tool; more rules are not looked at."""


def stray(rules: Sequence[Rule], catalogue: Catalogue) -> list[str]:
    """A sentence for each rule that concerns no tool of ``catalogue``, and for each whose condition
    names a field that none of its tools has."""
    if not catalogue.bound:
        return []
    few = rules[: _MOST // len(catalogue.bound)]
    return [words for rule in few for words in _about(rule, catalogue)]


def _about(rule: Rule, catalogue: Catalogue) -> Iterator[str]:
    if rule.tool == "*" and not rule.is_conditional:
        return
    concerned = [one for one in catalogue.bound.values() if _is_like(one, rule.tool)]
    if concerned:
        yield from _field(rule, concerned)
    elif catalogue.missing:
        away = ", ".join(catalogue.missing)
        yield f"the rule {str(rule)!r} concerns no tool that is known; those of {away} are not yet"
    else:
        near = catalogue.nearest(rule.tool)
        advice = f"did you mean {', '.join(near)}?" if near else "see onehop tools list"
        yield f"the rule {str(rule)!r} concerns no tool that there is: {advice}"


def _is_like(bound: Bound, glob: str) -> bool:
    return any(fnmatchcase(path, glob) for path in bound.spellings)


def _field(rule: Rule, concerned: Sequence[Bound]) -> Iterator[str]:
    """A field that a tool does not have is missing in every call, so that the rule matches all."""
    if rule.field is None:
        return
    names = {name.rstrip("*") for bound in concerned for name in bound.parameters}
    if rule.field in names or not all(_is_closed(bound) for bound in concerned):
        return
    near = get_close_matches(rule.field, sorted(names), 1)
    advice = f" (did you mean {near[0]}?)" if near else ""
    yield (
        f"the rule {str(rule)!r} matches every call: no tool that it concerns has a parameter "
        f"{rule.field!r}{advice}"
    )


def _is_closed(bound: Bound) -> bool:
    """Whether its parameters are all that it takes."""
    schema = bound.input_schema
    return schema.get("additionalProperties") is False and "patternProperties" not in schema
