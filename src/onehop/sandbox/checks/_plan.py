"""The calls of tools that a program would make, and what the rules say of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from onehop.sandbox.checks._judge import target_of
from onehop.sandbox.checks._literals import Arguments, UnknownError, read_arguments
from onehop.types import PlannedCall

if TYPE_CHECKING:
    from onehop.compiler import CallSite, Facts
    from onehop.sandbox.calls import Grant
    from onehop.tools import Bound


def planned_calls(facts: Facts, grant: Grant | None) -> list[PlannedCall]:
    """In the order of the text."""
    return list(_planned(facts, grant))


def _planned(facts: Facts, grant: Grant | None) -> Iterator[PlannedCall]:
    for site in facts.calls:
        if None in site.path:
            yield _call(site, None, _arguments(site), grant)
            continue
        target = target_of(site, grant)
        if target is not None:
            yield _call(site, target.path, _arguments(site), grant, target.bound)


def _call(
    site: CallSite,
    path: str | None,
    given: Arguments,
    grant: Grant | None,
    bound: Bound | None = None,
) -> PlannedCall:
    verdict = None
    if bound is not None and grant is not None:
        verdict = grant.policy.foresee(bound, given.known, complete=given.is_complete)
    return PlannedCall(
        tool=path,
        effect=bound.effect if bound else None,
        action=verdict[0].action if verdict else None,
        rule=verdict[0].rule if verdict else None,
        depends=verdict[1] if verdict else False,
        certain=site.is_certain,
        repeats=site.repeats,
        arguments=given.known if given.known or given.is_complete else None,
        line=site.line,
        column=site.column,
    )


def _arguments(site: CallSite) -> Arguments:
    try:
        return read_arguments(site.argument) or Arguments()
    except UnknownError:
        return Arguments(is_open=True)
