"""What a run may use of the host's tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from onehop.runs.questions import MOST_ASKS

if TYPE_CHECKING:
    from onehop.sandbox.snippets import Shelf
    from onehop.tools import Bound, Catalogue, Decision, Discovery, Policy, ToolLimits
    from onehop.types import Effect

SNIPPETS: Final = "$snippets"
"""The namespace of snippets; no tool's begins with a dollar sign."""


def _unseen(_bound: Bound, _answer: bytes) -> None:
    """Nobody looks at answers."""


@dataclass(frozen=True)
class Grant:
    """Tools, the rules that they are used by, and how much of them."""

    catalogue: Catalogue
    policy: Policy
    limits: ToolLimits
    discovery: Discovery
    observe: Callable[[Bound, bytes], None] = _unseen
    """Hears each answer of a tool."""
    snippets: Shelf | None = None
    """What it may call by ``snippets``; None when that is nothing."""

    def with_snippets(self, shelf: Shelf) -> Grant:
        """The same tools, and these snippets beside them."""
        from onehop.sandbox.snippets import SnippetDiscovery

        return replace(self, snippets=shelf, discovery=SnippetDiscovery(self, shelf))

    def find(self, namespace: str, member: str) -> Bound | None:
        """The tool or the snippet that code means by these names. Raises ToolError."""
        if namespace == SNIPPETS:
            return None if self.snippets is None else self.snippets.find(member)
        return self.catalogue.find(namespace, member)

    def decide(self, bound: Bound, arguments: Mapping[str, Any]) -> Decision:
        """What the rules say of a call. They concern tools: what a snippet calls, and not the
        snippet, whose call gives its code and does nothing."""
        if bound.namespace == SNIPPETS:
            from onehop.tools import Decision

            return Decision("allow")
        return self.policy.decide(bound, arguments)

    @cached_property
    def offer(self) -> str:
        """What the description of ``code_execute`` says of the tools; empty if there are none."""
        from onehop.tools import offer

        if self.snippets is None:
            return offer(self.discovery)
        from onehop.sandbox.snippets import SnippetDiscovery, offer_of

        assert isinstance(self.discovery, SnippetDiscovery)  # noqa: S101 - by ``with_snippets``
        return (offer(self.discovery) + offer_of(self.discovery)).lstrip("\n")

    @property
    def asks(self) -> bool:
        """Whether a call may have to wait for a person."""
        return self.policy.has_asks

    @property
    def effects(self) -> frozenset[Effect]:
        """What the tools do that are not always denied. A stranger's word that one only reads is
        not enough."""
        spaces = self.discovery.visible.values()
        return frozenset(
            "write" if bound.tool.is_hint and bound.effect == "read" else bound.effect
            for space in spaces
            for bound in space
        )

    @cached_property
    def limits_json(self) -> str:
        """What the guest keeps to by itself."""
        most = {
            "calls": self.limits.calls,
            "asks": MOST_ASKS,
            "arguments": self.limits.arguments,
        }
        return json.dumps(most)
