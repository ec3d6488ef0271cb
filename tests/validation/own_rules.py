"""Rules such as an operator would write, named in configuration by tests."""

from __future__ import annotations

from collections.abc import Iterator

from onehop.types import Finding
from onehop.validation import Source

NOT_A_FUNCTION = 5


def no_random(source: Source) -> Iterator[Finding]:
    """Code must be repeatable."""
    for node in source.nodes("member_expression"):
        if source.text(node) == "Math.random":
            yield source.finding(
                node, "results must be repeatable", suggestion="take a seed from `context`"
            )


def no_intl(source: Source) -> Iterator[Finding]:
    """The global Intl, however it is spelled."""
    for node in source.uses("Intl"):
        yield source.finding(node, "no Intl", type="warning", severity="medium")


def broken(source: Source) -> Iterator[Finding]:
    """Fails on code that has a number in it."""
    if "1" in source.code:
        raise KeyError("secret detail")
    yield from ()
