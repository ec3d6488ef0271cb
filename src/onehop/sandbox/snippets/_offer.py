"""What the description of ``code_execute`` says of the snippets that the code may call."""

from __future__ import annotations

from typing import Final

from onehop.sandbox.snippets._discovery import SnippetDiscovery

_RULES: Final = """\
Snippets: code that a person has approved. `await snippets.NAME(input)` runs one in this run, and \
gives what it returns; `tools.$search` finds them, and `await tools.$describe("$snippets.NAME")` \
gives the type of the input.
"""
_SHOWN: Final = 20
_LONGEST: Final = 160


def offer_of(discovery: SnippetDiscovery) -> str:
    """Rules, and the signatures of the first ones; empty when none can be called."""
    found = discovery.usable()
    if not found:
        return ""
    hits = [discovery.hit(bound.path) for bound in found[:_SHOWN]]
    lines = [hit["signature"] for hit in hits if len(hit["signature"]) <= _LONGEST]
    others = len(found) - len(lines)
    more = [f"… and {others} more; search for them"] if others else []
    return "\n" + _RULES + "\n".join([*lines, *more]) + "\n"
