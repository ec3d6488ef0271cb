"""What a run may use of the host's tools."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onehop.questions import MOST_ASKS
from onehop.types import Effect

if TYPE_CHECKING:
    from onehop.tools import Bound, Catalogue, Discovery, Policy, ToolLimits


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

    @cached_property
    def offer(self) -> str:
        """What the description of ``code_execute`` says of the tools; empty if there are none."""
        from onehop.tools import offer

        return offer(self.discovery)

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
