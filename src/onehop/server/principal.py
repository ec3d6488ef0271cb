"""Who is behind a request, and where a request notes it."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from onehop.server._limits import Allowance
from onehop.stores.base import Role

PRINCIPAL: Final = "onehop.principal"
"""Key of the scope under which the principal is, once it is known."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls."""

    agent_id: str
    """Whose runs these are: the key's agent, or the one that an admin named."""
    role: Role
    limits: Allowance
    """Of the key's agent."""
    holder: str
    """The key's agent."""
    held: ExitStack = field(default_factory=ExitStack, compare=False, repr=False)
    """What the request holds until it has been answered."""

    def hold(self, place: AbstractContextManager[None]) -> None:
        """Enter ``place`` until the request has been answered."""
        self.held.enter_context(place)

    @property
    def sees_all(self) -> bool:
        """Whether it may look at what other agents did."""
        return self.role != "agent"


def principal_of(scope: MutableMapping[str, Any]) -> Principal | None:
    """Who was found to be behind the request, if anybody has asked."""
    return scope.get(PRINCIPAL)
